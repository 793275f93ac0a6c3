//! The schedule of queries: when each is due.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use socktop_proto::Query;
use tokio::time::Instant;

use super::Subscription;

/// The subscribed queries, and when each is due.
///
/// A new query is due at once, then at its interval after it was last sent. What is
/// late is asked for once, not once for each interval missed.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    query: Query,
    /// `None` for what is asked once.
    every: Option<Duration>,
    /// When it was last sent; until then, when it was subscribed.
    since: Instant,
    sent: bool,
}

impl Slot {
    fn due_at(&self) -> Option<Instant> {
        if self.sent {
            self.every.map(|every| self.since + every)
        } else {
            Some(self.since)
        }
    }
}

impl Schedule {
    /// Wants `query` once, now.
    pub(crate) fn once(&mut self, query: Query, now: Instant) {
        self.slots.push(Slot {
            query,
            every: None,
            since: now,
            sent: false,
        });
    }

    /// Follows `plan`. Queries that were in the previous one keep their time.
    pub(crate) fn set_subscription(&mut self, plan: &Subscription, now: Instant) {
        let before = std::mem::take(&mut self.slots);
        self.slots = before
            .iter()
            .filter(|slot| slot.every.is_none())
            .copied()
            .collect();
        for (query, every) in plan.queries() {
            let known = before.iter().find(|slot| slot.query == query);
            self.slots.push(Slot {
                query,
                every: Some(every),
                since: known.map_or(now, |slot| slot.since),
                sent: known.is_some_and(|slot| slot.sent),
            });
        }
    }

    /// All subscribed queries are due at once, whenever they were sent last.
    pub(crate) fn at_once(&mut self, query: Query, now: Instant) {
        for slot in self.slots.iter_mut().filter(|slot| slot.query == query) {
            slot.since = now;
            slot.sent = false;
        }
    }

    /// The query that has been due for the longest and is not `held`.
    pub(crate) fn due(&self, now: Instant, held: impl Fn(Query) -> bool) -> Option<Query> {
        self.slots
            .iter()
            .filter(|slot| !held(slot.query))
            .filter_map(|slot| Some((slot.due_at()?, slot.query)))
            .filter(|(due_at, _)| *due_at <= now)
            .min_by_key(|(due_at, _)| *due_at)
            .map(|(_, query)| query)
    }

    /// When the next query that is not `held` falls due.
    pub(crate) fn next_due(&self, held: impl Fn(Query) -> bool) -> Option<Instant> {
        self.slots
            .iter()
            .filter(|slot| !held(slot.query))
            .filter_map(Slot::due_at)
            .min()
    }

    /// `query` was sent at `now`.
    pub(crate) fn sent(&mut self, query: Query, now: Instant) {
        for slot in self.slots.iter_mut().filter(|slot| slot.query == query) {
            slot.since = now;
            slot.sent = true;
        }
    }
}

/// Queries of one kind take turns, whichever process they are about.
pub(crate) fn kind(query: Query) -> Discriminant<Query> {
    discriminant(&query)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS_EVERY: Duration = Duration::from_millis(500);
    const PROCESSES_EVERY: Duration = Duration::from_secs(2);

    fn plan() -> Subscription {
        Subscription {
            metrics: Some(METRICS_EVERY),
            processes: Some(PROCESSES_EVERY),
            ..Subscription::default()
        }
    }

    fn free(_: Query) -> bool {
        false
    }

    #[test]
    fn empty_schedule_is_never_due() {
        let schedule = Schedule::default();
        assert_eq!(schedule.due(Instant::now(), free), None);
        assert_eq!(schedule.next_due(free), None);
    }

    #[test]
    fn new_query_is_due_at_once_then_at_its_interval() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.set_subscription(&plan(), start);
        assert_eq!(schedule.due(start, free), Some(Query::Metrics));
        schedule.sent(Query::Metrics, start);
        assert_eq!(schedule.due(start, free), Some(Query::Processes));
        schedule.sent(Query::Processes, start);
        assert_eq!(schedule.due(start, free), None);
        assert_eq!(schedule.next_due(free), Some(start + METRICS_EVERY));
    }

    #[test]
    fn late_query_is_requested_once() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.set_subscription(&plan(), start);
        schedule.sent(Query::Metrics, start);
        schedule.sent(Query::Processes, start);
        let late = start + METRICS_EVERY * 3;
        assert_eq!(schedule.due(late, free), Some(Query::Metrics));
        schedule.sent(Query::Metrics, late);
        assert_eq!(schedule.due(late, free), None);
    }

    #[test]
    fn a_new_interval_counts_from_the_last_request() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.set_subscription(&plan(), start);
        schedule.sent(Query::Metrics, start);
        let slower = Subscription {
            metrics: Some(METRICS_EVERY * 2),
            ..Subscription::default()
        };
        schedule.set_subscription(&slower, start + METRICS_EVERY);
        assert_eq!(schedule.next_due(free), Some(start + METRICS_EVERY * 2));
    }

    #[test]
    fn another_process_is_due_at_once() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        let details = |pid| Subscription {
            process: Some((pid, METRICS_EVERY)),
            ..Subscription::default()
        };
        schedule.set_subscription(&details(1), start);
        schedule.sent(Query::Process { pid: 1 }, start);
        schedule.set_subscription(&details(2), start);
        assert_eq!(schedule.due(start, free), Some(Query::Process { pid: 2 }));
    }

    #[test]
    fn one_time_query_survives_new_subscriptions_and_is_due_once() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.once(Query::Host, start);
        schedule.set_subscription(&Subscription::default(), start);
        assert_eq!(schedule.due(start, free), Some(Query::Host));
        schedule.sent(Query::Host, start);
        assert_eq!(schedule.next_due(free), None);
    }

    #[test]
    fn slow_agent_is_still_sent_every_query() {
        // One at a time, each answer taking longer than the shortest interval.
        let mut now = Instant::now();
        let mut schedule = Schedule::default();
        schedule.set_subscription(&plan(), now);
        let mut asked = Vec::new();
        for _ in 0..20 {
            let query = schedule.due(now, free).unwrap();
            schedule.sent(query, now);
            asked.push(query);
            now += METRICS_EVERY + METRICS_EVERY / 5;
        }
        let processes = asked.iter().filter(|query| **query == Query::Processes);
        assert!(processes.count() >= 4, "{asked:?}");
    }

    #[test]
    fn held_query_is_skipped() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.set_subscription(&plan(), start);
        let held = |query| query == Query::Metrics;
        assert_eq!(schedule.due(start, held), Some(Query::Processes));
    }
}
