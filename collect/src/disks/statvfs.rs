//! File system sizes by `statvfs(3)`, which can hang as long as a file system's server is dead.
//!
//! The calls are made by helper threads with a deadline ([`crate::deadline`]), in pools by the user that can make them hang, so
//! that dead shares take no thread from the host's own disks, and users none from either:
//!
//! | answered by | threads at most | of one user |
//! |---|---|---|
//! | the kernel, from a disk of the host | 8 | |
//! | another machine, or a process of root | 32 | |
//! | processes of users without root (FUSE) | 8 | 4 that hang |
//!
//! Calls that are not made because these are taken count as hung, too.
//!
//! # Automounted file systems
//! An automounter unmounts what is not used for its timeout. Use is whatever walks the path: `autofs_mount_wait` of the
//! kernel notes the time at each crossing, statfs(2) included (but for mounts with `strictexpire`). Who asks every few
//! seconds keeps it mounted for ever. So an automounted file system is asked when it is first seen, and again only when
//! twice its timeout has passed: if it is mounted still, another process is using it. Until then what it answered is
//! repeated, with the time of that answer. The agent remembers this as long as it runs. Nor does it mount anything:
//! files are opened in a way that does not trigger an automounter ([`super::kernel`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::file_systems::{FileSystems, OwnMounts};
use super::group::{Group, Key, Server};
use super::mountinfo::Mount;
use super::name::device_name;
use super::sizes::{Found, Sizes};
use crate::Root;
use crate::deadline::{Bounds, Call, FILE_SYSTEMS, Helpers, Outcome};

const KERNEL: Bounds = Bounds {
    threads: 8,
    ..FILE_SYSTEMS
};
const TRUSTED: Bounds = FILE_SYSTEMS;
const USERS: Bounds = Bounds {
    threads: 8,
    ..FILE_SYSTEMS
};

/// What is known of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) outcome: SizeOutcome,
    /// The name of its device, where the source is an alias.
    pub(super) name: Option<String>,
    /// When it was given, where that was before this sample: since boot.
    pub(super) repeated_from: Option<Duration>,
}

/// What came of asking a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SizeOutcome {
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
pub(super) struct SizeReader {
    root: Root,
    file_systems: Arc<dyn FileSystems>,
    kernel: Helpers<Key>,
    trusted: Helpers<Key>,
    users: Helpers<Key>,
    /// Of automounted file systems.
    kept: HashMap<Key, Kept>,
}

/// What an automounted file system has answered.
struct Kept {
    /// What is mounted anew has another.
    mount_id: u32,
    at: Duration,
    answer: Answer,
}

type Indexed = (usize, Call<Key, Answer>);

impl SizeReader {
    /// An asker that knows of no disk yet.
    pub(super) fn new(root: Root, file_systems: Arc<dyn FileSystems>) -> Self {
        Self {
            root,
            file_systems,
            kernel: Helpers::new(KERNEL),
            trusted: Helpers::new(TRUSTED),
            users: Helpers::new(USERS),
            kept: HashMap::new(),
        }
    }

    /// Asks each disk once; answers are in the order of `groups`. `now` is the time since boot.
    pub(super) async fn ask(&mut self, groups: &[Group], now: Duration) -> Vec<Answer> {
        let mut answers: Vec<_> = groups
            .iter()
            .map(|group| self.repeated(group, now))
            .collect();
        let own_mounts = Arc::new(OwnMounts::new(&self.root));
        let (mut kernel, mut trusted, mut users) = (Vec::new(), Vec::new(), Vec::new());
        for (index, group) in groups.iter().enumerate() {
            if answers.get(index).is_some_and(Option::is_some) {
                continue;
            }
            let calls = match group.server {
                Server::Kernel => &mut kernel,
                Server::Trusted => &mut trusted,
                Server::User(_) => &mut users,
            };
            calls.push((index, self.call(group, &own_mounts)));
        }
        let (kernel, trusted, users) = tokio::join!(
            run(&self.kernel, kernel),
            run(&self.trusted, trusted),
            run(&self.users, users),
        );
        for (index, outcome) in kernel.into_iter().chain(trusted).chain(users) {
            if let (Outcome::Returned(answer), Some(group)) = (outcome, groups.get(index)) {
                self.keep(group, now, &answer);
                if let Some(slot) = answers.get_mut(index) {
                    *slot = Some(answer);
                }
            }
        }
        let keys: HashSet<_> = groups.iter().map(|group| &group.key).collect();
        self.kept.retain(|key, _| keys.contains(key));
        let hung = Answer {
            outcome: SizeOutcome::Hung,
            name: None,
            repeated_from: None,
        };
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| hung.clone()))
            .collect()
    }

    fn call(&self, group: &Group, own_mounts: &Arc<OwnMounts>) -> Call<Key, Answer> {
        let root = self.root.clone();
        let file_systems = Arc::clone(&self.file_systems);
        let own_mounts = Arc::clone(own_mounts);
        let mounts = Arc::clone(&group.mounts);
        let make = Box::new(move || {
            let outcome = ask(&*file_systems, &mounts, &own_mounts);
            let place = if let SizeOutcome::Sizes(place, _) = outcome {
                place
            } else {
                0
            };
            Answer {
                outcome,
                name: mounts
                    .get(place)
                    .and_then(|mount| device_name(&root, mount)),
                repeated_from: None,
            }
        });
        Call {
            key: group.key.clone(),
            user: group.server.user(),
            make,
        }
    }

    /// What an automounted disk has answered, unless it may be asked again.
    fn repeated(&self, group: &Group, now: Duration) -> Option<Answer> {
        let mount = group.mounts.first()?;
        let timeout = mount.expires_after?;
        let kept = self.kept.get(&group.key)?;
        let is_due = now.saturating_sub(kept.at) >= timeout.saturating_mul(2);
        (kept.mount_id == mount.id && !is_due).then(|| Answer {
            repeated_from: Some(kept.at),
            ..kept.answer.clone()
        })
    }

    fn keep(&mut self, group: &Group, now: Duration, answer: &Answer) {
        if let Some(mount) = group.mounts.first()
            && mount.expires_after.is_some()
        {
            let kept = Kept {
                mount_id: mount.id,
                at: now,
                answer: answer.clone(),
            };
            self.kept.insert(group.key.clone(), kept);
        }
    }
}

async fn run(helpers: &Helpers<Key>, calls: Vec<Indexed>) -> Vec<(usize, Outcome<Answer>)> {
    if calls.is_empty() {
        return Vec::new();
    }
    let (indices, calls): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    std::iter::zip(indices, helpers.run(calls).await).collect()
}

/// Goes through a disk's mounts until one answers.
fn ask(file_systems: &dyn FileSystems, mounts: &[Mount], own_mounts: &OwnMounts) -> SizeOutcome {
    let mut outcome = SizeOutcome::NoDisk;
    for (index, mount) in mounts.iter().enumerate() {
        match file_systems.ask(mount, own_mounts) {
            Ok(Found::Sizes(sizes)) => return SizeOutcome::Sizes(index, sizes),
            Ok(Found::File) => {}
            Err(error) => {
                let mount_point = mount.mount_point.display();
                tracing::debug!("reading the size of {mount_point} failed: {error}");
                outcome = SizeOutcome::Unreadable;
            }
        }
    }
    outcome
}
