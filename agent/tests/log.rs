//! The log of the real binary: secrets never appear in it, and floods do not fill it.
#![cfg(test)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use socktop_testkit::agent::AgentProcess;

const AGENT: &str = env!("CARGO_BIN_EXE_socktop-agent");

/// Ends the agent, and returns what it logged.
fn stop(mut agent: AgentProcess) -> String {
    assert!(agent.end_by(Signal::TERM).success());
    agent.log()
}

#[test]
fn token_is_never_logged() {
    let mut command = Command::new(AGENT);
    command.args(["--log-level", "trace"]);
    let agent = AgentProcess::start(command.env("SOCKTOP_TOKEN", "sesame"));
    for (query, header) in [
        ("?token=sesame", ""),
        ("?token=opensesame", ""),
        ("", "authorization: Bearer sesame\r\n"),
        ("", "authorization: Basic sesame\r\n"),
    ] {
        let mut client = TcpStream::connect(agent.address()).unwrap();
        write!(
            client,
            "GET /ws{query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{header}\r\n"
        )
        .unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 4"), "{reply}");
    }
    let said = stop(agent);
    assert_eq!(said.matches("refused").count(), 2, "{said}");
    assert!(!said.contains("sesame"), "{said}");
}

#[test]
fn flood_of_wrong_tokens_does_not_fill_the_log() {
    let agent = AgentProcess::start(Command::new(AGENT).env("SOCKTOP_TOKEN", "sesame"));
    for _ in 0..100 {
        let mut client = TcpStream::connect(agent.address()).unwrap();
        write!(client, "GET /ws HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
    }
    let said = stop(agent);
    // A minute may pass on a busy machine, and then it begins anew.
    let logged = said.matches(" refused: ").count();
    assert!((1..100).contains(&logged), "{said}");
    assert!(
        said.contains("more refused, most of them of 127.0.0.1"),
        "{said}"
    );
}

#[test]
fn flood_of_brief_sessions_does_not_fill_the_log() {
    let agent = AgentProcess::start(&mut Command::new(AGENT));
    for _ in 0..80 {
        let mut client = TcpStream::connect(agent.address()).unwrap();
        write!(
            client,
            "GET /ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .unwrap();
        let mut reply = String::new();
        BufReader::new(client).read_line(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 101"), "{reply}");
    }
    let said = stop(agent);
    // A minute may pass on a busy machine, and then it begins anew.
    let logged = said.matches(" connected as this machine").count();
    assert!((1..40).contains(&logged), "{said}");
    assert!(said.matches("disconnected").count() <= logged, "{said}");
    assert!(
        said.contains("more connected, most of them of 127.0.0.1"),
        "{said}"
    );
}

/// How often the agent went to sleep, by `proc_pid_status(5)`.
fn sleeps(agent: &AgentProcess) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn agent_recovers_from_descriptor_exhaustion_and_logs_little() {
    let script = "ulimit -n 20; exec \"$@\"";
    let mut command = Command::new("sh");
    let mut agent = AgentProcess::start(command.args(["-c", script, "sh", AGENT]));
    let mut held: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(agent.address()).unwrap())
        .collect();
    agent.wait_for_log("a failure to accept", |log| {
        log.contains("accepting a connection failed")
    });
    // It tries again and again meanwhile.
    let before = sleeps(&agent);
    while sleeps(&agent) < before + 20 {
        thread::sleep(Duration::from_millis(50));
    }
    held.clear();
    let mut client = TcpStream::connect(agent.address()).unwrap();
    write!(client, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let said = stop(agent);
    let logged = said.matches("accepting a connection failed").count();
    assert!((1..=10).contains(&logged), "{said}");
    assert!(said.contains("more failures"), "{said}");
}
