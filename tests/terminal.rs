//! The client in a real terminal: what it shows there, and how it leaves it.

#![allow(clippy::unwrap_used)] // Tests panic to fail.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use socktop_tests::{
    Server, Size, Terminal, clean_command, free_port, hostname, keys, our_program,
};

const SIZE: Size = Size {
    columns: 120,
    rows: 40,
};

fn shows_this_host(screen: &str) -> bool {
    screen.contains(&hostname()) && screen.contains("CPU%") && !screen.contains("waiting")
}

/// The demonstration, once it shows this host.
fn demo(home: &Path, size: Size) -> Terminal {
    let terminal = Terminal::start(
        clean_command(&our_program("socktop"), home).arg("--demo"),
        size,
    );
    terminal.wait_for("this host", shows_this_host);
    assert!(!terminal.is_cooked(), "keys are read one by one");
    terminal
}

fn assert_left_as_it_was(mut terminal: Terminal) -> portable_pty::ExitStatus {
    let status = terminal.wait_for_end();
    terminal.wait_for_normal_screen();
    assert!(
        terminal.is_cooked(),
        "the terminal echoes and collects lines again"
    );
    status
}

#[test]
fn keys_end_it_and_leave_the_terminal_as_it_was() {
    for key in ["q", keys::CTRL_C] {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = demo(home.path(), SIZE);
        terminal.send(key);
        let status = assert_left_as_it_was(terminal);
        assert!(status.success(), "{key:?}: {status}");
    }
}

#[test]
fn signals_end_it_and_leave_the_terminal_as_it_was() {
    for signal in [Signal::TERM, Signal::HUP] {
        let home = tempfile::tempdir().unwrap();
        let terminal = demo(home.path(), SIZE);
        let pid = Pid::from_raw(terminal.pid().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        assert_left_as_it_was(terminal);
    }
}

#[test]
fn any_size_will_do() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demo(home.path(), SIZE);
    for (columns, rows) in [(200, 60), (80, 24), (20, 6), (120, 40)] {
        terminal.resize(Size { columns, rows });
    }
    terminal.wait_for("this host", shows_this_host);
    // Too small for anything, and it answers still.
    terminal.resize(Size {
        columns: 1,
        rows: 1,
    });
    terminal.send("q");
    assert!(assert_left_as_it_was(terminal).success());
}

#[test]
fn a_lost_agent_is_said_and_a_returned_one_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let port = free_port();
    let start = || {
        Server::start(
            clean_command(&our_program("socktop-agent"), home.path())
                .args(["--port", &port.to_string()]),
            port,
        )
    };
    let mut agent = start();
    let mut terminal = Terminal::start(
        clean_command(&our_program("socktop"), home.path()).arg(agent.url()),
        SIZE,
    );
    terminal.wait_for("this host", shows_this_host);
    assert!(agent.end_by(Signal::TERM).success());
    terminal.wait_for("the loss", says_it_is_lost);
    drop(agent);
    let _agent = start();
    terminal.send("r");
    terminal.wait_for("this host again", |screen| {
        shows_this_host(screen) && !says_it_is_lost(screen)
    });
    terminal.send("q");
    assert!(assert_left_as_it_was(terminal).success());
}

fn says_it_is_lost(screen: &str) -> bool {
    screen.contains(" LOST ")
}
