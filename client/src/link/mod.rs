//! The connection to one agent: dial, request, reconnect. It streams [`Event`]s and draws nothing.
//!
//! A [`Link`] is the handle of a task that keeps one agent connected. What the screen shows decides
//! what is asked: the application sets a [`Subscription`], the task asks for each of its parts when it is due.

mod answers;
mod backoff;

mod conversation;
mod dial;
mod endpoint;
mod error;
mod frame_limit;
pub(crate) mod schedule;
mod socket;
mod task;
mod tcp;
mod upgrade;

mod disconnect;
mod memory_budget;
mod subscription;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use socktop_proto::pairing::Pin;
use socktop_proto::{Body, Query};
use tokio::sync::{mpsc, watch};

pub use endpoint::{Endpoint, EndpointSource, Open};
pub use error::{BoxError, DialError};
pub use subscription::{Intervals, Subscription};

/// Events that may wait to be read; then nothing more is asked until some are.
const EVENTS: usize = 64;

/// How an agent is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `socktop.v2`.
    Native,
    /// The published programs' words: the agent is `socktop_agent` 1.60.
    Text,
}

/// What protects the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// The agent runs inside this process.
    InProcess,
    /// ws: anyone on the way can read and change it.
    Plain,
    /// wss, the certificate checked.
    Tls,
}

/// The state of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Dialling for the first time, or again after the user asked.
    Connecting,
    /// In conversation.
    Connected {
        /// How the agent is spoken to.
        dialect: Dialect,
        /// What protects the conversation.
        security: Security,
    },
    /// Not connected; the task tries again by itself.
    Lost {
        /// When the last message came from the agent, or the first attempt was made.
        since: Instant,
        /// What failed, on what, and what to do.
        reason: String,
        /// When the next attempt is made.
        retry_at: Instant,
        /// What the user can answer so that it may succeed.
        question: Option<Question>,
    },
}

/// What a link cannot decide by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Whether this key, of which nothing is known, is the agent's.
    Key(Pin),
    /// Which token the agent wants.
    Token,
}

/// An event of a link, for the application.
#[derive(Debug)]
pub enum Event {
    /// The link changed its state.
    State(LinkState),
    /// The agent answered. The body may be an error.
    Reply {
        /// What had been asked.
        query: Query,
        /// The answer, which the link may keep as well.
        body: Arc<Body>,
        /// When it arrived.
        at: Instant,
        /// From the request's last byte out to the reply in.
        round_trip: Duration,
    },
}

/// A link's task, seen from outside; dropping it ends the conversation.
#[derive(Debug)]
pub struct Link {
    controls: Controls,
    /// What the agent says.
    pub events: mpsc::Receiver<Event>,
}

/// What a link's task is told.
#[derive(Debug)]
pub struct Controls {
    subscription: watch::Sender<Subscription>,
    retry: mpsc::Sender<()>,
}

/// The task's end of a [`Link`]: the settings that it follows, and the channel for its events.
#[derive(Debug)]
pub(crate) struct TaskEnd {
    /// What to ask for.
    pub(crate) subscription: watch::Receiver<Subscription>,
    /// The user requests a retry now.
    pub(crate) retry: mpsc::Receiver<()>,
    /// The events.
    pub(crate) events: mpsc::Sender<Event>,
}

impl Link {
    /// Starts a task on the current tokio runtime that keeps the endpoint of `source` connected. It asks nothing but the
    /// host's facts before [`Link::set_subscription`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn spawn(source: impl EndpointSource) -> Self {
        let (link, end) = Self::new();
        tokio::spawn(task::run(Arc::new(source), end));
        link
    }

    /// A handle, and what the task that it is for gets.
    pub(crate) fn new() -> (Self, TaskEnd) {
        let (sender, subscription) = watch::channel(Subscription::default());
        let (retry, retry_receiver) = mpsc::channel(1);
        let (event_sender, events) = mpsc::channel(EVENTS);
        let controls = Controls {
            subscription: sender,
            retry,
        };
        let end = TaskEnd {
            subscription,
            retry: retry_receiver,
            events: event_sender,
        };
        (Self { controls, events }, end)
    }

    /// The controls and the events apart. The conversation ends when the events are dropped.
    #[must_use]
    pub fn split(self) -> (Controls, mpsc::Receiver<Event>) {
        (self.controls, self.events)
    }

    /// As [`Controls::set_subscription`].
    pub fn set_subscription(&self, subscription: Subscription) {
        self.controls.set_subscription(subscription);
    }

    /// As [`Controls::retry_now`].
    pub fn retry_now(&self) {
        self.controls.retry_now();
    }
}

impl Controls {
    /// Sets which queries are sent, and how often. New ones are sent at once.
    pub fn set_subscription(&self, subscription: Subscription) {
        self.subscription.send_if_modified(|current| {
            let changed = *current != subscription;
            *current = subscription;
            changed
        });
    }

    /// Dials now instead of at the next attempt's time, with an endpoint that is made anew.
    pub fn retry_now(&self) {
        // A full channel means that it has been said already.
        let _ = self.retry.try_send(());
    }
}
