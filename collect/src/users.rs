//! User names: `passwd(5)` below the root, else the system's name service.
//!
//! The name service (`nsswitch.conf(5)`: LDAP, sssd, systemd's dynamic users) may take long or hang, so
//! it is asked on a helper thread, one at a time, and its answer is there for the next sample. The file is read on
//! the serving thread: `/etc` lies where the agent's own program and libraries do.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use nix::unistd::{Uid, User};

use crate::Root;
use crate::deadline::{Call, Helpers, NAME_SERVICE};

/// How long an answer of the name service is believed.
const BELIEVED: Duration = Duration::from_mins(10);

/// How often it is seen whether the file has changed. The users that it had not are asked of the name service.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// How many names are kept: a user may run processes under all the ids of a user namespace.
const MOST_ANSWERS: usize = 1024;

/// Asks the name service.
type Lookup = fn(u32) -> Option<String>;

/// User names by id.
#[derive(Debug)]
pub(crate) struct Users {
    root: Root,
    looked_at: Option<Duration>,
    version: Option<Version>,
    file: BTreeMap<u32, String>,
    /// Only of the running system; a fixture has a file and no name service.
    lookup: Option<Lookup>,
    answers: BTreeMap<u32, Answer>,
    /// The ids to ask for next.
    wanted: Vec<u32>,
    helpers: Helpers<()>,
    asking: Option<Receiver<(u32, Option<String>)>>,
}

/// What distinguishes one version of a file from another.
type Version = (u64, u64, i64, i64);

/// What the name service said; empty when it knows no such user or has not answered yet.
#[derive(Debug, Default)]
struct Answer {
    name: String,
    at: Option<Duration>,
}

impl Users {
    /// Names of the users of the system at `root`.
    pub(crate) fn new(root: Root) -> Self {
        let lookup: Option<Lookup> = root.is_live().then_some(look_up);
        Self::with_lookup(root, lookup)
    }

    fn with_lookup(root: Root, lookup: Option<Lookup>) -> Self {
        Self {
            root,
            looked_at: None,
            version: None,
            file: BTreeMap::new(),
            lookup,
            answers: BTreeMap::new(),
            wanted: Vec::new(),
            helpers: Helpers::new(NAME_SERVICE).with_library_stacks(),
            asking: None,
        }
    }

    /// Reads the file again if it has changed and takes the answers that have come. Call it before
    /// a pass over processes.
    pub(crate) fn refresh(&mut self, now: Duration) {
        self.take_answers(now);
        let is_young = |at: Duration| now.saturating_sub(at) < LOOK_AGAIN;
        if self.looked_at.is_some_and(is_young) {
            return;
        }
        self.looked_at = Some(now);
        if self.answers.len() >= MOST_ANSWERS {
            // Those that are still of use are asked for again.
            self.answers.clear();
            self.wanted.clear();
        }
        let path = self.root.path("etc/passwd");
        let version = std::fs::metadata(&path).ok().as_ref().map(version_of);
        if version != self.version {
            self.version = version;
            self.file = std::fs::read(&path).map_or_else(|_| BTreeMap::new(), |text| parse(&text));
        }
    }

    /// A user's name; empty when it has none, or it is not known yet.
    pub(crate) fn name(&mut self, uid: u32, now: Duration) -> &str {
        if let Some(name) = self.file.get(&uid) {
            return name;
        }
        if self.lookup.is_none() {
            return "";
        }
        let is_full = self.answers.len() >= MOST_ANSWERS;
        if is_full && !self.answers.contains_key(&uid) {
            return "";
        }
        let entry = self.answers.entry(uid);
        let is_new = matches!(entry, Entry::Vacant(_));
        let answer = entry.or_default();
        let is_old = answer
            .at
            .is_some_and(|at| now.saturating_sub(at) > BELIEVED);
        if is_new || is_old {
            answer.at = None;
            self.wanted.push(uid);
        }
        &answer.name
    }

    fn take_answers(&mut self, now: Duration) {
        while let Some(asking) = &self.asking {
            match asking.try_recv() {
                Ok((uid, name)) => {
                    let name = name.unwrap_or_default();
                    let at = Some(now);
                    self.answers.insert(uid, Answer { name, at });
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.asking = None,
            }
        }
    }

    /// Looks up the requested names that are not known. Call it after all requests.
    pub(crate) fn ask(&mut self) {
        let Some(lookup) = self.lookup else { return };
        if self.asking.is_some() || self.wanted.is_empty() {
            return;
        }
        let (answers, asking) = channel();
        let wanted = self.wanted.clone();
        let make = move || {
            for uid in wanted {
                if answers.send((uid, lookup(uid))).is_err() {
                    break;
                }
            }
        };
        let is_asked = self.helpers.start(Call {
            key: (),
            user: None,
            make: Box::new(make),
        });
        // Without a free thread they stay requested.
        if is_asked {
            self.wanted.clear();
            self.asking = Some(asking);
        }
    }
}

fn look_up(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid))
        .ok()
        .flatten()
        .map(|user| user.name)
}

fn version_of(file: &Metadata) -> Version {
    (file.ino(), file.size(), file.mtime(), file.mtime_nsec())
}

