//! One cache entry for each kind of sample: one flight at a time, one encoding for all clients.
//!
//! A request is answered by the cached sample while that is younger than its time to live, else by a
//! new one. Whoever asks while a sample is being collected waits for it and shares it, even where
//! caching is off: a sample that was finished after the request came is as fresh as any.

mod sample;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socktop_proto::model::{self, body};
use socktop_proto::{Body, Error, ErrorCode, Query};
use tokio::time::{Instant, sleep};

use crate::collect::{
    Collected, DisksCollector, JournalCollector, MetricsCollector, MetricsOptions, Now,
    ProcessCollector, ProcessesCollector, Root, read_host, redact_arguments,
};
use crate::config::Sampling;
use crate::watchdog;
use sample::Earlier;
pub use sample::Sample;
pub(crate) use sample::message;

/// How long host facts and journal lines are shared.
const SLOW_TTL: Duration = Duration::from_secs(1);

/// How many processes' details and journals are kept at once.
const PER_PROCESS_ENTRIES: usize = 32;

/// Answers queries about this host.
pub struct Sampler {
    host: Entry<Root>,
    metrics: Entry<(MetricsOptions, MetricsCollector)>,
    disks: Entry<DisksCollector>,
    processes: Entry<ProcessesCollector>,
    process: Mutex<ProcessCollector>,
    journal: JournalCollector,
    per_process: Mutex<HashMap<Query, Arc<Entry<()>>>>,
    root: Root,
    sampling: Mutex<Sampling>,
}

/// A collector and the last sample it gave. The lock is held while it collects.
struct Entry<C> {
    state: tokio::sync::Mutex<State<C>>,
}

struct State<C> {
    collector: C,
    last: Option<(Instant, Arc<Sample>)>,
    earlier: Earlier,
}

impl<C> Entry<C> {
    fn new(collector: C) -> Self {
        Self {
            state: tokio::sync::Mutex::new(State {
                collector,
                last: None,
                earlier: Earlier::default(),
            }),
        }
    }

    /// The last sample while it is young enough, else the one that `collect` makes. It is given an answer that nobody
    /// needs any more, where there is one.
    async fn sample(
        &self,
        query: Query,
        ttl: Duration,
        collect: impl AsyncFnOnce(&mut C, Option<Body>) -> Body,
    ) -> Arc<Sample> {
        let asked_at = Instant::now();
        let mut state = self.state.lock().await;
        if let Some((finished_at, sample)) = &state.last
            && (*finished_at > asked_at || finished_at.elapsed() < ttl)
        {
            return Arc::clone(sample);
        }
        let _watched = watchdog::watch();
        let retired = state.earlier.take_retired();
        let body = collect(&mut state.collector, retired).await;
        let sample = state.earlier.next(query, body);
        state.last = Some((Instant::now(), Arc::clone(&sample)));
        sample
    }
}

impl Sampler {
    /// A sampler of the host whose files are under `root`.
    #[must_use]
    pub fn new(root: &Root, sampling: &Sampling) -> Self {
        let options = options(sampling);
        let metrics = MetricsCollector::new(root.clone(), options);
        Self {
            host: Entry::new(root.clone()),
            metrics: Entry::new((options, metrics)),
            disks: Entry::new(DisksCollector::new(root.clone())),
            processes: Entry::new(ProcessesCollector::new(root.clone())),
            process: Mutex::new(ProcessCollector::new(root.clone())),
            journal: JournalCollector::new(root.clone()),
            per_process: Mutex::default(),
            root: root.clone(),
            sampling: Mutex::new(sampling.clone()),
        }
    }

    /// Collects and shares as `sampling` says from now on.
    pub fn apply(&self, sampling: &Sampling) {
        self.sampling().clone_from(sampling);
    }

    /// Runs so many processes of journalctl at once at the most.
    pub fn limit_journal_readers(&self, limit: usize) {
        self.journal.limit(limit);
    }

    fn sampling(&self) -> MutexGuard<'_, Sampling> {
        self.sampling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sample that answers `query`. What went wrong is a sample too: an error.
    pub async fn sample(&self, query: Query) -> Arc<Sample> {
        let sampling = self.sampling().clone();
        match query {
            Query::Host => {
                self.host
                    .sample(query, SLOW_TTL, async |root, _| {
                        body::Kind::Host(read_host(root, Now::read())).into()
                    })
                    .await
            }
            Query::Metrics => {
                self.metrics
                    .sample(query, sampling.metrics_ttl, async |(chosen, metrics), _| {
                        let options = options(&sampling);
                        if *chosen != options {
                            *chosen = options;
                            *metrics = MetricsCollector::new(self.root.clone(), options);
                        }
                        let mut collected = settle(|| Ok(metrics.collect(Now::read()))).await;
                        if let Ok(sample) = &mut collected {
                            sample.gpus = metrics.gpus().await;
                        }
                        reply(collected, body::Kind::Metrics)
                    })
                    .await
            }
            Query::Disks => {
                self.disks
                    .sample(query, sampling.disks_ttl, async |disks, _| {
                        reply(disks.collect(Now::read()).await, body::Kind::Disks)
                    })
                    .await
            }
            Query::Processes => {
                self.processes
                    .sample(query, sampling.processes_ttl, async |processes, retired| {
                        if let Some(body::Kind::Processes(list)) =
                            retired.and_then(|body| body.kind)
                        {
                            processes.recycle(list);
                        }
                        let collected = settle(|| processes.collect(&Now::read)).await;
                        reply(collected, body::Kind::Processes)
                    })
                    .await
            }
            Query::Process { pid } => {
                self.entry_of(query)
                    .sample(query, sampling.metrics_ttl, async |(), _| {
                        let mut collected = self.process(pid).await;
                        if sampling.redact_arguments
                            && let Ok(details) = &mut collected
                        {
                            redact_arguments(details);
                        }
                        reply(collected, body::Kind::Process)
                    })
                    .await
            }
            Query::Journal { pid } => {
                self.entry_of(query)
                    .sample(query, SLOW_TTL, async |(), _| {
                        reply(self.journal(pid).await, body::Kind::Journal)
                    })
                    .await
            }
        }
    }

