//! The links of all hosts, and their events in one stream.

use std::pin::Pin as Pinned;
use std::task::{Context, Poll};

use futures_util::stream::{SelectAll, Stream, StreamExt};
use socktop_proto::pairing::Pin;
use tokio::sync::mpsc;

use super::remote::{Agent, AnswerError};
use super::{HostId, local};
use crate::link::{Controls, Event, Link, Subscription};
use crate::secrets::token::Token;

/// Where a host's samples come from.
#[derive(Debug)]
pub enum Source {
    /// An agent.
    Agent(Agent),
    /// The machine that socktop runs on.
    ThisMachine,
}

/// A link's task ended by itself, which it does not.
#[derive(Debug, thiserror::Error)]
#[error("the connection's task ended")]
pub struct LinkEnded;

/// The links of all hosts.
///
/// Each link has a queue of its own, and they are read in turn: a host that sends without end delays another one's events
/// by one of its own, and fills no queue but its own.
#[derive(Debug, Default)]
pub struct Sources {
    hosts: Vec<Host>,
    events: SelectAll<HostEvents>,
    /// The host that is asked for more than its facts.
    shown: Option<HostId>,
}

#[derive(Debug)]
struct Host {
    link: Controls,
    /// What the user's answers go to, where it is not this machine.
    agent: Option<Agent>,
}

/// The events of one host, and at last that there are no more.
#[derive(Debug)]
struct HostEvents {
    host: HostId,
    events: mpsc::Receiver<Event>,
    ended: bool,
}

impl Stream for HostEvents {
    type Item = Result<(HostId, Event), LinkEnded>;

    fn poll_next(
        mut self: Pinned<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.events.poll_recv(context).map(|event| {
            self.ended = event.is_none();
            Some(event.map(|event| (self.host, event)).ok_or(LinkEnded))
        })
    }
}

impl Sources {
    /// Starts a link to `source` on the current tokio runtime. Hosts are numbered in the order in which they are added.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn add(&mut self, source: Source) -> HostId {
        match source {
            Source::Agent(agent) => self.add_link(Link::spawn(agent.clone()), Some(agent)),
            Source::ThisMachine => self.add_link(local::spawn(), None),
        }
    }

    fn add_link(&mut self, link: Link, agent: Option<Agent>) -> HostId {
        let (link, events) = link.split();
        let host = HostId::new(self.hosts.len());
        self.hosts.push(Host { link, agent });
        self.events.push(HostEvents {
            host,
            events,
            ended: false,
        });
        host
    }

    /// The next event of any host.
    ///
    /// # Errors
    /// Where a link's task ended.
    pub async fn next(&mut self) -> Result<(HostId, Event), LinkEnded> {
        self.events.next().await.unwrap_or(Err(LinkEnded))
    }

    /// Asks the host that is shown for what is shown of it, and every other one for nothing but its facts.
    pub fn set_subscription(&mut self, shown: Option<(HostId, Subscription)>) {
        let host = shown.map(|(host, _)| host);
        if self.shown != host
            && let Some(last) = self.shown.and_then(|last| self.host(last))
        {
            last.link.set_subscription(Subscription::default());
        }
        self.shown = host;
        if let Some((host, subscription)) = shown
            && let Some(host) = self.host(host)
        {
            host.link.set_subscription(subscription);
        }
    }

    /// Connects to `host` now.
    pub fn retry(&self, host: HostId) {
        if let Some(host) = self.host(host) {
            host.link.retry_now();
        }
    }

    /// Remembers `key` as that of `host`, and connects to it.
    ///
    /// # Errors
    /// Where it cannot be remembered.
    pub fn trust_key(&self, host: HostId, key: Pin) -> Result<(), AnswerError> {
        if let Some(agent) = self.host(host).and_then(|host| host.agent.as_ref()) {
            agent.trust_key(key)?;
        }
        self.retry(host);
        Ok(())
    }

    /// Shows `token` to `host` from now on, and connects to it.
    pub fn use_token(&self, host: HostId, token: Token) {
        if let Some(agent) = self.host(host).and_then(|host| host.agent.as_ref()) {
            agent.use_token(token);
        }
        self.retry(host);
    }

    fn host(&self, host: HostId) -> Option<&Host> {
        self.hosts.get(host.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::LinkState;

    /// A host that is spoken for by the sender.
    fn made_up(sources: &mut Sources) -> mpsc::Sender<Event> {
        let (link, end) = Link::new();
        sources.add_link(link, None);
        end.events
    }

    #[tokio::test]
    async fn host_that_sends_without_end_delays_another_by_one_event() {
        let mut sources = Sources::default();
        let busy = made_up(&mut sources);
        let quiet = made_up(&mut sources);
        while busy.try_send(Event::State(LinkState::Connecting)).is_ok() {}
        // The busy one has had turns already.
        for _ in 0..3 {
            assert_eq!(sources.next().await.unwrap().0, HostId::new(0));
        }
        quiet.try_send(Event::State(LinkState::Connecting)).unwrap();
        let next = [
            sources.next().await.unwrap().0,
            sources.next().await.unwrap().0,
        ];
        assert!(next.contains(&HostId::new(1)), "{next:?}");
    }

    #[tokio::test]
    async fn end_of_a_link_is_an_error() {
        let mut sources = Sources::default();
        drop(made_up(&mut sources));
        let _other = made_up(&mut sources);
        assert!(sources.next().await.is_err());
    }
}
