//! One connection's conversation: sends requests when they are due, delivers answers, and detects silence by a timeout.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use socktop_proto::dialect::native::{self, DecodedReply, Payload, ReplyOptions};
use socktop_proto::dialect::text;
use socktop_proto::{Fields, Frame, Query, limits};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Message};

use super::answers::{Answers, Unusable, name};
use super::schedule::{Schedule, kind};
use super::socket::Socket;
use super::{Dialect, Event, Subscription};
use crate::link::disconnect::Disconnect;
use crate::link::memory_budget::MemoryBudget;
use crate::text::sanitize::one_line;

/// An agent that sends nothing for this long while an answer is due is lost. With half a second between two requests
/// for metrics, that is detected within three seconds of its last message.
const PATIENCE: Duration = Duration::from_millis(2200);

/// A published agent answers in order and may read the journal for so long.
const TEXT_JOURNAL_PATIENCE: Duration = Duration::from_secs(5);

/// For one answer, however much else is said meanwhile; and for one process or its journal, which an
/// agent may have to wait for itself.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Where nothing is asked, as of a host that is only listed, a ping is sent after so long: a host that vanished would else
/// count as connected until the kernel gives up the connection, which may take hours.
const PING_AFTER: Duration = Duration::from_secs(10);

/// Answers up to this size may wait for the application together: 8 MiB in all.
const SMALL_EVENT_BYTES: usize = 128 << 10;

/// How a conversation ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) cause: Disconnect,
    /// When the last message came; `None` where no answer did.
    pub(super) last_heard: Option<Instant>,
}

/// Sends requests and receives answers until the connection ends or its [`Link`](super::Link) is dropped.
pub(super) async fn converse(
    socket: Socket,
    dialect: Dialect,
    plan: &mut watch::Receiver<Subscription>,
    events: &mpsc::Sender<Event>,
    budget: &mut MemoryBudget,
) -> Ended {
    let mut conversation = Conversation {
        socket,
        dialect,
        events,
        schedule: Schedule::default(),
        outstanding: Vec::new(),
        next_id: 1,
        fields: Fields::ALL,
        answers: Answers::new(budget),
        heard: Instant::now(),
        pinged: None,
        is_answered: false,
    };
    let Err(cause) = conversation.run(plan).await;
    let cause = match (cause, dialect, conversation.is_answered) {
        (Disconnect::Closed { said }, Dialect::Text, false) if said.is_empty() => {
            Disconnect::ClosedUnanswered
        }
        (cause, ..) => cause,
    };
    Ended {
        cause,
        last_heard: conversation.is_answered.then_some(conversation.heard),
    }
}

struct Conversation<'a> {
    socket: Socket,
    dialect: Dialect,
    events: &'a mpsc::Sender<Event>,
    schedule: Schedule,
    outstanding: Vec<Outstanding>,
    next_id: u64,
    /// The fields that are requested of each process in the list.
    fields: Fields,
    answers: Answers<'a>,
    /// When the last message came.
    heard: Instant,
    /// When a ping was sent after which nothing has come.
    pinged: Option<Instant>,
    /// Whether any answer has come.
    is_answered: bool,
}

/// A request that is not answered yet.
struct Outstanding {
    id: u64,
    query: Query,
    options: ReplyOptions,
    sent: Instant,
    /// The answer must be here by then, whatever else is said.
    limit: Instant,
}

