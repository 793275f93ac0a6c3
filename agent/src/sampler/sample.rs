//! A sample and its encodings: one for each dialect, shared by all clients.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use socktop_proto::changes::changes;
use socktop_proto::model::{self, body};
use socktop_proto::native::{self, Wanted};
use socktop_proto::{Body, Fields, Frame, Query, json, text};
use tokio_tungstenite::tungstenite::Message;

/// How many encodings of a sample are kept: clients of one version want it whole, or since one of the few revisions
/// before. Whoever makes up other wishes has them encoded anew.
const ENCODINGS: usize = 8;

/// A sample and its encodings, each made when it is first wanted.
#[derive(Debug)]
pub struct Sample {
    query: Query,
    body: Body,
    /// What it is called in requests for changes; 0 where there are none to be had.
    revision: u64,
    /// Those before this one, which clients may have.
    earlier: Vec<Weak<Sample>>,
    native: Mutex<Vec<(Wanted, Bytes)>>,
    text: OnceLock<Message>,
    json: OnceLock<Message>,
}

impl Sample {
    /// The answer `body` to `query`.
    pub(crate) fn new(query: Query, body: Body) -> Self {
        Self {
            query,
            body,
            revision: 0,
            earlier: Vec::new(),
            native: Mutex::default(),
            text: OnceLock::new(),
            json: OnceLock::new(),
        }
    }

    /// The native reply to request `id`: what has changed where the client has a revision that is known still, else the
    /// whole.
    pub fn native(&self, id: u64, wanted: Wanted) -> Message {
        let mut known = self.native.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, encoded)) = known.iter().find(|(like, _)| *like == wanted) {
            return Message::binary(native::reply_frame(id, encoded));
        }
        let encoded = Bytes::from(self.encode(wanted));
        let frame = native::reply_frame(id, &encoded);
        if known.len() < ENCODINGS {
            known.push((wanted, encoded));
        }
        Message::binary(frame)
    }

    fn encode(&self, wanted: Wanted) -> Vec<u8> {
        let changes = wanted
            .since
            .and_then(|since| self.changes_since(since, wanted.fields));
        match (changes, &self.body.kind) {
            (Some(changes), _) => native::encode_changes(changes, self.revision),
            (None, Some(body::Kind::Processes(list))) if wanted.fields != Fields::ALL => {
                let mut list = list.clone();
                for process in &mut list.processes {
                    wanted.fields.choose(process);
                }
                native::encode_body(&body::Kind::Processes(list).into(), self.revision)
            }
            (None, _) => native::encode_body(&self.body, self.revision),
        }
    }

    fn changes_since(&self, since: u64, fields: Fields) -> Option<model::Changes> {
        if since == self.revision {
            return changes(&self.body, &self.body, fields);
        }
        let mut earlier = self.earlier.iter().filter_map(Weak::upgrade);
        let old = earlier.find(|old| old.revision == since)?;
        changes(&old.body, &self.body, fields)
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
pub(crate) fn message(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Binary(bytes) => Message::binary(bytes),
    }
}

/// How many samples are kept beside the newest. Our client asks at twice a sample's time to live by default, so however many
/// ask, what one has is the last but one at the most. Who asks more seldom, among others, is told the whole.
const EARLIER: usize = 2;

/// The last samples of a kind, by which changes are told.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    revision: u64,
    samples: VecDeque<Arc<Sample>>,
    /// The answer of the one let go last, where nobody else had it.
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
            self.retired = oldest.map(|sample| sample.body);
        }
        // Not the samples themselves: each would keep those before it.
        sample.earlier = self.samples.iter().map(Arc::downgrade).collect();
        let sample = Arc::new(sample);
        self.samples.push_back(Arc::clone(&sample));
        sample
    }

    /// An answer of this kind that nobody needs any more, whose memory the next one can have.
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
mod tests {
    use socktop_proto::native::Told;
    use socktop_proto::{Error, ErrorCode};

    use super::*;
    use crate::collect::Now;

    #[test]
    fn encodings_are_made_once() {
        let sample = Sample::new(
            Query::Host,
            Error::new(ErrorCode::NotFound, "nothing").into(),
        );
        let first = sample.text();
        let Message::Text(one) = &first else { panic!() };
        let second = sample.text();
        let Message::Text(other) = &second else {
            panic!()
        };
        assert_eq!(one.as_ptr(), other.as_ptr());
    }

