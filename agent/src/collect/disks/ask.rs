//! Asking file systems for their sizes, any of which may not answer for as long as its server is dead.
//!
//! Each round starts one thread that asks one after the other. Where it makes no progress for [`STALL`] more threads
//! join, twice as many each time, and share what is left; after [`DEADLINE`] the round is over. A thread
//! that is stuck stays so until the kernel lets it go (nothing can end it, but the end of the process does not wait
//! for it); its disk is not asked again before. In the normal case a round leaves no thread behind.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::choose::{Group, Key};
use super::mountinfo::Mount;

/// A file system that is well answers in a fraction of this.
const STALL: Duration = Duration::from_millis(50);

/// How long a round may take.
const DEADLINE: Duration = Duration::from_secs(1);

/// How many threads may ask at once.
const MAX_THREADS: usize = 32;

/// Enough for `stat(2)` and `statvfs(3)`.
const STACK_BYTES: usize = 128 * 1024;

/// The sizes of a file system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) total_bytes: u64,
    pub(super) used_bytes: u64,
    pub(super) available_bytes: u64,
    /// How many files it has room for.
    pub(super) files: u64,
}

impl Sizes {
    /// The sizes of a file system in blocks of `block` bytes, as `statvfs(3)` has them.
    pub(super) fn of_blocks(block: u64, all: u64, free: u64, available: u64, files: u64) -> Self {
        let bytes = |blocks: u64| blocks.saturating_mul(block);
        Self {
            total_bytes: bytes(all),
            used_bytes: bytes(all.saturating_sub(free)),
            // Where more is reserved than free, some give a negative number.
            available_bytes: if available > all { 0 } else { bytes(available) },
            files,
        }
    }
}

/// What was found at a mount point.
#[derive(Debug)]
pub(super) enum Found {
    /// A file system.
    Sizes(Sizes),
    /// A file that was bound to a file.
    File,
}

/// Where sizes come from; a test has its own.
pub(super) trait FileSystems: Send + Sync {
    /// Asks the file system at a mount. May take for ever.
    ///
    /// # Errors
    /// Where the mount point cannot be reached, or the file system answers with an error.
    fn ask(&self, mount: &Mount) -> io::Result<Found>;
}

/// What came of asking a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The sizes, and by which of its mounts they were got.
    Sizes(usize, Sizes),
    /// Only files are bound from it.
    NoDisk,
    /// None of its mounts could be asked.
    Unreadable,
    /// No answer in time.
    Hung,
}

/// Asks file systems, and remembers which of them have not answered yet.
pub(super) struct Asker {
    file_systems: Arc<dyn FileSystems>,
    /// Disks that a thread is asking now.
    asked: Arc<Mutex<HashSet<Key>>>,
}

/// What the threads of a round share.
struct Round {
    file_systems: Arc<dyn FileSystems>,
    asked: Arc<Mutex<HashSet<Key>>>,
    queue: Mutex<VecDeque<(usize, Group)>>,
    outcomes: mpsc::UnboundedSender<(usize, Outcome)>,
}

impl Asker {
    /// An asker that knows of no disk yet.
    pub(super) fn new(file_systems: Arc<dyn FileSystems>) -> Self {
        Self {
            file_systems,
            asked: Arc::default(),
        }
    }

    /// Asks each disk once; outcomes are in the order of `groups`.
    pub(super) async fn ask(&self, groups: Vec<Group>) -> Vec<Outcome> {
        // Stays where no answer comes.
        let mut outcomes = vec![Outcome::Hung; groups.len()];
        let queue: VecDeque<_> = {
            let asked = lock(&self.asked);
            let free = |(_, group): &(usize, Group)| !asked.contains(&group.key);
            groups.into_iter().enumerate().filter(free).collect()
        };
        let mut pending = queue.len();
        let (sender, mut answers) = mpsc::unbounded_channel();
        let round = Arc::new(Round {
            file_systems: Arc::clone(&self.file_systems),
            asked: Arc::clone(&self.asked),
            queue: Mutex::new(queue),
            outcomes: sender,
        });
        let mut threads = Vec::new();
        let deadline = Instant::now() + DEADLINE;
        while pending > 0 && Instant::now() < deadline {
            let waiting = !lock(&round.queue).is_empty();
            if waiting {
                let room = MAX_THREADS.saturating_sub(threads.len());
                let more = threads.len().max(1).min(room);
                threads.extend((0..more).map_while(|_| start(&round)));
            }
            if threads.is_empty() {
                for (index, _) in lock(&round.queue).iter() {
                    set(&mut outcomes, *index, Outcome::Unreadable);
                }
                break;
            }
            // An answer puts the next stall off.
            while pending > 0 {
                let stall = if waiting {
                    Instant::now() + STALL
                } else {
                    deadline
                };
                match timeout_at(stall.min(deadline), answers.recv()).await {
                    Ok(Some((index, outcome))) => {
                        pending -= 1;
                        set(&mut outcomes, index, outcome);
                    }
                    Ok(None) | Err(_) => break,
                }
            }
        }
        lock(&round.queue).clear();
        if pending == 0 {
            // They have nothing left to ask and are about to end.
            for thread in threads {
                let _ = thread.join();
            }
        }
        outcomes
    }
}

fn set(outcomes: &mut [Outcome], index: usize, outcome: Outcome) {
    if let Some(slot) = outcomes.get_mut(index) {
        *slot = outcome;
    }
}

/// Starts a thread, if the system lets us have one.
fn start(round: &Arc<Round>) -> Option<JoinHandle<()>> {
    let round = Arc::clone(round);
    std::thread::Builder::new()
        .name("statvfs".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || round.work())
        .inspect_err(|error| tracing::warn!("cannot start a thread to ask file systems: {error}"))
        .ok()
}

impl Round {
    fn work(&self) {
        loop {
            let Some((index, group)) = lock(&self.queue).pop_front() else {
                return;
            };
            lock(&self.asked).insert(group.key.clone());
            let outcome = self.ask(&group);
            lock(&self.asked).remove(&group.key);
            if self.outcomes.send((index, outcome)).is_err() {
                return;
            }
        }
    }

    /// Goes through a disk's mounts until one answers.
    fn ask(&self, group: &Group) -> Outcome {
        let mut outcome = Outcome::NoDisk;
        for (index, mount) in group.mounts.iter().enumerate() {
            match self.file_systems.ask(mount) {
                Ok(Found::Sizes(sizes)) => return Outcome::Sizes(index, sizes),
                Ok(Found::File) => {}
                Err(error) => {
                    tracing::debug!(
                        "cannot read the size of {}: {error}",
                        mount.mount_point.display()
                    );
                    outcome = Outcome::Unreadable;
                }
            }
        }
        outcome
    }
}

/// Nothing that is locked here is left half changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
