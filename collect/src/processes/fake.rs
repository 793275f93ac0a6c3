//! Fixture machines for tests: `/proc` and other files below a root, with CPU clocks and a time that the test moves.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::proc_fs::ProcFs;
use super::scan::Reader;
use crate::processes::cpu_time::ticks;
use crate::processes::fd_cache::Budget;
use crate::processes::new_pids::LastPid;
use crate::{Now, Root};

/// The nice value of every one.
pub(crate) const NICE: i32 = 5;

/// A machine.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    clocks: Arc<Mutex<HashMap<u32, u64>>>,
    boot: Cell<Duration>,
    /// When those that are there were started.
    started: RefCell<HashMap<u32, Duration>>,
    births: Arc<AtomicU32>,
}

/// A process of it, alone in its program, asleep.
#[derive(Debug, Clone)]
pub(crate) struct Fake {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) comm: Vec<u8>,
    pub(crate) cmdline: Vec<u8>,
    pub(crate) exe: Option<Vec<u8>>,
    pub(crate) state: char,
    pub(crate) flags: u64,
    pub(crate) faults: u64,
    pub(crate) threads: u32,
    pub(crate) started: Duration,
    pub(crate) resident_pages: u64,
    pub(crate) cpu: Duration,
}

impl Fake {
    pub(crate) fn new(pid: u32, comm: &str) -> Self {
        Self {
            pid,
            parent: 1,
            comm: comm.into(),
            cmdline: Vec::new(),
            exe: None,
            state: 'S',
            flags: 0x0040_0000,
            faults: 5,
            threads: 1,
            started: Duration::from_secs(1),
            resident_pages: 100,
            cpu: Duration::from_secs(1),
        }
    }

    /// The line of its `stat`. User and system time share the CPU time.
    pub(crate) fn stat(&self) -> Vec<u8> {
        let in_ticks = |time: Duration| time.as_nanos() / ticks(1).as_nanos();
        let user = in_ticks(self.cpu) / 2;
        let system = in_ticks(self.cpu) - user;
        let rest = format!(
            ") {} {} 1 1 0 -1 {} {} 0 0 0 {user} {system} 0 0 25 {NICE} {} 0 {} 8192 {} 4294967295 1\n",
            self.state,
            self.parent,
            self.flags,
            self.faults,
            self.threads,
            in_ticks(self.started),
            self.resident_pages
        );
        [
            format!("{} (", self.pid).as_bytes(),
            &self.comm,
            rest.as_bytes(),
        ]
        .concat()
    }
}

impl Machine {
    /// A machine of four CPUs without processes, up for 1000 seconds.
    pub(crate) fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            clocks: Arc::default(),
            boot: Cell::new(Duration::from_secs(1000)),
            started: RefCell::default(),
            births: Arc::default(),
        };
        machine.write("proc/stat", b"cpu\ncpu0\ncpu1\ncpu2\ncpu3\n");
        machine.write("proc/uptime", b"1000 1\n");
        machine
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(self.folder.path())
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &[u8]) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A file that is cut to be written again goes to the disk at once on some file systems.
        let _ = fs::remove_file(&path);
        fs::write(path, text).unwrap();
    }

    /// Makes a process, or makes it be as given.
    pub(crate) fn put(&self, fake: &Fake) {
        let pid = fake.pid;
        if self.started.borrow_mut().insert(pid, fake.started) != Some(fake.started) {
            self.births.fetch_add(1, Ordering::Relaxed);
            self.end_stat(pid);
            // A folder that is open shows nothing of the process that gets the pid next.
            let _ = fs::remove_dir_all(self.path(&format!("proc/{pid}")));
        }
        self.write_stat(pid, &fake.stat());
        self.write(
            &format!("proc/{pid}/status"),
            format!("Name:\tx\nTgid:\t{pid}\n").as_bytes(),
        );
        self.write(&format!("proc/{pid}/cmdline"), &fake.cmdline);
        let exe = self.path(&format!("proc/{pid}/exe"));
        let _ = fs::remove_file(&exe);
        if let Some(target) = &fake.exe {
            symlink(OsStr::from_bytes(target), exe).unwrap();
        }
        self.set_clock(pid, fake.cpu);
    }

    /// In place, for readers that have the file open.
    pub(crate) fn write_stat(&self, pid: u32, stat: &[u8]) {
        let path = self.path(&format!("proc/{pid}/stat"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = File::options();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .unwrap();
        file.write_all(stat).unwrap();
        file.set_len(u64::try_from(stat.len()).unwrap()).unwrap();
    }

    /// An open folder reads nothing of the process that gets the pid next.
    fn end_stat(&self, pid: u32) {
        let path = self.path(&format!("proc/{pid}/stat"));
        if let Ok(file) = File::options().write(true).open(&path) {
            file.set_len(0).unwrap();
            fs::remove_file(path).unwrap();
        }
    }

    pub(crate) fn set_clock(&self, pid: u32, cpu: Duration) {
        let cpu_ns = u64::try_from(cpu.as_nanos()).unwrap();
        self.clocks.lock().unwrap().insert(pid, cpu_ns);
    }

    pub(crate) fn remove(&self, pid: u32) {
        self.end_stat(pid);
        fs::remove_dir_all(self.path(&format!("proc/{pid}"))).unwrap();
        self.clocks.lock().unwrap().remove(&pid);
        self.started.borrow_mut().remove(&pid);
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            boot: self.boot.get(),
            unix: Duration::from_secs(1_700_000_000) + self.boot.get(),
        }
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.boot.set(self.boot.get() + Duration::from_millis(ms));
    }

    /// What a collector opens, with this machine's CPU clocks.
    pub(crate) fn reader(&self) -> Reader {
        let clocks = Arc::clone(&self.clocks);
        Reader {
            budget: Budget::default(),
            proc: ProcFs::open(&self.root()).unwrap(),
            cpu_clock: Some(Box::new(move |pid| {
                clocks.lock().unwrap().get(&pid).copied()
            })),
        }
    }

    /// The last pid here: a number that is new for each process.
    pub(crate) fn last_pid(&self) -> LastPid {
        let births = Arc::clone(&self.births);
        Box::new(move || Some(births.load(Ordering::Relaxed)))
    }
}
