//! Decodes the answers of one connection: applies deltas, and checks the limits.

use std::sync::Arc;

use socktop_proto::delta::{self, DeltaError};
use socktop_proto::dialect::native::{self, DecodedReply, Payload, ReplyOptions};
use socktop_proto::dialect::text;
use socktop_proto::limits::{self, OverLimit};
use socktop_proto::model::{Delta, body};
use socktop_proto::{Body, Error, ErrorCode, Fields, Query};

use crate::link::memory_budget::MemoryBudget;
use crate::text::sanitize::one_line;

/// Why an answer cannot be used. The connection still can: the next answers are separate from it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error(transparent)]
    Native(#[from] native::ReplyError),
    #[error(transparent)]
    Text(#[from] text::ReplyError),
    #[error("the reply {0}")]
    OverLimit(#[from] OverLimit),
    #[error(transparent)]
    Delta(#[from] DeltaError),
    #[error("a delta that was not requested")]
    UnrequestedDelta,
    #[error("an answer of another kind for {0}")]
    AnotherKind(&'static str),
}

impl Unusable {
    /// The error that the application gets in place of the answer.
    pub(super) fn into_body(self) -> Body {
        let fault = one_line(&self.to_string(), 300);
        let message = format!("the agent's answer cannot be used: {fault}");
        Error::new(ErrorCode::Unavailable, message).into()
    }
}

/// The answers that deltas may be to, and the memory that all answers take.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    bases: Vec<Base>,
    budget: &'a mut MemoryBudget,
}

/// An answer that a delta may be to.
#[derive(Debug)]
struct Base {
    query: Query,
    fields: Fields,
    revision: u64,
    /// The application has it, too.
    body: Arc<Body>,
    /// Its memory.
    bytes: usize,
    earlier: Option<Earlier>,
}

/// The answer before a [`Base`], in the same fields. The application drops it when it takes the base: then its memory can
/// become that of the next answer, and nothing is copied.
#[derive(Debug)]
struct Earlier {
    body: Arc<Body>,
    /// Its memory.
    bytes: usize,
    /// What leads from it to the base.
    delta: Delta,
}

impl Base {
    /// The next answer, which has `fields` and to which `delta` leads; also this one as what is before the next.
    fn next(self, fields: Fields, delta: Delta) -> Result<(Body, Option<Earlier>), DeltaError> {
        if self.fields != fields {
            // Deltas say nothing of fields that are no longer asked for: they would grow old here.
            let mut body = in_fields(&self.body, fields);
            delta::apply(&mut body, &delta)?;
            return Ok((body, None));
        }
        let mut body = match self.earlier.and_then(Earlier::into_base) {
            Some(applied) => applied?,
            None => Body::clone(&self.body),
        };
        delta::apply(&mut body, &delta)?;
        let earlier = Earlier {
            body: self.body,
            bytes: self.bytes,
            delta,
        };
        Ok((body, Some(earlier)))
    }
}

impl Earlier {
    fn held_bytes(&self) -> usize {
        self.bytes + limits::delta_held_bytes(&self.delta)
    }

    /// The base, in the memory of this answer; `None` where the application still has this one.
    fn into_base(self) -> Option<Result<Body, DeltaError>> {
        let mut body = Arc::into_inner(self.body)?;
        Some(delta::apply(&mut body, &self.delta).map(|()| body))
    }
}

/// `body` with only these fields of processes.
fn in_fields(body: &Body, fields: Fields) -> Body {
    match &body.kind {
        Some(body::Kind::Processes(list)) => body::Kind::Processes(fields.retained(list)).into(),
        _ => body.clone(),
    }
}

impl<'a> Answers<'a> {
    /// The answers of a new connection; `budget` is what the application has from those before.
    pub(super) fn new(budget: &'a mut MemoryBudget) -> Self {
        Self {
            bases: Vec::new(),
            budget,
        }
    }

    /// Whether the last answer has less than `fields`.
    pub(super) fn lacks(&self, query: Query, fields: Fields) -> bool {
        self.base(query)
            .is_some_and(|base| !base.fields.contain(fields))
    }

    /// How to ask for an answer in `fields`.
    pub(super) fn options(&self, query: Query, fields: Fields) -> ReplyOptions {
        let since = self
            .base(query)
            .filter(|base| base.fields.contain(fields))
            .map(|base| base.revision);
        ReplyOptions { fields, since }
    }

    fn base(&self, query: Query) -> Option<&Base> {
        self.bases.iter().find(|base| base.query == query)
    }

    fn take_base(&mut self, query: Query) -> Option<Base> {
        let at = self.bases.iter().position(|base| base.query == query)?;
        Some(self.bases.swap_remove(at))
    }

    /// Takes the answer to `query`, which was asked for with `options`.
    ///
    /// # Errors
    /// Where it cannot be used. The next one is asked for whole.
    pub(super) fn take(
        &mut self,
        query: Query,
        options: ReplyOptions,
        answer: Result<DecodedReply, Unusable>,
    ) -> Result<Arc<Body>, Unusable> {
        // Nothing will be asked about it any more.
        let base = self.take_base(query);
        let DecodedReply {
            revision, payload, ..
        } = answer?;
        let (mut body, earlier) = match payload {
            Payload::Whole(body) => (body, None),
            Payload::Delta(delta) => base
                .filter(|base| Some(base.revision) == options.since)
                .ok_or(Unusable::UnrequestedDelta)?
                .next(options.fields, delta)?,
        };
        if matches!(body.kind, Some(body::Kind::Error(_))) {
            limits::cut_texts(&mut body);
            return Ok(Arc::new(body));
        }
        if !answers(query, &body) {
            return Err(Unusable::AnotherKind(name(query)));
        }
        // Delta upon delta may add up to more than any one answer may have.
        limits::check_with_bytes(&body)?;
        limits::cut_texts(&mut body);
        let body = Arc::new(body);
        let base = Base {
            query,
            fields: options.fields,
            revision,
            bytes: limits::held_bytes(&body),
            body: Arc::clone(&body),
            earlier,
        };
        self.keep(base)?;
        Ok(body)
    }

    /// Counts what the answer takes, and keeps it where a delta may be to it.
    fn keep(&mut self, mut base: Base) -> Result<(), OverLimit> {
        let Base { query, bytes, .. } = base;
        let has_deltas = matches!(query, Query::Metrics | Query::Disks | Query::Processes);
        if base.revision == 0 || !has_deltas {
            return self.budget.replace(query, bytes, self.kept_bytes());
        }
        // The application makes a copy of its own where a number is impossible, so both are counted.
        let others = self.kept_bytes() + bytes;
        let earlier_bytes = base.earlier.as_ref().map_or(0, Earlier::held_bytes);
        if self
            .budget
            .replace(query, bytes, others + earlier_bytes)
            .is_err()
        {
            base.earlier = None;
            self.budget.replace(query, bytes, others)?;
        }
        self.bases.push(base);
        Ok(())
    }

    /// The memory of all that deltas may be to.
    fn kept_bytes(&self) -> usize {
        let each = self.bases.iter().map(|base| {
            let earlier = base.earlier.as_ref();
            base.bytes + earlier.map_or(0, Earlier::held_bytes)
        });
        each.sum()
    }
}

/// A query in words.
pub(super) fn name(query: Query) -> &'static str {
    match query {
        Query::Host => "the host's facts",
        Query::Metrics => "metrics",
        Query::Disks => "disks",
        Query::Processes => "the process list",
        Query::Process { .. } => "a process's details",
        Query::Journal { .. } => "a process's journal",
        Query::Sensors => "temperature sensors",
    }
}

/// Whether `body` is of the kind that `query` asked for.
fn answers(query: Query, body: &Body) -> bool {
    use body::Kind;
    matches!(
        (query, &body.kind),
        (Query::Host, Some(Kind::Host(_)))
            | (Query::Metrics, Some(Kind::Metrics(_)))
            | (Query::Disks, Some(Kind::Disks(_)))
            | (Query::Processes, Some(Kind::Processes(_)))
            | (Query::Process { .. }, Some(Kind::Process(_)))
            | (Query::Journal { .. }, Some(Kind::Journal(_)))
            | (Query::Sensors, Some(Kind::Sensors(_)))
    )
}
