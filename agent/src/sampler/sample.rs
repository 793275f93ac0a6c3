//! A sample and its encodings: one for each dialect, shared by all clients.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use socktop_proto::changes::changes;
use socktop_proto::model::{self, body};
use socktop_proto::{Body, Frame, Query, json, native, text};
use tokio_tungstenite::tungstenite::Message;

/// A sample and its encodings, each made when it is first wanted.
#[derive(Debug)]
pub struct Sample {
    query: Query,
    body: Body,
    native: OnceLock<Bytes>,
    /// The process lists before this one, which clients may have.
    earlier: Vec<Weak<Sample>>,
    /// What has changed since those, by their revisions, each encoded when it is first wanted.
    changes: Mutex<Vec<(u64, Bytes)>>,
    text: OnceLock<Message>,
    json: OnceLock<Message>,
}

impl Sample {
    /// The answer `body` to `query`.
    pub(crate) fn new(query: Query, body: Body) -> Self {
        Self {
            query,
            body,
            native: OnceLock::new(),
            earlier: Vec::new(),
            changes: Mutex::default(),
            text: OnceLock::new(),
            json: OnceLock::new(),
        }
    }

    /// The native reply to request `id`; of a process list, where the client has the revision `since` of it and that is
    /// known still, what has changed.
    pub fn native(&self, id: u64, since: Option<u64>) -> Message {
        if let Some(changes) = since.and_then(|since| self.changes_since(since)) {
            return Message::binary(native::reply_frame(id, &changes));
        }
        let whole = self
            .native
            .get_or_init(|| native::encode_body(self.body.clone()).into());
        Message::binary(native::reply_frame(id, whole))
    }

    fn processes(&self) -> Option<&model::Processes> {
        match &self.body.kind {
            Some(body::Kind::Processes(list)) => Some(list),
            _ => None,
        }
    }

    /// The changes since a revision, encoded, where that is known and most processes are the same. The whole list is
    /// not encoded for it.
    fn changes_since(&self, since: u64) -> Option<Bytes> {
        let new = self.processes()?;
        let mut known = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, changes)) = known.iter().find(|(revision, _)| *revision == since) {
            return Some(changes.clone());
        }
        let difference = if new.revision == since {
            changes(new, new)
        } else {
            let earlier = self
                .earlier
                .iter()
                .filter_map(Weak::upgrade)
                .find(|earlier| {
                    earlier
                        .processes()
                        .is_some_and(|list| list.revision == since)
                })?;
            changes(earlier.processes()?, new)
        };
        if difference.processes.len() > new.processes.len() / 2 {
            return None;
        }
        let encoded = native::encode_body(body::Kind::Processes(difference).into());
        let changes = Bytes::from(encoded);
        known.push((since, changes.clone()));
        Some(changes)
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

/// How many process lists are kept beside the newest: who asks every two seconds among others has the last but one.
const EARLIER_LISTS: usize = 3;

/// The last process lists, by which changes are told.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    revision: u64,
    lists: VecDeque<Arc<Sample>>,
}

impl Earlier {
    /// Names a new list, and keeps it.
    pub(super) fn next(&mut self, mut list: model::Processes) -> Arc<Sample> {
        self.revision += 1;
        list.revision = self.revision;
        if self.lists.len() > EARLIER_LISTS {
            self.lists.pop_front();
        }
        let mut sample = Sample::new(Query::Processes, body::Kind::Processes(list).into());
        // Not the lists themselves: each would keep those before it.
        sample.earlier = self.lists.iter().map(Arc::downgrade).collect();
        let sample = Arc::new(sample);
        self.lists.push_back(Arc::clone(&sample));
        sample
    }
}

#[cfg(test)]
mod tests {
    use socktop_proto::{Error, ErrorCode};

    use super::*;

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
            processes: (1..100).map(process).collect(),
            ..model::Processes::default()
        }
    }

    /// What a client that has the revision `since` is told: the answer, and its size.
    fn told(sample: &Sample, since: Option<u64>) -> (model::Processes, usize) {
        let frame = sample.native(1, since).into_data();
        let (_, body) = native::decode_reply(&frame, 1 << 20).unwrap();
        match body.kind {
            Some(body::Kind::Processes(list)) => (list, frame.len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_has_a_list_that_is_known_is_told_what_has_changed() {
        let mut earlier = Earlier::default();
        let samples: Vec<_> = (0..6_u8)
            .map(|step| earlier.next(list(f32::from(step))))
            .collect();
        let newest = &samples[5];
        let (whole, whole_size) = told(newest, None);
        assert_eq!((whole.revision, whole.since), (6, None));
        for (revision, old) in (3..=6).zip(&samples[2..]) {
            let (difference, size) = told(newest, Some(revision));
            assert_eq!(difference.since, Some(revision));
            assert!(size < whole_size / 4, "{size} of {whole_size}");
            let old = old.processes().unwrap();
            let applied = socktop_proto::changes::apply(old, difference).unwrap();
            assert_eq!(&applied, newest.processes().unwrap());
        }
        // Too old, never given, or of the agent that ran before.
        for unknown in [1, 2, 7, u64::MAX] {
            assert_eq!(told(newest, Some(unknown)).0.since, None, "{unknown}");
        }
    }

    #[test]
    fn where_most_has_changed_the_whole_list_is_given() {
        let mut earlier = Earlier::default();
        let first = earlier.next(list(0.0));
        let mut other = list(0.0);
        for process in &mut other.processes {
            process.pid += 1000;
        }
        let second = earlier.next(other);
        let revision = first.processes().unwrap().revision;
        assert_eq!(told(&second, Some(revision)).0.since, None);
    }

    #[test]
    fn old_lists_are_let_go() {
        let mut earlier = Earlier::default();
        let first = Arc::downgrade(&earlier.next(list(0.0)));
        for step in 0..4_u8 {
            earlier.next(list(f32::from(step)));
        }
        assert!(first.upgrade().is_none());
    }
}
