//! Timeouts for calls that can hang in the kernel: helper threads with a deadline.
//!
//! Reading `/proc/PID/cmdline` waits for that process's memory-map lock, `statvfs(3)` for the file system's server, a GPU's
//! library for its card, a name service for its network. The serving thread makes no such call: it hands them to a
//! [`Helpers`] and waits until its deadline. A call that has not returned by then hangs; it is remembered by its key and
//! not made again before it has returned.
//!
//! A round starts one thread, which makes one call after the other. Where it makes no progress for [`STALL`], more threads
//! join, twice as many each time, and share what is left. In the normal case a round leaves no thread behind. Nothing but
//! the end of the process ends a thread that hangs. A call that not even that ends (on FUSE) is made by another process,
//! for which a thread waits.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::time::{timeout, timeout_at};

/// A call that is well returns in a fraction of this.
const STALL: Duration = Duration::from_millis(50);

/// Enough for a few system calls and the standard library above them.
const STACK_BYTES: usize = 128 * 1024;

/// What libraries of others may expect: the default of `std::thread`. Only what is touched takes memory.
const LIBRARY_STACK_BYTES: usize = 2 * 1024 * 1024;

/// The bounds on calls of one purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The name of the threads: at most 15 bytes.
    pub(crate) name: &'static str,
    /// How long a round is waited for.
    pub(crate) deadline: Duration,
    /// How many threads there are at once, those that hang included.
    pub(crate) threads: usize,
    /// How many calls may hang of one user who can make them hang: others still find a thread.
    pub(crate) hung_of_one_user: usize,
}

/// Sizes of file systems.
pub(crate) const FILE_SYSTEMS: Bounds = Bounds {
    name: "statvfs",
    deadline: Duration::from_secs(1),
    threads: 32,
    hung_of_one_user: 4,
};

/// Polls of GPUs. All of them are one call: their libraries bear one thread at a time.
pub(crate) const GPUS: Bounds = Bounds {
    name: "gpu",
    deadline: Duration::from_millis(100),
    threads: 2,
    hung_of_one_user: 1,
};

/// Temperature sensors. All of them are one call: sysinfo lists them together.
pub(crate) const SENSORS: Bounds = Bounds {
    name: "sensors",
    deadline: Duration::from_secs(1),
    threads: 2,
    hung_of_one_user: 1,
};

/// Names of users by the name service.
pub(crate) const NAME_SERVICE: Bounds = Bounds {
    name: "user-names",
    deadline: Duration::from_secs(1),
    threads: 2,
    hung_of_one_user: 1,
};

/// Looking for journald's files.
pub(crate) const JOURNAL_FOLDERS: Bounds = Bounds {
    name: "journal-files",
    deadline: Duration::from_secs(1),
    threads: 4,
    hung_of_one_user: 1,
};

/// Starting journalctl: the thread that starts a program waits until the kernel has found and opened it.
pub(crate) const JOURNALCTL: Bounds = Bounds {
    name: "journalctl",
    deadline: Duration::from_secs(1),
    threads: 2,
    hung_of_one_user: 1,
};

/// What of a process can be read only with a lock that the process may hold: its command line, its I/O.
pub(crate) const PROCESS_FILES: Bounds = Bounds {
    name: "process-files",
    deadline: Duration::from_millis(250),
    threads: 16,
    hung_of_one_user: 8,
};

/// A call that may hang.
pub(crate) struct Call<K, T> {
    /// What is asked: not asked again while a call of the same key hangs.
    pub(crate) key: K,
    /// The user that can make it hang, unless that is root.
    pub(crate) user: Option<u32>,
    /// Makes it.
    pub(crate) make: Box<dyn FnOnce() -> T + Send>,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome<T> {
    /// It returned in time.
    Returned(T),
    /// It has not returned since it was made, for so long.
    Hung(Duration),
    /// It was not made: too many calls hang, or the system lets the agent have no thread.
    NotMade,
}

/// Makes calls of one purpose, and remembers which of them hang.
#[derive(Debug)]
pub(crate) struct Helpers<K> {
    bounds: Bounds,
    stack_bytes: usize,
    /// One round after the other: what is in progress at the start of one hangs.
    turn: tokio::sync::Mutex<()>,
    shared: Arc<Shared<K>>,
    has_warned: AtomicBool,
}

#[derive(Debug)]
struct Shared<K> {
    progress: Mutex<Progress<K>>,
    /// Some call has returned.
    returned: Notify,
}

#[derive(Debug)]
struct Progress<K> {
    calls: HashMap<K, Begun>,
    threads: usize,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    at: Instant,
    user: Option<u32>,
}

/// What the threads of a round share.
struct Round<K, T> {
    shared: Arc<Shared<K>>,
    hung_of_one_user: usize,
    queue: Mutex<VecDeque<(usize, Call<K, T>)>>,
    /// `None`: it was not made.
    answers: mpsc::UnboundedSender<(usize, Option<T>)>,
}

impl<K: Clone + Eq + Hash + Send + 'static> Helpers<K> {
    /// Helpers that have made no call yet.
    pub(crate) fn new(bounds: Bounds) -> Self {
        let progress = Progress {
            calls: HashMap::new(),
            threads: 0,
        };
        Self {
            bounds,
            stack_bytes: STACK_BYTES,
            turn: tokio::sync::Mutex::default(),
            shared: Arc::new(Shared {
                progress: Mutex::new(progress),
                returned: Notify::new(),
            }),
            has_warned: AtomicBool::new(false),
        }
    }

