//! A sample and its encodings: one for each dialect, shared by all clients.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use socktop_proto::delta;
use socktop_proto::dialect::native::{self, ReplyOptions};
use socktop_proto::dialect::{json, text};
use socktop_proto::model::{self, body};
use socktop_proto::{Body, Fields, Frame, Query};
use tokio_tungstenite::tungstenite::Message;

/// How many encodings of a sample are kept: clients of one version request it whole, or since one of the few revisions
/// before. Other combinations are encoded for each request.
const ENCODINGS: usize = 8;

/// A sample and its encodings, each made on first use.
#[derive(Debug)]
pub struct Sample {
    query: Query,
    body: Arc<Body>,
    /// What it is called in requests for changes; 0 where there are none to be had.
    revision: u64,
    /// Those before this one, which clients may have.
    earlier: Vec<Weak<Sample>>,
    native: Mutex<Vec<(ReplyOptions, Bytes)>>,
    text: OnceLock<Message>,
    json: OnceLock<Message>,
}

impl Sample {
    /// The answer `body` to `query`.
    #[must_use]
    pub fn new(query: Query, body: Body) -> Self {
        Self {
            query,
            body: Arc::new(body),
            revision: 0,
            earlier: Vec::new(),
            native: Mutex::default(),
            text: OnceLock::new(),
            json: OnceLock::new(),
        }
    }

    /// The answer itself.
    #[must_use]
    pub fn body(&self) -> &Arc<Body> {
        &self.body
    }

    /// The native reply to request `id`: what has changed where the client has a revision that is known still, else the
    /// whole.
    pub fn native(&self, id: u64, options: ReplyOptions) -> Message {
        let mut known = self.native.lock();
        if let Some((_, encoded)) = known.iter().find(|(like, _)| *like == options) {
            return Message::binary(native::reply_frame(id, encoded));
        }
        let encoded = Bytes::from(self.encode(options));
        let frame = native::reply_frame(id, &encoded);
        if known.len() < ENCODINGS {
            known.push((options, encoded));
        }
        Message::binary(frame)
    }

    fn encode(&self, options: ReplyOptions) -> Vec<u8> {
        let delta = options
            .since
            .and_then(|since| self.delta_since(since, options.fields))
            // A delta larger than a client takes: the whole is sent.
            .and_then(|delta| native::encode_delta(delta, self.revision).ok());
        match (delta, &self.body.kind) {
            (Some(encoded), _) => encoded,
            (None, Some(body::Kind::Processes(list))) if options.fields != Fields::ALL => {
                let list = options.fields.retained(list);
                native::encode_body(&body::Kind::Processes(list).into(), self.revision)
            }
            (None, _) => native::encode_body(&self.body, self.revision),
        }
    }

    fn delta_since(&self, since: u64, fields: Fields) -> Option<model::Delta> {
        if since == self.revision {
            return delta::between(&self.body, &self.body, fields);
        }
        let mut earlier = self.earlier.iter().filter_map(Weak::upgrade);
        let old = earlier.find(|old| old.revision == since)?;
        delta::between(&old.body, &self.body, fields)
    }

    /// The reply in the text dialect.
    pub fn text(&self) -> Message {
        self.text
            .get_or_init(|| message(text::encode_reply(self.query, &self.body)))
            .clone()
    }

    /// The reply in the json dialect.
    pub fn json(&self) -> Message {
        self.json
            .get_or_init(|| message(json::encode_reply(self.query, &self.body)))
            .clone()
    }
}

/// A dialect's frame as tungstenite sends it.
#[must_use]
pub fn message(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Binary(bytes) => Message::binary(bytes),
    }
}

/// How many samples are kept beside the newest. By default our client asks at twice a sample's time to live, so however
/// many clients ask, each has at worst the sample before the last. A client that asks less often gets whole replies.
const EARLIER: usize = 2;

/// The last samples of a kind, as bases for deltas.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    revision: u64,
    samples: VecDeque<Arc<Sample>>,
    /// The answer of the sample released last, where nothing else uses it.
    retired: Option<Body>,
}

impl Earlier {
    /// Names a new sample, and keeps it.
    pub(super) fn next(&mut self, query: Query, body: Body) -> Arc<Sample> {
        let mut sample = Sample::new(query, body);
        if !can_change(&sample.body) {
            return Arc::new(sample);
        }
        self.revision += 1;
        sample.revision = self.revision;
        if self.samples.len() > EARLIER {
            let oldest = self.samples.pop_front().and_then(Arc::into_inner);
            self.retired = oldest.and_then(|sample| Arc::into_inner(sample.body));
        }
        // Not the samples themselves: each would keep those before it.
        sample.earlier = self.samples.iter().map(Arc::downgrade).collect();
        let sample = Arc::new(sample);
        self.samples.push_back(Arc::clone(&sample));
        sample
    }

    /// An unused answer of this kind, whose memory the next one can reuse.
    pub(super) fn take_retired(&mut self) -> Option<Body> {
        self.retired.take()
    }
}

/// Whether there are changes to such an answer.
fn can_change(body: &Body) -> bool {
    use body::Kind;
    matches!(
        body.kind,
        Some(Kind::Metrics(_) | Kind::Disks(_) | Kind::Processes(_))
    )
}

#[cfg(test)]
mod tests;
