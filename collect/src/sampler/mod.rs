//! The sampler: one cache entry for each kind of sample, one collection at a time, one encoding for all clients.
//!
//! A request is answered by the cached sample while that is younger than its time to live, else by a
//! new one. Requests that arrive while a sample is being collected wait for it and share it, even where
//! caching is off: a sample that was finished after the request came is as fresh as any.

mod sample;
mod settings;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use socktop_proto::model::{self, body};
use socktop_proto::{Body, Error, ErrorCode, Query};
use tokio::time::{Instant, sleep};

use crate::allocator::give_back_free_pages;
use crate::{
    Collected, DisksCollector, JournalCollector, MetricsCollector, MetricsOptions, Now,
    ProcessCollector, ProcessesCollector, Root, SensorsCollector, read_host, redact_arguments,
    watchdog,
};
use sample::Earlier;
pub use sample::{Sample, message};
pub use settings::Sampling;

/// How long host facts and journal lines are shared.
const SLOW_TTL: Duration = Duration::from_secs(1);

/// How long temperature sensors are shared: they change slowly, and a drive or a chip on a slow bus takes its time for each.
const SENSORS_TTL: Duration = Duration::from_secs(2);

/// How many processes' details and journals are kept at once. Of an artificially large process they take some two
/// megabytes, encoded for all dialects.
const PER_PROCESS_ENTRIES: usize = 8;

/// How old they may be when the next request comes.
const PER_PROCESS_AGE: Duration = Duration::from_secs(10);