    /// The same with stacks on which libraries of others (a GPU's driver, the name service's modules) can run.
    pub(crate) fn with_library_stacks(mut self) -> Self {
        self.stack_bytes = LIBRARY_STACK_BYTES;
        self
    }

    /// Makes each call, and waits for them until the deadline. The outcomes are in the order of the calls.
    pub(crate) async fn run<T: Send + 'static>(&self, calls: Vec<Call<K, T>>) -> Vec<Outcome<T>> {
        let _turn = self.turn.lock().await;
        let keys: Vec<_> = calls.iter().map(|call| call.key.clone()).collect();
        self.wait_for_abandoned(&keys).await;
        let mut outcomes: Vec<_> = keys.iter().map(|_| Outcome::NotMade).collect();
        let queue: VecDeque<_> = {
            let progress = self.shared.progress.lock();
            let is_free = |(_, call): &(usize, Call<K, T>)| !progress.calls.contains_key(&call.key);
            calls.into_iter().enumerate().filter(is_free).collect()
        };
        let mut pending = queue.len();
        let (answers, mut received) = mpsc::unbounded_channel();
        let round = Arc::new(Round {
            shared: Arc::clone(&self.shared),
            hung_of_one_user: self.bounds.hung_of_one_user,
            queue: Mutex::new(queue),
            answers,
        });
        let mut threads = Vec::new();
        let deadline = tokio::time::Instant::now() + self.bounds.deadline;
        while pending > 0 && tokio::time::Instant::now() < deadline {
            let is_waiting = !round.queue.lock().is_empty();
            if is_waiting {
                threads.retain(|thread: &JoinHandle<()>| !thread.is_finished());
                let more = threads.len().max(1);
                threads.extend((0..more).map_while(|_| self.start_thread(&round)));
                if threads.is_empty() {
                    break;
                }
            }
            // An answer puts the next stall off.
            while pending > 0 {
                let stall = tokio::time::Instant::now() + STALL;
                let until = if is_waiting {
                    stall.min(deadline)
                } else {
                    deadline
                };
                let Ok(Some((index, returned))) = timeout_at(until, received.recv()).await else {
                    break;
                };
                pending -= 1;
                if let (Some(outcome), Some(value)) = (outcomes.get_mut(index), returned) {
                    *outcome = Outcome::Returned(value);
                }
            }
        }
        round.queue.lock().clear();
        if pending == 0 {
            // They have nothing left to do and are about to end.
            for thread in threads {
                let _ = thread.join();
            }
        }
        let progress = self.shared.progress.lock();
        for (outcome, key) in outcomes.iter_mut().zip(&keys) {
            if let (Outcome::NotMade, Some(begun)) = (&*outcome, progress.calls.get(key)) {
                *outcome = Outcome::Hung(begun.at.elapsed());
            }
        }
        outcomes
    }

    /// Makes one call without waiting for it: what it returns it has to keep itself. Whether a thread makes it.
    pub(crate) fn start<T: Send + 'static>(&self, call: Call<K, T>) -> bool {
        if self.shared.progress.lock().calls.contains_key(&call.key) {
            return false;
        }
        let (answers, _) = mpsc::unbounded_channel();
        let round = Arc::new(Round {
            shared: Arc::clone(&self.shared),
            hung_of_one_user: self.bounds.hung_of_one_user,
            queue: Mutex::new([(0, call)].into()),
            answers,
        });
        self.start_thread(&round).is_some()
    }

    /// Waits for calls that are in progress because the round that made them was abandoned: until they have
    /// returned, or hang.
    async fn wait_for_abandoned(&self, keys: &[K]) {
        loop {
            let returned = self.shared.returned.notified();
            let left = {
                let progress = self.shared.progress.lock();
                let age = |key| Some(progress.calls.get(key)?.at.elapsed());
                let left = |age| self.bounds.deadline.checked_sub(age);
                keys.iter().filter_map(age).filter_map(left).max()
            };
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                return;
            };
            let _ = timeout(left, returned).await;
        }
    }

    /// Starts a thread, if the bounds and the system let us have one.
    fn start_thread<T: Send + 'static>(&self, round: &Arc<Round<K, T>>) -> Option<JoinHandle<()>> {
        let thread = Thread::count(&self.shared, self.bounds.threads)?;
        let round = Arc::clone(round);
        std::thread::Builder::new()
            .name(self.bounds.name.to_owned())
            .stack_size(self.stack_bytes)
            .spawn(move || {
                round.work();
                drop(thread);
            })
            .inspect_err(|error| {
                // Logged once: a user may be filling the host with processes.
                if !self.has_warned.swap(true, Ordering::Relaxed) {
                    let name = self.bounds.name;
                    tracing::warn!(%error, "starting a thread for {name} failed: {error}");
                }
            })
            .ok()
    }
}

