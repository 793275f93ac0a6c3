//! Reads that hang in the kernel, against the whole agent: processes that keep the lock on their own memory map, and
//! file systems whose server is dead. Needs root; uses namespaces of its own.

#![cfg(test)]

use std::path::Path;

use rustix::process::Signal;
use socktop_proto::model::{ProcessDetails, Processes, body};
use socktop_proto::{Body, Query};
use socktop_tests::{
    Conversation, Hostile, Server, Terminal, USUAL_SIZE, clean_command, eager_agent, health,
    in_own_host, our_program, threads, wait_for,
};

/// More than the agent may have of threads, whatever hangs.
const MAX_THREADS: usize = 64;

/// The name of a process that may go on, so that the agent reads its command line or executable; and one that is whole.
const CUT_NAME: &str = "a-name-of-15-by";
const WHOLE_NAME: &str = "short";

fn list(client: &mut Conversation) -> Processes {
    let Body { kind } = client.ask(Query::Processes);
    let Some(body::Kind::Processes(list)) = kind else {
        panic!("instead of the list: {kind:?}");
    };
    list
}

fn details(client: &mut Conversation, pid: u32) -> ProcessDetails {
    let Body { kind } = client.ask(Query::Process { pid });
    let Some(body::Kind::Process(details)) = kind else {
        panic!("instead of details: {kind:?}");
    };
    details
}

/// Sees to it that everything but what hangs is answered, to others too, that asking often makes no more threads, and
/// that the agent ends when it should.
fn assert_agent_serves(mut agent: Server, mut ask: impl FnMut(&mut Conversation)) {
    let mut client = Conversation::open(&agent.url());
    let mut other = Conversation::open(&agent.url());
    for round in 0..20 {
        ask(&mut client);
        for query in [Query::Metrics, Query::Processes, Query::Host, Query::Disks] {
            let Body { kind } = other.ask(query);
            assert!(
                !matches!(kind, None | Some(body::Kind::Error(_))),
                "{query:?} in round {round}: {kind:?}"
            );
        }
        assert!(
            health(&agent.url()).contains("200"),
            "/healthz in round {round}"
        );
        let threads = threads(agent.pid());
        assert!(threads <= MAX_THREADS, "{threads} threads in round {round}");
    }
    let status = agent.end_by(Signal::TERM);
    assert!(status.success(), "{status}");
}

fn assert_agent_serves_where_memory_hangs(comm: &str, count: usize) {
    let [home, mount] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let agent = eager_agent(home.path(), "");
    let mut hostile = Hostile::with_own_memory(mount.path(), comm, count);
    hostile.lock_memory();
    let hung = hostile.pids("holder");
    assert_agent_serves(agent, |client| {
        let list = list(client);
        for pid in &hung {
            let row = list.processes.iter().find(|row| row.pid == *pid);
            assert!(row.unwrap().name.starts_with(comm), "{row:?}");
        }
        let details = details(client, *hung.first().unwrap());
        assert_eq!(details.command, [""; 0], "unknown");
        assert!(details.process.unwrap().name.starts_with(comm));
    });
}

#[test]
fn hung_process_with_a_cut_name_blocks_no_client() {
    in_own_host("hung_process_with_a_cut_name_blocks_no_client", || {
        assert_agent_serves_where_memory_hangs(CUT_NAME, 1);
    });
}

#[test]
fn hung_process_with_a_whole_name_blocks_no_client() {
    in_own_host("hung_process_with_a_whole_name_blocks_no_client", || {
        assert_agent_serves_where_memory_hangs(WHOLE_NAME, 1);
    });
}

#[test]
fn many_hung_processes_block_no_client() {
    in_own_host("many_hung_processes_block_no_client", || {
        assert_agent_serves_where_memory_hangs(CUT_NAME, 100);
    });
}

#[test]
fn process_that_hangs_later_blocks_no_client() {
    in_own_host("process_that_hangs_later_blocks_no_client", || {
        let [home, mount] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let agent = eager_agent(home.path(), "");
        let mut hostile = Hostile::with_own_memory(mount.path(), CUT_NAME, 1);
        let [pid] = hostile.pids("holder")[..] else {
            panic!("not one process");
        };
        let mut client = Conversation::open(&agent.url());
        list(&mut client);
        assert_ne!(details(&mut client, pid).command, [""; 0]);
        hostile.lock_memory();
        assert_agent_serves(agent, |client| {
            list(client);
            details(client, pid);
            // Its parent's details list it as a child.
            details(client, hostile.pid());
        });
    });
}

#[test]
fn helper_threads_end_when_hung_calls_return() {
    in_own_host("helper_threads_end_when_hung_calls_return", || {
        let [home, mount] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let mut agent = eager_agent(home.path(), "");
        let mut client = Conversation::open(&agent.url());
        list(&mut client);
        let mut hostile = Hostile::with_own_memory(mount.path(), CUT_NAME, 8);
        let before = threads(agent.pid());
        hostile.lock_memory();
        for pid in hostile.pids("holder") {
            list(&mut client);
            details(&mut client, pid);
        }
        drop(hostile);
        wait_for("as many threads as before", || {
            list(&mut client);
            (threads(agent.pid()) <= before).then_some(())
        });
        assert!(agent.end_by(Signal::TERM).success());
    });
}

#[test]
fn dead_file_systems_block_no_client() {
    in_own_host("dead_file_systems_block_no_client", || {
        let [home, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let agent = eager_agent(home.path(), "");
        let path = folder.path().to_str().unwrap().to_owned();
        let _hostile = Hostile::start("hung_mounts", &[&path, "3"]);
        assert_agent_serves(agent, |client| {
            let Body { kind } = client.ask(Query::Disks);
            let Some(body::Kind::Disks(disks)) = kind else {
                panic!("instead of disks: {kind:?}");
            };
            let dead = disks.disks.iter().filter(|disk| {
                let place = disk.mount_point.as_deref().unwrap_or_default();
                Path::new(place).starts_with(&path)
            });
            let dead: Vec<_> = dead.collect();
            assert_eq!(dead.len(), 3);
            for disk in dead {
                assert_eq!(disk.total_bytes, None, "{disk:?}");
            }
        });
    });
}

#[test]
fn demo_and_its_keys_work_on_a_host_with_hung_mounts() {
    in_own_host("demo_and_its_keys_work_on_a_host_with_hung_mounts", || {
        let [home, mount] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let mut hostile = Hostile::with_own_memory(mount.path(), CUT_NAME, 4);
        hostile.lock_memory();
        let mut command = clean_command(&our_program("socktop"), home.path());
        let mut terminal = Terminal::start(command.arg("--demo"), USUAL_SIZE);
        terminal.wait_for("the hung process in the list", |screen| {
            screen.contains(CUT_NAME)
        });
        terminal.send("?");
        terminal.wait_for("the help", |screen| screen.contains("draw the screen anew"));
        terminal.send("qq");
        assert!(terminal.wait_for_end().success());
        terminal.wait_until_given_back();
    });
}