/// Answers queries about this host.
pub struct Sampler {
    host: Entry<Root>,
    metrics: Entry<(MetricsOptions, MetricsCollector)>,
    disks: Entry<DisksCollector>,
    /// With the most rows that a list has had since memory was given back.
    processes: Entry<(ProcessesCollector, usize)>,
    process: ProcessCollector,
    journal: JournalCollector,
    sensors: Entry<SensorsCollector>,
    per_process: Mutex<HashMap<Query, Arc<Entry<()>>>>,
    conversations: AtomicUsize,
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
        // On the heap: else every request would carry the room for it, those that are answered from the cache too.
        let body = Box::pin(collect(&mut state.collector, retired)).await;
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
            processes: Entry::new((ProcessesCollector::new(root.clone()), 0)),
            process: ProcessCollector::new(root.clone()),
            journal: JournalCollector::new(root.clone()),
            sensors: Entry::new(SensorsCollector::new(root.clone())),
            per_process: Mutex::default(),
            conversations: AtomicUsize::new(0),
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
        self.sampling.lock()
    }

    /// The sample that answers `query`. What went wrong is a sample too: an error.
    pub async fn sample(&self, query: Query) -> Arc<Sample> {
        self.release_older_than(PER_PROCESS_AGE);
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
                        let mut collected =
                            collect_until_ready(|| Ok(metrics.collect(Now::read()))).await;
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
                    .sample(
                        query,
                        sampling.processes_ttl,
                        async |(processes, most_rows), retired| {
                            let mut retired_rows = 0;
                            if let Some(body::Kind::Processes(list)) =
                                retired.and_then(|body| body.kind)
                            {
                                retired_rows = list.processes.len();
                                processes.recycle(list);
                            }
                            let collected =
                                collect_until_ready(|| processes.collect(&Now::read)).await;
                            if let Ok(list) = &collected {
                                // The lists before this one are memory in use until they are retired.
                                let rows = list.processes.len().max(retired_rows);
                                *most_rows = rows.max(*most_rows);
                                if has_shrunk(*most_rows, rows) {
                                    give_back_free_pages();
                                    *most_rows = rows;
                                }
                            }
                            reply(collected, body::Kind::Processes)
                        },
                    )
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
            Query::Sensors if !sampling.temperature => {
                let message = "this agent's settings say that it reads no temperatures \
                               (collect.temperature = false)";
                let error = Error::new(ErrorCode::Unavailable, message);
                Arc::new(Sample::new(query, error.into()))
            }
            Query::Sensors => {
                self.sensors
                    .sample(query, SENSORS_TTL, async |sensors, _| {
                        reply(sensors.collect().await, body::Kind::Sensors)
                    })
                    .await
            }
        }
    }

    async fn process(&self, pid: u32) -> Result<model::ProcessDetails, Error> {
        let mut waits = Waits::default();
        loop {
            match self.process.collect(pid, &Now::read).await? {
                Collected::Ready(details) => return Ok(details),
                // The collector serves other processes while this one's window passes.
                Collected::Wait(time) => waits.wait(time).await?,
            }
        }
    }

    async fn journal(&self, pid: u32) -> Result<model::Journal, Error> {
        let started = self.process.started(pid);
        let journal = self.journal.read(pid, started, Now::read()).await?;
        let again = self.process.started(pid);
        if again.is_some() && again != started {
            // Some of the lines may be those of the process that has the pid now.
            let message = format!("process {pid} has ended, and another has its pid; ask again");
            return Err(Error::new(ErrorCode::NotFound, message));
        }
        Ok(journal)
    }

    /// Counts a conversation as long as it is held. What is kept of single processes ends with the last of them.
    pub fn conversation(self: &Arc<Self>) -> Conversation {
        self.conversations.fetch_add(1, Ordering::Relaxed);
        Conversation(Arc::clone(self))
    }

    fn per_process(&self) -> MutexGuard<'_, HashMap<Query, Arc<Entry<()>>>> {
        self.per_process.lock()
    }

    /// Releases the samples of single processes that are at least as old as `age`, except those that are waited for.
    fn release_older_than(&self, age: Duration) {
        self.per_process().retain(|_, entry| {
            let is_shared = Arc::strong_count(entry) > 1;
            is_shared || entry.state.try_lock().is_ok_and(|state| state.age() < age)
        });
    }

    /// The entry of a query about one process. The oldest make room where there are too many.
    fn entry_of(&self, query: Query) -> Arc<Entry<()>> {
        let mut entries = self.per_process();
        if entries.len() >= PER_PROCESS_ENTRIES && !entries.contains_key(&query) {
            // An entry that is waited for stays: its collection is shared.
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

/// Whether lists need so much less memory than the largest did that it is worth giving back, at once or over a while.
fn has_shrunk(most_rows: usize, rows: usize) -> bool {
    most_rows / 2 > rows && most_rows - rows > 1000
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

/// A conversation with a client.
pub struct Conversation(Arc<Sampler>);

impl Drop for Conversation {
    fn drop(&mut self) {
        if self.0.conversations.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.release_older_than(Duration::ZERO);
            self.0.process.release();
        }
    }
}

/// Collects, waiting where the collector needs time to pass between two readings.
async fn collect_until_ready<T>(
    mut collect: impl FnMut() -> Result<Collected<T>, Error>,
) -> Result<T, Error> {
    let mut waits = Waits::default();
    loop {
        match collect()? {
            Collected::Ready(sample) => return Ok(sample),
            Collected::Wait(time) => waits.wait(time).await?,
        }
    }
}

/// How often a collector has requested a wait.
#[derive(Default)]
struct Waits(u32);

impl Waits {
    /// Waits once more. A second time is rare (a reading came early); more of them mean a clock that stands still.
    async fn wait(&mut self, time: Duration) -> Result<(), Error> {
        self.0 += 1;
        if self.0 > 3 {
            return Err(Error::new(
                ErrorCode::Unavailable,
                "the host's clock did not advance between two readings",
            ));
        }
        sleep(time).await;
        Ok(())
    }
}

fn reply<T>(collected: Result<T, Error>, kind: impl FnOnce(T) -> body::Kind) -> Body {
    match collected {
        Ok(sample) => kind(sample).into(),
        Err(error) => error.into(),
    }
}

#[cfg(test)]
mod tests;