    async fn process(&self, pid: u32) -> Result<model::ProcessDetails, Error> {
        // The collector serves other processes while this one's window passes.
        settle(|| self.process_collector().collect(pid, &Now::read)).await
    }

    async fn journal(&self, pid: u32) -> Result<model::Journal, Error> {
        let started = self.process_collector().started(pid);
        self.journal.read(pid, started, Now::read()).await
    }

    fn process_collector(&self) -> MutexGuard<'_, ProcessCollector> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of a query about one process. The oldest make room where there are too many.
    fn entry_of(&self, query: Query) -> Arc<Entry<()>> {
        let mut entries = self
            .per_process
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= PER_PROCESS_ENTRIES && !entries.contains_key(&query) {
            // An entry that someone waits for stays: its flight is shared.
            let idle = entries
                .iter()
                .filter(|(_, entry)| Arc::strong_count(entry) == 1)
                .filter_map(|(query, entry)| Some((*query, entry.state.try_lock().ok()?.age())))
                .max_by_key(|(_, age)| *age);
            if let Some((oldest, _)) = idle {
                entries.remove(&oldest);
            }
        }
        Arc::clone(
            entries
                .entry(query)
                .or_insert_with(|| Arc::new(Entry::new(()))),
        )
    }
}

fn options(sampling: &Sampling) -> MetricsOptions {
    MetricsOptions {
        gpu: sampling.gpu,
        temperature: sampling.temperature,
    }
}

impl<C> State<C> {
    fn age(&self) -> Duration {
        self.last
            .as_ref()
            .map_or(Duration::MAX, |(finished_at, _)| finished_at.elapsed())
    }
}

/// Collects, waiting where the collector wants time to pass between two readings.
async fn settle<T>(mut collect: impl FnMut() -> Result<Collected<T>, Error>) -> Result<T, Error> {
    // A second wait is rare (a reading came early); more of them means a clock that stands still.
    for _ in 0..4 {
        match collect()? {
            Collected::Ready(sample) => return Ok(sample),
            Collected::Wait(time) => sleep(time).await,
        }
    }
    Err(Error::new(
        ErrorCode::Unavailable,
        "the host's clock did not advance between two readings",
    ))
}

fn reply<T>(collected: Result<T, Error>, kind: impl FnOnce(T) -> body::Kind) -> Body {
    match collected {
        Ok(sample) => kind(sample).into(),
        Err(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn counting<'a>(
        entry: &'a Entry<()>,
        ttl: Duration,
        count: &'a Cell<u32>,
    ) -> impl Future<Output = Arc<Sample>> + 'a {
        entry.sample(Query::Disks, ttl, async |(), _| {
            sleep(Duration::from_millis(10)).await;
            count.set(count.get() + 1);
            Error::new(ErrorCode::NotFound, count.get().to_string()).into()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_meanwhile_shares_the_flight_even_uncached() {
        let entry = Entry::new(());
        let ttl = Duration::ZERO;
        let count = Cell::new(0);
        let (one, other) =
            tokio::join!(counting(&entry, ttl, &count), counting(&entry, ttl, &count));
        assert!(Arc::ptr_eq(&one, &other));
        counting(&entry, ttl, &count).await;
        assert_eq!(count.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sample_is_shared_for_its_time_to_live() {
        let entry = Entry::new(());
        let ttl = Duration::from_millis(250);
        let count = Cell::new(0);
        counting(&entry, ttl, &count).await;
        sleep(Duration::from_millis(249)).await;
        counting(&entry, ttl, &count).await;
        assert_eq!(count.get(), 1);
        sleep(Duration::from_millis(1)).await;
        counting(&entry, ttl, &count).await;
        assert_eq!(count.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flight_whose_client_left_is_flown_again() {
        let entry = Entry::new(());
        let ttl = Duration::ZERO;
        let count = Cell::new(0);
        tokio::time::timeout(Duration::from_millis(5), counting(&entry, ttl, &count))
            .await
            .unwrap_err();
        counting(&entry, ttl, &count).await;
        assert_eq!(count.get(), 1);
    }
}