impl Conversation<'_> {
    async fn run(
        &mut self,
        plan: &mut watch::Receiver<Subscription>,
    ) -> Result<Infallible, Disconnect> {
        let now = Instant::now();
        if self.dialect == Dialect::Native {
            self.schedule.once(Query::Host, now);
        }
        self.follow(&plan.borrow_and_update(), now);
        loop {
            while let Some(query) = self
                .schedule
                .due(Instant::now(), |query| self.is_held(query))
            {
                self.ask(query).await?;
            }
            let next_due = self.schedule.next_due(|query| self.is_held(query));
            let (ping_due, deadline) = (self.ping_due(), self.deadline());
            tokio::select! {
                message = self.socket.next() => self.receive(message).await?,
                changed = plan.changed() => {
                    changed.map_err(|_| Disconnect::Dropped)?;
                    self.follow(&plan.borrow_and_update(), Instant::now());
                }
                () = until(next_due) => {}
                () = until(ping_due) => self.ping().await?,
                () = until(deadline) => self.listen_once_more().await?,
            }
        }
    }

    fn follow(&mut self, plan: &Subscription, now: Instant) {
        self.schedule.set_subscription(plan, now);
        self.fields = plan.fields;
        if self.answers.lacks(Query::Processes, plan.fields) {
            self.schedule.at_once(Query::Processes, now);
        }
    }

    /// How to ask for the answer.
    fn options(&self, query: Query) -> ReplyOptions {
        let fields = match query {
            Query::Processes => self.fields,
            _ => Fields::ALL,
        };
        self.answers.options(query, fields)
    }

    /// Whether a query has to wait for an answer: one of its kind in native, any in text.
    fn is_held(&self, query: Query) -> bool {
        match self.dialect {
            Dialect::Native => self
                .outstanding
                .iter()
                .any(|outstanding| kind(outstanding.query) == kind(query)),
            Dialect::Text => !self.outstanding.is_empty(),
        }
    }

    async fn ask(&mut self, query: Query) -> Result<(), Disconnect> {
        let id = self.next_id;
        self.next_id += 1;
        let options = self.options(query);
        let request = match self.dialect {
            Dialect::Native => {
                let frame = native::encode_request_for(id, query, options);
                Some(Message::binary(frame))
            }
            Dialect::Text => text::encode_request(query).map(Message::text),
        };
        let Some(request) = request else {
            self.schedule.sent(query, Instant::now());
            return Ok(());
        };
        match timeout(PATIENCE, self.socket.send(request)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                // What it said last explains more than that it no longer listens.
                if let Some(message) = self.socket.next().now_or_never() {
                    self.receive(message).await?;
                }
                return Err(error.into());
            }
            Err(_) => {
                return Err(Disconnect::Silent {
                    asked: name(query),
                    waited: PATIENCE,
                });
            }
        }
        let now = Instant::now();
        self.schedule.sent(query, now);
        self.outstanding.push(Outstanding {
            id,
            query,
            options,
            sent: now,
            limit: now + ANSWER_LIMIT,
        });
        Ok(())
    }

    /// When a ping is due: where nothing is asked, and nothing has come for long.
    fn ping_due(&self) -> Option<Instant> {
        let is_idle = self.outstanding.is_empty() && self.pinged.is_none();
        is_idle.then(|| self.heard + PING_AFTER)
    }

    async fn ping(&mut self) -> Result<(), Disconnect> {
        match timeout(PATIENCE, self.socket.send(Message::Ping(Bytes::new()))).await {
            Ok(sent) => sent?,
            Err(_) => return Err(self.silence()),
        }
        self.pinged = Some(Instant::now());
        Ok(())
    }

    /// When the agent has owed an answer for too long.
    fn deadline(&self) -> Option<Instant> {
        let answers = self.outstanding.iter();
        let answers = answers.map(|outstanding| self.deadline_of(outstanding));
        answers
            .chain(self.pinged.map(|pinged| pinged + PATIENCE))
            .min()
    }

    fn deadline_of(&self, outstanding: &Outstanding) -> Instant {
        let patience = match (outstanding.query, self.dialect) {
            (Query::Process { .. } | Query::Journal { .. }, Dialect::Native) => ANSWER_LIMIT,
            (Query::Journal { .. }, Dialect::Text) => TEXT_JOURNAL_PATIENCE,
            _ => PATIENCE,
        };
        // While bytes arrive the agent is not lost: a long list may take its time over a slow network.
        (self.heard.max(outstanding.sent) + patience).min(outstanding.limit)
    }

    /// Past the deadline: reads what has arrived already, for this machine may have been suspended.
    async fn listen_once_more(&mut self) -> Result<(), Disconnect> {
        if let Some(message) = self.socket.next().now_or_never() {
            self.receive(message).await?;
        }
        match self.deadline() {
            Some(deadline) if deadline <= Instant::now() => Err(self.silence()),
            _ => Ok(()),
        }
    }

    fn silence(&self) -> Disconnect {
        let overdue = self
            .outstanding
            .iter()
            .min_by_key(|outstanding| self.deadline_of(outstanding));
        Disconnect::Silent {
            asked: overdue.map_or("a ping", |overdue| name(overdue.query)),
            waited: overdue.map_or(PATIENCE, |overdue| overdue.sent.elapsed()),
        }
    }

    async fn receive(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), Disconnect> {
        let message = message.ok_or_else(Disconnect::closed)??;
        let now = Instant::now();
        self.heard = now;
        self.pinged = None;
        let frame = match message {
            // The library answers them.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
            Message::Close(frame) => return Err(Disconnect::closed_with(frame)),
            Message::Text(text) => Frame::Text(text.as_str().to_owned()),
            Message::Binary(bytes) => Frame::Binary(bytes.into()),
        };
        let (outstanding, answer) = self.decode(frame)?;
        let taken = self
            .answers
            .take(outstanding.query, outstanding.options, answer);
        if taken.is_ok() {
            self.is_answered = true;
        }
        let body = taken.unwrap_or_else(|unusable| Arc::new(unusable.into_body()));
        self.emit(Event::Reply {
            query: outstanding.query,
            body,
            at: now.into_std(),
            round_trip: now.duration_since(outstanding.sent),
        })
        .await
    }

    /// Which request a message answers, and what it says.
    ///
    /// # Errors
    /// Where it is not known which.
    fn decode(
        &mut self,
        frame: Frame,
    ) -> Result<(Outstanding, Result<DecodedReply, Unusable>), Disconnect> {
        let unasked = || Disconnect::Malformed("an answer to nothing that was asked".to_owned());
        let too_long = limits::check_message_bytes(frame.len()).map_err(Unusable::from);
        match (self.dialect, frame) {
            (Dialect::Native, Frame::Binary(bytes)) => {
                let id = native::reply_id(&bytes);
                let answer =
                    too_long.and_then(|()| Ok(native::decode_reply(&bytes, limits::BODY_BYTES)?));
                let at = self
                    .outstanding
                    .iter()
                    .position(|outstanding| outstanding.id == id);
                match (at, answer) {
                    (Some(at), answer) => Ok((self.outstanding.swap_remove(at), answer)),
                    (None, Ok(_)) => Err(unasked()),
                    (None, Err(error)) => Err(Disconnect::malformed(&error.to_string())),
                }
            }
            (Dialect::Native, Frame::Text(text)) => Err(Disconnect::Malformed(format!(
                "text, {:?}",
                one_line(&text, 60)
            ))),
            // One request at a time: what comes is its answer.
            (Dialect::Text, frame) => {
                let outstanding = self.outstanding.pop().ok_or_else(unasked)?;
                let query = outstanding.query;
                let body = too_long
                    .and_then(|()| Ok(text::decode_reply(query, &frame, limits::BODY_BYTES)?));
                let answer = body.map(|body| DecodedReply {
                    id: outstanding.id,
                    revision: 0,
                    payload: Payload::Whole(body),
                });
                Ok((outstanding, answer))
            }
        }
    }

    /// Hands on an event. While the application is too busy to take it nothing is read and nothing
    /// asked, and that time is not held against the agent.
    async fn emit(&mut self, event: Event) -> Result<(), Disconnect> {
        let before = Instant::now();
        if is_large(&event) {
            // Those before it are read first: however slow the application is, one large answer waits for it.
            let room = self.events.reserve_many(self.events.max_capacity()).await;
            drop(room.map_err(|_| Disconnect::Dropped)?);
        }
        self.events
            .send(event)
            .await
            .map_err(|_| Disconnect::Dropped)?;
        let now = Instant::now();
        if now > before {
            self.heard = now;
            for outstanding in &mut self.outstanding {
                outstanding.limit += now - before;
            }
        }
        Ok(())
    }
}

/// Whether an event takes so much memory that few may wait.
fn is_large(event: &Event) -> bool {
    match event {
        Event::Reply { body, .. } => limits::held_bytes(body) > SMALL_EVENT_BYTES,
        Event::State(_) => false,
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
