//! One connection's conversation: ask what is due, hand on what is answered, notice silence.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use socktop_proto::changes::apply;
use socktop_proto::model::body;
use socktop_proto::native::{self, Answer, Told, Wanted};
use socktop_proto::{Body, Fields, Frame, Query, limits, text};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Message};

use super::bounds::bound;
use super::cause::Cause;
use super::dial::Socket;
use super::schedule::{Schedule, kind};
use super::{Dialect, Event, Plan};
use crate::plain::one_line;

/// An agent that owes an answer and says nothing for so long is lost. With half a second between two requests for
/// metrics, that is seen within three seconds of its last word.
const PATIENCE: Duration = Duration::from_millis(2200);

/// A published agent answers in order and may read the journal for so long.
const TEXT_JOURNAL_PATIENCE: Duration = Duration::from_secs(5);

/// For one answer, however much else is said meanwhile; and for one process or its journal, which an
/// agent may have to wait for itself.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How a conversation ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) cause: Cause,
    /// When the last answer came; `None` where none did.
    pub(super) last_answer: Option<Instant>,
}

/// Asks and listens until the connection ends or nobody wants to hear more.
pub(super) async fn converse(
    socket: Socket,
    dialect: Dialect,
    plan: &mut watch::Receiver<Plan>,
    events: &mpsc::Sender<Event>,
) -> Ended {
    let mut conversation = Conversation {
        socket,
        dialect,
        events,
        schedule: Schedule::default(),
        outstanding: Vec::new(),
        next_id: 1,
        fields: Fields::ALL,
        bases: Vec::new(),
        heard: Instant::now(),
        last_answer: None,
    };
    let Err(cause) = conversation.run(plan).await;
    let cause = match (cause, dialect, conversation.last_answer) {
        (Cause::Closed { said }, Dialect::Text, None) if said.is_empty() => Cause::ClosedUnanswered,
        (cause, ..) => cause,
    };
    Ended {
        cause,
        last_answer: conversation.last_answer,
    }
}

struct Conversation<'a> {
    socket: Socket,
    dialect: Dialect,
    events: &'a mpsc::Sender<Event>,
    schedule: Schedule,
    outstanding: Vec<Outstanding>,
    next_id: u64,
    /// What is wanted of each process in the list.
    fields: Fields,
    /// The last answers, where they have a revision: changes are to them.
    bases: Vec<Base>,
    /// When the last message came.
    heard: Instant,
    last_answer: Option<Instant>,
}

/// A request that is not answered yet.
struct Outstanding {
    id: u64,
    query: Query,
    wanted: Wanted,
    sent: Instant,
    /// The answer must be here by then, whatever else is said.
    limit: Instant,
}

/// An answer that changes may be to.
struct Base {
    query: Query,
    fields: Fields,
    revision: u64,
    body: Body,
}

impl Base {
    /// Changes tell nothing of fields that are no longer wanted, so they would grow old here.
    fn narrow(&mut self, fields: Fields) {
        if self.fields != fields
            && let Some(body::Kind::Processes(list)) = &mut self.body.kind
        {
            list.processes
                .iter_mut()
                .for_each(|process| fields.choose(process));
        }
    }
}