/// A call with its index, in progress unless it is not to be made.
type Next<'a, K, T> = (usize, Call<K, T>, Option<InProgress<'a, K>>);

impl<K: Clone + Eq + Hash, T> Round<K, T> {
    fn work(&self) {
        while let Some((index, call, progress)) = self.next() {
            // A call that panics ends without an answer; it is said at once, and the next one is made.
            let make = |_progress| catch_unwind(AssertUnwindSafe(call.make)).ok();
            let returned = progress.and_then(make);
            if self.answers.send((index, returned)).is_err() {
                return;
            }
        }
    }

    /// The next call that can be made now, or that is not to be made at all. Those of a user for whom as many are in
    /// progress as may hang stay in the queue until these have returned, or hang.
    fn next(&self) -> Option<Next<'_, K, T>> {
        let mut queue = self.queue.lock();
        let mut progress = self.shared.progress.lock();
        let limit = self.hung_of_one_user;
        let position = queue
            .iter()
            .position(|(_, call)| !progress.is_to_wait(call.user, limit))?;
        let (index, call) = queue.remove(position)?;
        let is_in_progress = progress.calls.contains_key(&call.key);
        if is_in_progress || call.user.is_some() && progress.hung_of(call.user) >= limit {
            return Some((index, call, None));
        }
        let begun = Begun {
            at: Instant::now(),
            user: call.user,
        };
        progress.calls.insert(call.key.clone(), begun);
        let in_progress = InProgress {
            shared: &self.shared,
            key: call.key.clone(),
        };
        Some((index, call, Some(in_progress)))
    }
}

impl<K> Progress<K> {
    /// How many calls of a user hang.
    fn hung_of(&self, user: Option<u32>) -> usize {
        let hangs = |begun: &&Begun| begun.user == user && begun.at.elapsed() >= STALL;
        self.calls.values().filter(hangs).count()
    }

    /// Whether so many calls of a user are in progress that no more may be made, though they may return yet.
    fn is_to_wait(&self, user: Option<u32>, limit: usize) -> bool {
        let of_user = |begun: &&Begun| begun.user == user;
        user.is_some()
            && self.calls.values().filter(of_user).count() >= limit
            && self.hung_of(user) < limit
    }
}

/// A call that a thread is making.
struct InProgress<'a, K: Eq + Hash> {
    shared: &'a Shared<K>,
    key: K,
}

impl<K: Eq + Hash> Drop for InProgress<'_, K> {
    fn drop(&mut self) {
        self.shared.progress.lock().calls.remove(&self.key);
        self.shared.returned.notify_waiters();
    }
}

/// A thread that is counted as long as it runs.
struct Thread<K>(Arc<Shared<K>>);

impl<K> Thread<K> {
    fn count(shared: &Arc<Shared<K>>, limit: usize) -> Option<Self> {
        let mut progress = shared.progress.lock();
        if progress.threads >= limit {
            return None;
        }
        progress.threads += 1;
        Some(Self(Arc::clone(shared)))
    }
}

impl<K> Drop for Thread<K> {
    fn drop(&mut self) {
        self.0.progress.lock().threads -= 1;
    }
}
