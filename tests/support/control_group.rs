//! The resource limits of a service, as a control group (`cgroups(7)`).

use std::fs;
use std::path::{Path, PathBuf};

use socktop_testkit::programs::free_port;
use socktop_testkit::wait::wait_for;

/// A control group with bounds on memory and on the number of tasks, of either version. Dropping it removes it.
pub struct ControlGroup {
    memory: PathBuf,
    pids: PathBuf,
    is_version_1: bool,
}

impl ControlGroup {
    /// Creates one; `None` where this system does not permit it.
    #[must_use]
    pub fn make(memory_bytes: u64, tasks: u64) -> Option<Self> {
        let name = format!("socktop-test-{}-{}", std::process::id(), free_port());
        let root = Path::new("/sys/fs/cgroup");
        let is_version_1 = root.join("memory/memory.limit_in_bytes").exists();
        let it = if is_version_1 {
            Self {
                memory: root.join("memory").join(&name),
                pids: root.join("pids").join(&name),
                is_version_1,
            }
        } else {
            let both = root.join(&name);
            Self {
                memory: both.clone(),
                pids: both,
                is_version_1,
            }
        };
        let limit = if is_version_1 {
            "memory.limit_in_bytes"
        } else {
            "memory.max"
        };
        fs::create_dir(&it.memory).ok()?;
        if it.is_version_1 {
            fs::create_dir(&it.pids).ok()?;
        }
        fs::write(it.memory.join(limit), memory_bytes.to_string()).ok()?;
        fs::write(it.pids.join("pids.max"), tasks.to_string()).ok()?;
        Some(it)
    }

    /// Puts a process into it.
    ///
    /// # Panics
    /// When the kernel refuses it.
    pub fn add(&self, pid: u32) {
        for folder in [&self.memory, &self.pids] {
            fs::write(folder.join("cgroup.procs"), pid.to_string()).expect("join a control group");
        }
    }

    /// How many tasks are in it.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn tasks(&self) -> u64 {
        let text = fs::read_to_string(self.pids.join("pids.current"));
        let text = text.expect("read a control group's tasks");
        text.trim().parse().expect("a number of tasks")
    }

    /// How often it met a bound: at memory's, by being killed for it, and at that of tasks.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn events(&self) -> (u64, u64, u64) {
        let number = |path: PathBuf, key: &str| {
            let text = fs::read_to_string(&path).expect("read a control group's events");
            let words: Vec<&str> = text.split_whitespace().collect();
            let value = match key {
                "" => words.first(),
                _ => words
                    .iter()
                    .position(|word| *word == key)
                    .and_then(|at| words.get(at + 1)),
            };
            value
                .and_then(|value| value.parse().ok())
                .unwrap_or_else(|| panic!("no {key} in {}", path.display()))
        };
        let tasks = number(self.pids.join("pids.events"), "max");
        if self.is_version_1 {
            let control = self.memory.join("memory.oom_control");
            let failures = number(self.memory.join("memory.failcnt"), "");
            (failures, number(control, "oom_kill"), tasks)
        } else {
            let events = self.memory.join("memory.events");
            let failures = number(events.clone(), "max");
            (failures, number(events, "oom_kill"), tasks)
        }
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // Processes that have just ended may still be in it.
        wait_for("a control group to be empty", || {
            let gone = |folder: &Path| !folder.exists() || fs::remove_dir(folder).is_ok();
            (gone(&self.memory) && gone(&self.pids)).then_some(())
        });
    }
}