impl Conversation<'_> {
    async fn run(&mut self, plan: &mut watch::Receiver<Plan>) -> Result<Infallible, Cause> {
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
            let deadline = self.deadline();
            tokio::select! {
                message = self.socket.next() => self.hear(message).await?,
                changed = plan.changed() => {
                    changed.map_err(|_| Cause::Dropped)?;
                    self.follow(&plan.borrow_and_update(), Instant::now());
                }
                () = until(next_due) => {}
                () = until(deadline) => self.listen_once_more().await?,
            }
        }
    }

    fn follow(&mut self, plan: &Plan, now: Instant) {
        self.schedule.set_plan(plan, now);
        self.fields = plan.fields;
        let list = self.base(Query::Processes);
        if list.is_some_and(|list| !list.fields.contain(plan.fields)) {
            self.schedule.at_once(Query::Processes, now);
        }
    }

    fn base(&self, query: Query) -> Option<&Base> {
        self.bases.iter().find(|base| base.query == query)
    }

    /// In which form the answer is wanted.
    fn wanted(&self, query: Query) -> Wanted {
        let fields = match query {
            Query::Processes => self.fields,
            _ => Fields::ALL,
        };
        let since = self
            .base(query)
            .filter(|base| base.fields.contain(fields))
            .map(|base| base.revision);
        Wanted { fields, since }
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

    async fn ask(&mut self, query: Query) -> Result<(), Cause> {
        let id = self.next_id;
        self.next_id += 1;
        let wanted = self.wanted(query);
        let request = match self.dialect {
            Dialect::Native => {
                let frame = native::encode_request_for(id, query, wanted);
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
                    self.hear(message).await?;
                }
                return Err(error.into());
            }
            Err(_) => {
                return Err(Cause::Silent {
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
            wanted,
            sent: now,
            limit: now + ANSWER_LIMIT,
        });
        Ok(())
    }

    /// When the agent has owed an answer for too long.
    fn deadline(&self) -> Option<Instant> {
        self.outstanding
            .iter()
            .map(|outstanding| self.deadline_of(outstanding))
            .min()
    }

    fn deadline_of(&self, outstanding: &Outstanding) -> Instant {
        let patience = match (outstanding.query, self.dialect) {
            (Query::Process { .. } | Query::Journal { .. }, Dialect::Native) => ANSWER_LIMIT,
            (Query::Journal { .. }, Dialect::Text) => TEXT_JOURNAL_PATIENCE,
            _ => PATIENCE,
        };
        // Whoever still talks is not lost: a long list may take its time behind a slow line.
        (self.heard.max(outstanding.sent) + patience).min(outstanding.limit)
    }

    /// Past the deadline: takes what has arrived already, for it may be us who were asleep.
    async fn listen_once_more(&mut self) -> Result<(), Cause> {
        if let Some(message) = self.socket.next().now_or_never() {
            self.hear(message).await?;
        }
        match self.deadline() {
            Some(deadline) if deadline <= Instant::now() => Err(self.silence()),
            _ => Ok(()),
        }
    }

    fn silence(&self) -> Cause {
        let overdue = self
            .outstanding
            .iter()
            .min_by_key(|outstanding| self.deadline_of(outstanding));
        Cause::Silent {
            asked: overdue.map_or("a request", |overdue| name(overdue.query)),
            waited: overdue.map_or(PATIENCE, |overdue| overdue.sent.elapsed()),
        }
    }

    async fn hear(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), Cause> {
        let message = message.ok_or_else(Cause::closed)??;
        let now = Instant::now();
        self.heard = now;
        let (outstanding, answer) = match message {
            // The library answers them.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
            Message::Close(frame) => return Err(Cause::closed_with(frame)),
            Message::Text(text) => self.decode(Frame::Text(text.as_str().to_owned())),
            Message::Binary(bytes) => self.decode(Frame::Binary(bytes.into())),
        }?;
        let mut body = self.whole(&outstanding, answer.told)?;
        if !answers(outstanding.query, &body) {
            let asked = name(outstanding.query);
            return Err(Cause::Malformed(format!("something else for {asked}")));
        }
        bound(&mut body);
        if answer.revision > 0 && has_changes(outstanding.query) {
            self.bases.push(Base {
                query: outstanding.query,
                fields: outstanding.wanted.fields,
                revision: answer.revision,
                body: body.clone(),
            });
        }
        self.last_answer = Some(now);
        self.emit(Event::Reply {
            query: outstanding.query,
            body: Box::new(body),
            at: now.into_std(),
            round_trip: now.duration_since(outstanding.sent),
        })
        .await
    }

    /// What an answer makes of the one before, which nothing will be asked about any more.
    fn whole(&mut self, outstanding: &Outstanding, told: Told) -> Result<Body, Cause> {
        let at = self
            .bases
            .iter()
            .position(|base| base.query == outstanding.query);
        let base = at.map(|at| self.bases.swap_remove(at));
        match told {
            Told::Whole(body) => Ok(body),
            Told::Changes(changes) => {
                let mut base = base
                    .filter(|base| Some(base.revision) == outstanding.wanted.since)
                    .ok_or_else(|| Cause::malformed("changes that were not asked for"))?;
                base.narrow(outstanding.wanted.fields);
                apply(base.body, changes).map_err(|error| Cause::malformed(&error.to_string()))
            }
        }
    }

    fn decode(&mut self, frame: Frame) -> Result<(Outstanding, Answer), Cause> {
        let unasked = || Cause::Malformed("an answer to nothing that was asked".to_owned());
        match (self.dialect, frame) {
            (Dialect::Native, Frame::Binary(bytes)) => {
                let answer = native::decode_reply(&bytes, limits::BODY_BYTES)
                    .map_err(|error| Cause::malformed(&error.to_string()))?;
                let at = self
                    .outstanding
                    .iter()
                    .position(|outstanding| outstanding.id == answer.id)
                    .ok_or_else(unasked)?;
                Ok((self.outstanding.swap_remove(at), answer))
            }
            (Dialect::Native, Frame::Text(text)) => {
                Err(Cause::Malformed(format!("text, {:?}", one_line(&text, 60))))
            }
            (Dialect::Text, frame) => {
                let outstanding = self.outstanding.pop().ok_or_else(unasked)?;
                let asked = name(outstanding.query);
                let body = text::decode_reply(outstanding.query, &frame, limits::BODY_BYTES)
                    .map_err(|error| Cause::malformed(&format!("for {asked}, {error}")))?;
                let answer = Answer {
                    id: outstanding.id,
                    revision: 0,
                    told: Told::Whole(body),
                };
                Ok((outstanding, answer))
            }
        }
    }

    /// Hands on an event. While the application is too busy to take it nothing is read and nothing
    /// asked, and that time is not held against the agent.
    async fn emit(&mut self, event: Event) -> Result<(), Cause> {
        let before = Instant::now();
        self.events.send(event).await.map_err(|_| Cause::Dropped)?;
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

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Whether an agent of ours can tell changes to such an answer.
fn has_changes(query: Query) -> bool {
    matches!(query, Query::Metrics | Query::Disks | Query::Processes)
}

/// A query in words.
fn name(query: Query) -> &'static str {
    match query {
        Query::Host => "the host's facts",
        Query::Metrics => "metrics",
        Query::Disks => "disks",
        Query::Processes => "the process list",
        Query::Process { .. } => "a process's details",
        Query::Journal { .. } => "a process's journal",
    }
}

/// Whether `body` is of the kind that `query` asked for, or an error.
fn answers(query: Query, body: &Body) -> bool {
    use body::Kind;
    matches!(
        (query, &body.kind),
        (_, Some(Kind::Error(_)))
            | (Query::Host, Some(Kind::Host(_)))
            | (Query::Metrics, Some(Kind::Metrics(_)))
            | (Query::Disks, Some(Kind::Disks(_)))
            | (Query::Processes, Some(Kind::Processes(_)))
            | (Query::Process { .. }, Some(Kind::Process(_)))
            | (Query::Journal { .. }, Some(Kind::Journal(_)))
    )
}
