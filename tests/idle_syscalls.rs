//! An idle agent does nothing: while a client is connected and silent, it begins no system call. Needs strace.

#![cfg(test)]

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use socktop_proto::Query;
use socktop_proto::model::body;
use socktop_tests::{Background, Conversation, Server, clean_command, free_port, our_program};

/// How long it must be silent.
const TIME: Duration = Duration::from_secs(30);

/// Attaching interrupts the wait that each thread sleeps in, and it goes back to sleep.
const SETTLE: Duration = Duration::from_secs(2);

/// Requests of each kind.
const REQUESTS: usize = 1000;

/// Resident memory, `VmRSS` of `proc_pid_status(5)`.
fn resident(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap().trim().to_owned()
}

#[test]
fn idle_client_causes_no_system_calls() {
    let home = tempfile::tempdir().unwrap();
    let settings = home.path().join("agent.toml");
    fs::write(&settings, "[limits]\nrequests_per_second = 10000").unwrap();
    let port = free_port();
    let agent = Server::start(
        clean_command(&our_program("socktop-agent"), home.path())
            .args(["--port", &port.to_string()])
            .arg("--config")
            .arg(settings),
        port,
    );
    let pid = agent.pid();
    println!("resident at start: {}", resident(pid));

    let mut client = Conversation::open(&agent.url());
    for query in [
        Query::Host,
        Query::Metrics,
        Query::Disks,
        Query::Processes,
        Query::Process { pid },
        Query::Journal { pid },
        Query::Sensors,
    ] {
        for _ in 0..REQUESTS {
            let answer = client.ask(query);
            if let Some(body::Kind::Error(error)) = answer.kind {
                panic!("{query:?}: {}", error.message);
            }
        }
    }
    println!(
        "resident after {REQUESTS} requests of each kind: {}",
        resident(pid)
    );

    let mut strace =
        Background::start(Command::new("strace").args(["-f", "-ttt", "-p", &pid.to_string()]));
    strace.wait_for_log("strace to attach", |log| log.contains("attached"));
    thread::sleep(SETTLE);
    let before = strace.log();
    thread::sleep(TIME);
    let after = strace.log();
    strace.end_by(Signal::INT);
    println!("strace, attached after the last reply:\n{after}");
    assert_eq!(after, before, "system calls in {TIME:?} without a request");
}