    fn list(percent: f32) -> model::Processes {
        let process = |pid| model::Process {
            pid,
            name: "a-program".to_owned(),
            user: "somebody".to_owned(),
            cpu_percent: Some(if pid == 7 { percent } else { 0.0 }),
            ..model::Process::default()
        };
        model::Processes {
            time: Some(Now::read().sample_time()),
            processes: (1..100).map(process).collect(),
            total: 99,
            window_ms: Some(1000),
            others_hidden: false,
        }
    }

    fn next(earlier: &mut Earlier, list: model::Processes) -> Arc<Sample> {
        earlier.next(Query::Processes, body::Kind::Processes(list).into())
    }

    fn since(revision: u64) -> Wanted {
        Wanted {
            since: Some(revision),
            ..Wanted::default()
        }
    }

    /// What a client is told: the answer, and its size.
    fn told(sample: &Sample, wanted: Wanted) -> (Told, usize) {
        let frame = sample.native(1, wanted).into_data();
        let answer = native::decode_reply(&frame, 1 << 20).unwrap();
        assert_eq!((answer.id, answer.revision), (1, sample.revision));
        (answer.told, frame.len())
    }

    #[test]
    fn whoever_has_one_of_the_last_samples_is_told_what_has_changed() {
        let mut earlier = Earlier::default();
        let samples: Vec<_> = (1..=6_u8)
            .map(|step| next(&mut earlier, list(step.into())))
            .collect();
        let newest = &samples[5];
        let (whole, whole_size) = told(newest, Wanted::default());
        assert_eq!(whole, Told::Whole(newest.body.clone()));
        for (revision, old) in (4..=6).zip(&samples[3..]) {
            let (Told::Changes(changes), size) = told(newest, since(revision)) else {
                panic!("since {revision}");
            };
            assert!(size < whole_size / 4, "{size} of {whole_size}");
            let applied = socktop_proto::changes::apply(old.body.clone(), changes).unwrap();
            assert_eq!(applied, newest.body);
        }
        // Too old, never given, or no name at all.
        for unknown in [0, 1, 3, 7, u64::MAX] {
            assert_eq!(told(newest, since(unknown)).0, whole, "{unknown}");
        }
    }

    #[test]
    fn fields_that_are_not_wanted_are_not_told() {
        let mut earlier = Earlier::default();
        let first = next(&mut earlier, list(1.0));
        let second = next(&mut earlier, list(2.0));
        let of = |fields, since| Wanted { fields, since };
        let (Told::Whole(body), _) = told(&first, of(Fields::NAME, None)) else {
            panic!("changes to nothing");
        };
        let Some(body::Kind::Processes(named)) = body.kind else {
            panic!("no list");
        };
        assert_eq!(named.total, 99);
        let named = &named.processes[0];
        assert_eq!((named.name.as_str(), named.pid), ("a-program", 1));
        assert_eq!((named.user.as_str(), named.cpu_percent), ("", None));
        let size = |fields| told(&second, of(fields, Some(1))).1;
        assert!(size(Fields::NAME) < size(Fields::CPU));
    }

    #[test]
    fn encodings_that_nobody_shares_are_not_kept() {
        let mut earlier = Earlier::default();
        let sample = next(&mut earlier, list(1.0));
        for unknown in 10..100 {
            told(&sample, since(unknown));
        }
        assert_eq!(sample.native.lock().unwrap().len(), ENCODINGS);
    }

    #[test]
    fn old_samples_are_let_go() {
        let mut earlier = Earlier::default();
        let first = Arc::downgrade(&next(&mut earlier, list(0.0)));
        for step in 0..4_u8 {
            next(&mut earlier, list(step.into()));
        }
        assert!(first.upgrade().is_none());
    }

    #[test]
    fn what_is_let_go_is_given_back_where_nobody_else_has_it() {
        let mut earlier = Earlier::default();
        let first = next(&mut earlier, list(1.0));
        let second = next(&mut earlier, list(2.0)).body.clone();
        next(&mut earlier, list(3.0));
        assert_eq!(earlier.take_retired(), None);
        next(&mut earlier, list(4.0));
        assert_eq!(earlier.take_retired(), None);
        drop(first);
        next(&mut earlier, list(5.0));
        assert_eq!(earlier.take_retired(), Some(second));
        assert_eq!(earlier.take_retired(), None);
    }

    #[test]
    fn an_error_has_no_name() {
        let mut earlier = Earlier::default();
        let error = Error::new(ErrorCode::Unavailable, "nothing");
        let sample = earlier.next(Query::Metrics, error.into());
        assert_eq!(sample.revision, 0);
        assert!(matches!(told(&sample, since(0)).0, Told::Whole(_)));
    }
}
