//! What the real binary logs, and what it never does.
#![allow(clippy::unwrap_used)] // Tests panic to fail.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

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
