//! What becomes of the answers of one connection: decoded, completed where they are deltas, checked against the limits.

use socktop_proto::delta::{self, DeltaError};
use socktop_proto::dialect::native::{self, DecodedReply, Payload, ReplyOptions};
use socktop_proto::dialect::text;
use socktop_proto::limits::{self, OverLimit};
use socktop_proto::model::body;
use socktop_proto::{Body, Error, ErrorCode, Fields, Query};

use crate::link::memory_budget::Held;
use crate::text::sanitize::one_line;

/// Why an answer cannot be used. The connection can: what comes next is told apart from it.
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
    #[error("changes that were not asked for")]
    UnrequestedDelta,
    #[error("something else for {0}")]
    AnotherKind(&'static str),
}

impl Unusable {
    /// What the application is told in the answer's place.
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
    held: &'a mut Held,
}

/// An answer that a delta may be to.
#[derive(Debug)]
struct Base {
    query: Query,
    fields: Fields,
    revision: u64,
    body: Body,
    /// Its memory.
    bytes: usize,
}

impl Base {
    /// Takes out the fields that are no longer asked for: deltas say nothing of them, so they would grow old here.
    fn narrow(&mut self, fields: Fields) {
        if self.fields != fields
            && let Some(body::Kind::Processes(list)) = &mut self.body.kind
        {
            list.processes
                .iter_mut()
                .for_each(|process| fields.retain(process));
        }
    }
}

impl<'a> Answers<'a> {
    /// The answers of a new connection; `held` is what the application has from those before.
    pub(super) fn new(held: &'a mut Held) -> Self {
        Self {
            bases: Vec::new(),
            held,
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
    ) -> Result<Body, Unusable> {
        // Nothing will be asked about it any more.
        let base = self.take_base(query);
        let DecodedReply {
            revision, payload, ..
        } = answer?;
        let mut body = match payload {
            Payload::Whole(body) => body,
            Payload::Delta(delta) => {
                let mut base = base
                    .filter(|base| Some(base.revision) == options.since)
                    .ok_or(Unusable::UnrequestedDelta)?;
                base.narrow(options.fields);
                delta::apply(base.body, delta)?
            }
        };
        if matches!(body.kind, Some(body::Kind::Error(_))) {
            limits::cut_texts(&mut body);
            return Ok(body);
        }
        if !answers(query, &body) {
            return Err(Unusable::AnotherKind(name(query)));
        }
        // Delta upon delta may add up to more than any one answer may have.
        limits::check_with_bytes(&body)?;
        limits::cut_texts(&mut body);
        self.keep(query, options.fields, revision, &body)?;
        Ok(body)
    }

    /// Counts what the answer takes, and keeps it where a delta may be to it.
    fn keep(
        &mut self,
        query: Query,
        fields: Fields,
        revision: u64,
        body: &Body,
    ) -> Result<(), OverLimit> {
        let bytes = limits::held_bytes(body);
        let has_deltas = matches!(query, Query::Metrics | Query::Disks | Query::Processes);
        let is_base = revision > 0 && has_deltas;
        let bases: usize = self.bases.iter().map(|base| base.bytes).sum();
        let others = bases + if is_base { bytes } else { 0 };
        self.held.replace(query, bytes, others)?;
        if is_base {
            self.bases.push(Base {
                query,
                fields,
                revision,
                body: body.clone(),
                bytes,
            });
        }
        Ok(())
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
    )
}
