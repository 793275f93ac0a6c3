//! What the real binary logs, and what it never does.
#![allow(clippy::unwrap_used)] // Tests panic to fail.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

#[test]
fn a_token_never_reaches_the_log() {
    let mut agent = Command::new(env!("CARGO_BIN_EXE_socktop-agent"))
        .args(["--listen", "127.0.0.1:0", "--log-level", "trace"])
        .env("SOCKTOP_TOKEN", "sesame")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(agent.stderr.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let start = said.len();
        assert_ne!(log.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        if let Some((_, rest)) = said.get(start..).unwrap().split_once("ws://") {
            break rest.split('/').next().unwrap().to_owned();
        }
    };
    for (query, header) in [
        ("?token=sesame", ""),
        ("?token=opensesame", ""),
        ("", "authorization: Bearer sesame\r\n"),
        ("", "authorization: Basic sesame\r\n"),
    ] {
        let mut client = TcpStream::connect(&address).unwrap();
        write!(
            client,
            "GET /ws{query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{header}\r\n"
        )
        .unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 4"), "{reply}");
    }
    kill_process(Pid::from_child(&agent), Signal::TERM).unwrap();
    log.read_to_string(&mut said).unwrap();
    assert!(agent.wait().unwrap().success());
    assert_eq!(said.matches("refused").count(), 2, "{said}");
    assert!(!said.contains("sesame"), "{said}");
}

#[test]
fn a_flood_of_guesses_fills_no_log() {
    let mut agent = Command::new(env!("CARGO_BIN_EXE_socktop-agent"))
        .args(["--listen", "127.0.0.1:0"])
        .env("SOCKTOP_TOKEN", "sesame")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(agent.stderr.take().unwrap());
    let mut said = String::new();
    log.read_line(&mut said).unwrap();
    let (_, rest) = said.split_once("ws://").unwrap();
    let address = rest.split('/').next().unwrap().to_owned();
    for _ in 0..100 {
        let mut client = TcpStream::connect(&address).unwrap();
        write!(client, "GET /ws HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
    }
    kill_process(Pid::from_child(&agent), Signal::TERM).unwrap();
    log.read_to_string(&mut said).unwrap();
    assert!(agent.wait().unwrap().success());
    // A minute may pass on a busy machine, and then it begins anew.
    let told = said.matches(" refused: ").count();
    assert!((1..100).contains(&told), "{said}");
    assert!(
        said.contains("more refused, most of them of 127.0.0.1"),
        "{said}"
    );
}

/// An agent by a line for sh(1) that runs `"$@"`, what it logs, and its address.
fn start(script: &str) -> (Child, BufReader<ChildStderr>, String) {
    let mut agent = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_socktop-agent")])
        .args(["--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(agent.stderr.take().unwrap());
    let mut said = String::new();
    log.read_line(&mut said).unwrap();
    let (_, rest) = said.split_once("ws://").unwrap();
    let address = rest.split('/').next().unwrap().to_owned();
    (agent, log, address)
}

/// Ends the agent, and returns what it logged.
fn stop(mut agent: Child, mut log: BufReader<ChildStderr>) -> String {
    kill_process(Pid::from_child(&agent), Signal::TERM).unwrap();
    let mut said = String::new();
    log.read_to_string(&mut said).unwrap();
    assert!(agent.wait().unwrap().success());
    said
}

#[test]
fn sessions_that_are_opened_and_dropped_fill_no_log() {
    let (agent, log, address) = start("exec \"$@\"");
    for _ in 0..80 {
        let mut client = TcpStream::connect(&address).unwrap();
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
    let said = stop(agent, log);
    // A minute may pass on a busy machine, and then it begins anew.
    let told = said.matches(" connected as this machine").count();
    assert!((1..40).contains(&told), "{said}");
    assert!(said.matches("disconnected").count() <= told, "{said}");
    assert!(
        said.contains("more connected, most of them of 127.0.0.1"),
        "{said}"
    );
}

/// How often the agent went to sleep, by `proc_pid_status(5)`.
fn sleeps(agent: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn out_of_descriptors_it_logs_little_and_serves_again_when_some_are_free() {
    let (agent, mut log, address) = start("ulimit -n 20; exec \"$@\"");
    let mut held: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    let mut said = String::new();
    while !said.contains("accepting a connection failed") {
        log.read_line(&mut said).unwrap();
    }
    // It tries again and again meanwhile.
    let before = sleeps(&agent);
    while sleeps(&agent) < before + 20 {
        thread::sleep(Duration::from_millis(50));
    }
    held.clear();
    let mut client = TcpStream::connect(&address).unwrap();
    write!(client, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    said.push_str(&stop(agent, log));
    let told = said.matches("accepting a connection failed").count();
    assert!((1..=10).contains(&told), "{said}");
    assert!(said.contains("more failures"), "{said}");
}