/// The first entry of an id counts, as in `getpwuid(3)`.
fn parse(passwd: &[u8]) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for line in passwd.split(|&byte| byte == b'\n') {
        let mut fields = line.split(|&byte| byte == b':');
        let (Some(name), Some(uid)) = (fields.next(), fields.nth(1)) else {
            continue;
        };
        let uid = std::str::from_utf8(uid)
            .ok()
            .and_then(|uid| uid.parse().ok());
        // `+` and `-` are compat mode's; `#` is no comment but no name either.
        let is_name = name.first().is_some_and(|first| !b"+-#".contains(first));
        if let (Some(uid), true) = (uid, is_name) {
            names
                .entry(uid)
                .or_insert_with(|| String::from_utf8_lossy(name).into_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn root(passwd: &str) -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        std::fs::write(folder.path().join("etc/passwd"), passwd).unwrap();
        let root = Root::new(folder.path());
        (folder, root)
    }

    /// Waits for the thread, then takes its answers.
    fn answered(users: &mut Users, now: Duration) {
        users.ask();
        if let Some(asking) = users.asking.take() {
            for (uid, name) in asking {
                let name = name.unwrap_or_default();
                users.answers.insert(
                    uid,
                    Answer {
                        name,
                        at: Some(now),
                    },
                );
            }
        }
    }

    #[test]
    fn names_are_read_from_the_passwd_file_and_its_changes() {
        let (_folder, root) =
            root("root:x:0:0::/:/bin/sh\nroot2:x:0:0::/:\nbad\n+::::::\n:x:5::\n");
        let mut users = Users::new(root.clone());
        users.refresh(NOW);
        assert_eq!(users.name(0, NOW), "root");
        assert_eq!(users.name(5, NOW), "");
        std::fs::write(
            root.path("etc/passwd"),
            "toor:x:0:0::/:\nétienne:x:5:5::/:\n",
        )
        .unwrap();
        users.refresh(NOW + LOOK_AGAIN / 2);
        assert_eq!(users.name(0, NOW), "root");
        users.refresh(NOW + LOOK_AGAIN);
        assert_eq!(users.name(0, NOW), "toor");
        assert_eq!(users.name(5, NOW), "étienne");
        std::fs::remove_file(root.path("etc/passwd")).unwrap();
        users.refresh(NOW + LOOK_AGAIN * 2);
        assert_eq!(users.name(0, NOW), "");
    }

    #[test]
    fn names_missing_in_the_file_are_looked_up_and_cached() {
        let lookup: Lookup = |uid| (uid == 61_184).then(|| "dynamic".to_owned());
        let (_folder, root) = root("root:x:0:0::/:\n");
        let mut users = Users::with_lookup(root, Some(lookup));
        users.refresh(NOW);
        assert_eq!(users.name(61_184, NOW), "");
        assert_eq!(users.name(61_185, NOW), "");
        assert_eq!(users.name(0, NOW), "root");
        assert_eq!(users.wanted, [61_184, 61_185]);
        answered(&mut users, NOW);
        assert_eq!(users.name(61_184, NOW), "dynamic");
        assert_eq!(users.name(61_185, NOW), "");
        assert_eq!(users.wanted, [0; 0]);
        // An old answer is shown until there is a new one.
        let later = NOW + BELIEVED + Duration::from_secs(1);
        assert_eq!(users.name(61_184, later), "dynamic");
        assert_eq!(users.name(61_184, later), "dynamic");
        assert_eq!(users.wanted, [61_184]);
    }

    #[test]
    fn hung_name_service_holds_one_thread_and_blocks_nothing() {
        static HUNG: Mutex<u32> = Mutex::new(0);
        static RELEASED: Condvar = Condvar::new();
        let lookup: Lookup = |_| {
            let mut calls = HUNG.lock().unwrap();
            *calls += 1;
            drop(RELEASED.wait_while(calls, |calls| *calls < 100).unwrap());
            None
        };
        let (_folder, root) = root("root:x:0:0::/:\n");
        let mut users = Users::with_lookup(root, Some(lookup));
        for uid in 1..50 {
            users.refresh(NOW);
            assert_eq!(users.name(uid, NOW), "");
            assert_eq!(users.name(0, NOW), "root");
            users.ask();
        }
        // It was asked for the first, and has not answered.
        assert_eq!(users.wanted, (2..50).collect::<Vec<_>>());
        while *HUNG.lock().unwrap() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(*HUNG.lock().unwrap(), 1);
        *HUNG.lock().unwrap() = 100;
        RELEASED.notify_all();
    }

    #[test]
    fn memory_is_bounded_for_any_number_of_users() {
        let lookup: Lookup = |uid| Some(format!("u{uid}"));
        let (_folder, root) = root("root:x:0:0::/:\n");
        let mut users = Users::with_lookup(root, Some(lookup));
        for round in 0..5 {
            let now = NOW + LOOK_AGAIN * round;
            users.refresh(now);
            for uid in 0..2_000 {
                users.name(100_000 + round * 2_000 + uid, now);
            }
            assert!(users.answers.len() <= MOST_ANSWERS);
            assert!(users.wanted.len() <= MOST_ANSWERS);
        }
        let now = NOW + LOOK_AGAIN * 5;
        users.refresh(now);
        users.name(7, now);
        answered(&mut users, now);
        assert_eq!(users.name(7, now), "u7");
    }

    #[test]
    fn the_name_service_of_this_system_knows_root() {
        assert_eq!(look_up(0).as_deref(), Some("root"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(passwd in proptest::collection::vec(any::<u8>(), 0..300)) {
            parse(&passwd);
        }
    }
}
