//! Memory and task limits of the whole agent, 128 MB and 256 tasks as in its unit, under local users who make it read
//! as much as they can. It is never killed, always answers others, and is small again afterwards. Needs root; uses
//! namespaces of its own.

#![cfg(test)]

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use socktop_proto::model::{Process, ProcessDetails, Processes, body};
use socktop_proto::{Body, Query};
use socktop_tests::{
    ControlGroup, Conversation, Hostile, Server, anonymous_bytes, eager_agent, in_own_host,
    resident_bytes, skip, wait_for,
};

/// `MemoryMax=` and `TasksMax=` of the packaged unit.
const MEMORY_MAX: u64 = 128 << 20;
const TASKS_MAX: u64 = 256;

/// What docs/security.md promises of the agent's memory.
const PROMISED_BYTES: u64 = 32 << 20;

/// What may be kept of a host that was large: room in tables and in the allocator's pages.
const KEPT_BYTES: u64 = 2 << 20;

/// An agent with bounds, and two clients.
struct Bounded {
    agent: Server,
    client: Conversation,
    other: Conversation,
    // Removed after the agent has ended.
    bounds: ControlGroup,
}

impl Bounded {
    fn start(test: &str, home: &Path) -> Option<Self> {
        let Some(bounds) = ControlGroup::make(MEMORY_MAX, TASKS_MAX) else {
            skip(
                test,
                "control groups for memory and pids cannot be made below /sys/fs/cgroup",
            );
            return None;
        };
        let agent = eager_agent(home, "");
        bounds.add(agent.pid());
        Some(Self {
            client: Conversation::open(&agent.url()),
            other: Conversation::open(&agent.url()),
            agent,
            bounds,
        })
    }

    fn details(&mut self, pid: u32) -> ProcessDetails {
        let Body { kind } = self.client.ask(Query::Process { pid });
        let Some(body::Kind::Process(details)) = kind else {
            panic!("instead of details: {kind:?}");
        };
        self.assert_serves("details");
        details
    }

    fn list(&mut self) -> Processes {
        let Body { kind } = self.client.ask(Query::Processes);
        let Some(body::Kind::Processes(list)) = kind else {
            panic!("instead of a list: {kind:?}");
        };
        self.assert_serves("the list");
        list
    }

    /// Another client is answered, and no bound was met.
    fn assert_serves(&mut self, after: &str) {
        let Body { kind } = self.other.ask(Query::Metrics);
        assert!(matches!(kind, Some(body::Kind::Metrics(_))), "{kind:?}");
        self.agent.assert_running();
        println!(
            "after {after}: {} kB resident",
            resident_bytes(self.agent.pid()) >> 10
        );
        let (memory, killed, tasks) = self.bounds.events();
        assert_eq!(
            (memory, killed, tasks),
            (0, 0, 0),
            "bounds met after {after}: memory, kills for it, tasks"
        );
    }

    /// When nothing hostile is left, nothing is kept of it.
    fn assert_is_small_again(mut self) {
        self.list();
        let pid = self.agent.pid();
        wait_for("the agent to be small again", || {
            // While a client is connected, the agent gets a request now and then.
            self.other.ask(Query::Metrics);
            (resident_bytes(pid) < PROMISED_BYTES).then_some(())
        });
        assert!(self.agent.end_by(Signal::TERM).success());
    }
}

fn parent(hostile: &Hostile) -> u32 {
    let pids = hostile.pids("parent");
    *pids.first().expect("the program prints its pid")
}

/// Runs `body` with a bounded agent.
fn within_bounds(test: &str, body: impl FnOnce(&mut Bounded)) {
    in_own_host(test, || {
        let home = tempfile::tempdir().unwrap();
        let Some(mut bounded) = Bounded::start(test, home.path()) else {
            return;
        };
        body(&mut bounded);
        bounded.assert_is_small_again();
    });
}

