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

use socktop_proto::{Body, Query};
use tokio::sync::{mpsc, watch};

pub use endpoint::{Endpoint, Open};
pub use error::DialError;
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
    },
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

/// The handle of a link's task; dropping it ends the conversation.
#[derive(Debug)]
pub struct Link {
    subscription: watch::Sender<Subscription>,
    retry: mpsc::Sender<()>,
    /// What the agent says.
    pub events: mpsc::Receiver<Event>,
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
    /// Starts a task on the current tokio runtime that keeps `endpoint` connected. It asks nothing but the
    /// host's facts before [`Link::set_subscription`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn spawn(endpoint: Endpoint) -> Self {
        let (link, end) = Self::new();
        tokio::spawn(task::run(endpoint, end));
        link
    }

    /// A handle, and what the task that it is for gets.
    pub(crate) fn new() -> (Self, TaskEnd) {
        let (sender, subscription) = watch::channel(Subscription::default());
        let (retry, retry_receiver) = mpsc::channel(1);
        let (event_sender, events) = mpsc::channel(EVENTS);
        let link = Self {
            subscription: sender,
            retry,
            events,
        };
        let end = TaskEnd {
            subscription,
            retry: retry_receiver,
            events: event_sender,
        };
        (link, end)
    }

    /// Sets which queries are sent, and how often. New ones are sent at once.
    pub fn set_subscription(&self, subscription: Subscription) {
        self.subscription.send_if_modified(|current| {
            let changed = *current != subscription;
            *current = subscription;
            changed
        });
    }

    /// Dials now instead of at the next attempt's time.
    pub fn retry_now(&self) {
        // A full channel means that it has been said already.
        let _ = self.retry.try_send(());
    }
}

/// Dials `endpoint` once and hangs up: to learn whether it asks for a token before there is a screen.
///
/// # Errors
/// Where it cannot be reached or does not take up the conversation.
pub async fn probe(endpoint: &Endpoint) -> Result<Dialect, DialError> {
    let (_, dialect) = dial::Dialer::new(endpoint.clone()).dial().await?;
    Ok(dialect)
}

/// Does `endpoint`'s TLS handshake and hangs up: to learn whether its key is trusted before there is a screen. No token
/// is sent. An agent without TLS is not dialled.
///
/// # Errors
/// Where it cannot be reached or is not trusted, or the token is not for it.
pub async fn shake_hands(endpoint: &Endpoint) -> Result<(), DialError> {
    dial::shake_hands(endpoint).await
}
