//! One of the kinds of things that an agent is asked for: its last sample, or the error instead.

use std::marker::PhantomData;
use std::sync::Arc;

use socktop_proto::Body;
use socktop_proto::model::{
    Disks, Host, Journal, Metrics, ProcessDetails, Processes, SampleTime, body,
};

use super::{Impossible, Moment};

/// A kind of answer.
pub trait AnswerKind: Sized {
    /// The answer of this kind in `body`.
    fn of(body: &Body) -> Option<&Self>;
}

macro_rules! kinds {
    ($($kind:ident($answer:ident),)*) => {
        $(impl AnswerKind for $answer {
            fn of(body: &Body) -> Option<&Self> {
                match &body.kind {
                    Some(body::Kind::$kind(answer)) => Some(answer),
                    _ => None,
                }
            }
        })*
    };
}

kinds! {
    Host(Host),
    Metrics(Metrics),
    Disks(Disks),
    Processes(Processes),
    Process(ProcessDetails),
    Journal(Journal),
}

/// A sample and when it arrived.
#[derive(Debug, Clone)]
pub struct Sample<T> {
    /// What the agent said. The link may have it, too, so that nothing is copied.
    body: Arc<Body>,
    /// When it came.
    pub arrived: Moment,
    kind: PhantomData<T>,
}

impl<T: AnswerKind> Sample<T> {
    /// What the agent said.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        T::of(&self.body)
    }
}

/// One of the kinds of things that an agent is asked for.
#[derive(Debug, Clone)]
pub struct Part<T> {
    /// The last sample.
    pub sample: Option<Sample<T>>,
    /// What the agent said instead of a newer one.
    pub error: Option<String>,
    /// What the agent sent in the last sample that cannot be. There it is unknown.
    pub impossible: Impossible,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self {
            sample: None,
            error: None,
            impossible: Impossible::default(),
        }
    }
}

impl<T: AnswerKind> Part<T> {
    /// When the last sample arrived.
    #[must_use]
    pub fn arrived(&self) -> Option<Moment> {
        self.sample.as_ref().map(|sample| sample.arrived)
    }

    /// The last sample's value.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.sample.as_ref().and_then(Sample::value)
    }

    /// Takes a sample, whose body is of this kind.
    pub(super) fn take(&mut self, body: Arc<Body>, impossible: Impossible, arrived: Moment) {
        self.sample = Some(Sample {
            body,
            arrived,
            kind: PhantomData,
        });
        self.error = None;
        self.impossible = impossible;
    }
}

/// A kind of sample that says when it was read.
pub trait Timed {
    /// When.
    fn time(&self) -> Option<&SampleTime>;
}

impl Timed for Metrics {
    fn time(&self) -> Option<&SampleTime> {
        self.time.as_ref()
    }
}

impl Timed for ProcessDetails {
    fn time(&self) -> Option<&SampleTime> {
        self.time.as_ref()
    }
}

impl<T: AnswerKind + Timed> Part<T> {
    /// Whether a sample of that time is the one that is here already.
    pub(super) fn is_same_snapshot(&self, time: Option<&SampleTime>) -> bool {
        match (self.value().and_then(Timed::time), time) {
            (Some(last), Some(time)) => match (last.boot_ms, time.boot_ms) {
                (Some(last), Some(time)) => last == time,
                _ => last.unix_ms == time.unix_ms,
            },
            _ => false,
        }
    }
}