#[test]
fn endless_command_lines_of_children_take_bounded_memory() {
    within_bounds(
        "endless_command_lines_of_children_take_bounded_memory",
        |bounded| {
            for _ in 0..5 {
                let hostile = Hostile::start("many_arguments", &["200", "125000"]);
                let details = bounded.details(parent(&hostile));
                println!("{} children are sent", details.children.len());
                assert_ne!(details.children.len(), 0);
                bounded.list();
            }
        },
    );
}

#[test]
fn ten_thousand_children_take_bounded_memory() {
    within_bounds("ten_thousand_children_take_bounded_memory", |bounded| {
        let hostile = Hostile::start("many_children", &["10000"]);
        for _ in 0..3 {
            let details = bounded.details(parent(&hostile));
            let sent = details.children.len();
            println!("{sent} children are sent");
            assert!((1..10_000).contains(&sent), "{sent} children in one answer");
        }
        bounded.list();
    });
}

#[test]
fn memory_for_ten_thousand_processes_is_freed_when_they_have_ended() {
    memory_is_given_back(
        "memory_for_ten_thousand_processes_is_freed_when_they_have_ended",
        1,
    );
}

#[test]
fn memory_for_processes_that_end_a_few_at_a_time_is_freed() {
    memory_is_given_back("memory_for_processes_that_end_a_few_at_a_time_is_freed", 50);
}

/// Ten thousand processes end in so many steps, with a list at each.
fn memory_is_given_back(test: &str, steps: usize) {
    within_bounds(test, |bounded| {
        let anonymous = |bounded: &Bounded| anonymous_bytes(bounded.agent.pid());
        for _ in 0..3 {
            bounded.list();
        }
        let before = anonymous(bounded);
        let hostile = Hostile::start("many_children", &["10000"]);
        for _ in 0..3 {
            bounded.list();
        }
        let meanwhile = anonymous(bounded);
        let parent = Some(parent(&hostile));
        let list = bounded.list().processes;
        let is_child = |process: &&Process| process.parent_pid == parent;
        let children: Vec<_> = list.iter().filter(is_child).collect();
        for some in children.chunks(children.len().div_ceil(steps)) {
            for child in some {
                let pid = Pid::from_raw(child.pid.try_into().unwrap()).unwrap();
                kill_process(pid, Signal::KILL).unwrap();
            }
            bounded.list();
        }
        wait_for("the agent to need no more than before", || {
            bounded.list();
            let after = anonymous(bounded);
            println!("{before} bytes before, {meanwhile} meanwhile, {after} after");
            (after < before + KEPT_BYTES).then_some(())
        });
    });
}

#[test]
fn twelve_thousand_threads_take_bounded_memory() {
    within_bounds("twelve_thousand_threads_take_bounded_memory", |bounded| {
        let hostile = Hostile::start("many_threads", &["12000"]);
        for _ in 0..3 {
            let details = bounded.details(parent(&hostile));
            let sent = details.threads.len();
            println!("{sent} threads are sent");
            assert!((1..12_000).contains(&sent), "{sent} threads in one answer");
        }
        bounded.list();
    });
}

#[test]
fn dead_file_systems_for_every_connection_do_not_exhaust_tasks() {
    within_bounds(
        "dead_file_systems_for_every_connection_do_not_exhaust_tasks",
        |bounded| {
            let folder = tempfile::tempdir().unwrap();
            let hostile = Hostile::start("hung_mounts", &[folder.path().to_str().unwrap(), "127"]);
            for _ in 0..5 {
                let Body { kind } = bounded.client.ask(Query::Disks);
                assert!(matches!(kind, Some(body::Kind::Disks(_))), "{kind:?}");
                bounded.assert_serves("disks");
            }
            // Half of them are for what hangs next, journalctl and others.
            let tasks = bounded.bounds.tasks();
            println!("{tasks} tasks");
            assert!(tasks <= TASKS_MAX / 2, "{tasks} tasks");
            // What is dead is no reason not to answer anything else.
            bounded.list();
            bounded.details(hostile.pid());
        },
    );
}
