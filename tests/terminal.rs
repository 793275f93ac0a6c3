//! The client in a real terminal: what it shows, and how it restores the terminal.

use std::path::Path;

use rustix::process::Signal;
use socktop_proto::pairing::{Pairing, Pin};
use socktop_tests::{
    Server, Size, Terminal, USUAL_SIZE, clean_command, demonstration, free_port, keys, our_program,
    presented_key, shows_this_host, wait_until_left,
};

#[test]
fn keys_end_the_client_and_restore_the_terminal() {
    for key in ["q", keys::CTRL_C] {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = demonstration(home.path());
        terminal.send(key);
        let status = wait_until_left(terminal);
        assert!(status.success(), "{key:?}: {status}");
    }
}

#[test]
fn demo_draws_at_any_terminal_size() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demonstration(home.path());
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
    assert!(wait_until_left(terminal).success());
}

#[test]
fn lost_agent_is_reported_and_shown_again_when_back() {
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
        USUAL_SIZE,
    );
    terminal.wait_for("this host", shows_this_host);
    assert!(agent.end_by(Signal::TERM).success());
    terminal.wait_for("the loss", shows_lost_agent);
    drop(agent);
    let _agent = start();
    terminal.send("r");
    terminal.wait_for("this host again", |screen| {
        shows_this_host(screen) && !shows_lost_agent(screen)
    });
    terminal.send("q");
    assert!(wait_until_left(terminal).success());
}

fn shows_lost_agent(screen: &str) -> bool {
    screen.contains(" LOST ")
}

/// The file of the keys that the client remembers in `home`.
fn known_agents(home: &Path) -> std::path::PathBuf {
    home.join(".local/share/socktop/known_agents")
}

#[test]
fn unknown_key_is_confirmed_once_and_a_changed_key_refused() {
    let home = tempfile::tempdir().unwrap();
    let agents_home = tempfile::tempdir().unwrap();
    let port = free_port();
    let start = || {
        let mut command = clean_command(&our_program("socktop-agent"), agents_home.path());
        command.args(["--enableSSL", "--listen", &format!("127.0.0.1:{port}")]);
        Server::start(&mut command, port)
    };
    let client = || {
        let mut command = clean_command(&our_program("socktop"), home.path());
        command.arg(format!("wss://127.0.0.1:{port}"));
        command
    };
    let connects = |mut terminal: Terminal| {
        terminal.wait_for("this host", shows_this_host);
        terminal.send("q");
        assert!(wait_until_left(terminal).success());
    };
    let agent = start();

    let asks = |screen: &str| {
        screen.contains("Trust this key and remember it? [y/N]")
            && screen.contains("sha256:")
            && screen.contains("socktop-agent fingerprint")
    };

    // No.
    let mut terminal = Terminal::start(&client(), USUAL_SIZE);
    terminal.wait_for("the question", asks);
    terminal.send("n\r");
    terminal.wait_for("the refusal", |screen| {
        !asks(screen) && screen.contains("its key sha256:") && screen.contains("socktop add")
    });
    // It is asked again by the user's own wish alone.
    terminal.send("r");
    terminal.wait_for("the question again", asks);
    terminal.send(keys::ESC);
    terminal.wait_for("no question", |screen| !asks(screen));
    terminal.send("q");
    assert!(wait_until_left(terminal).success());
    assert!(!known_agents(home.path()).exists());

    // Another key than the right one.
    let mut terminal = Terminal::start(&client(), USUAL_SIZE);
    terminal.wait_for("the question", asks);
    terminal.send(&format!("{}\r", Pin::from_digest([7; 32])));
    terminal.wait_for("the warning", |screen| {
        screen.contains("This is another key")
    });
    terminal.send(keys::CTRL_C);
    assert!(wait_until_left(terminal).success());
    assert!(!known_agents(home.path()).exists());

    // No terminal to ask at.
    let refused = client()
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(!known_agents(home.path()).exists());

    // Yes, and from then on no question.
    let mut terminal = Terminal::start(&client(), USUAL_SIZE);
    terminal.wait_for("the question", asks);
    terminal.send("y\r");
    connects(terminal);
    connects(Terminal::start(&client(), USUAL_SIZE));

    // The same address with another key.
    drop(agent);
    std::fs::remove_dir_all(agents_home.path().join(".local")).unwrap();
    let _agent = start();
    let mut terminal = Terminal::start(&client(), USUAL_SIZE);
    terminal.wait_for("the refusal of another key", |screen| {
        screen.contains("THE KEY OF THIS AGENT HAS CHANGED")
            && screen.contains(&format!("socktop forget 127.0.0.1:{port}"))
            && !screen.contains("[y/N]")
    });
    terminal.send("q");
    assert!(wait_until_left(terminal).success());

    // Forgotten, it is as the first time.
    let forget = clean_command(&our_program("socktop"), home.path())
        .args(["forget", &format!("127.0.0.1:{port}")])
        .status();
    assert!(forget.unwrap().success());
    let mut terminal = Terminal::start(&client(), USUAL_SIZE);
    terminal.wait_for("the question again", asks);
    terminal.send("y\r");
    connects(terminal);
}

#[test]
fn pairing_line_suffices_to_connect() {
    let home = tempfile::tempdir().unwrap();
    let agents_home = tempfile::tempdir().unwrap();
    let token_file = agents_home.path().join("token");
    std::fs::write(&token_file, "s3cret\n").unwrap();
    let port = free_port();
    let mut command = clean_command(&our_program("socktop-agent"), agents_home.path());
    command
        .args(["--enableSSL", "--listen", &format!("127.0.0.1:{port}")])
        .arg("--token-file")
        .arg(&token_file);
    let _agent = Server::start(&mut command, port);
    let client = |arguments: &[&str]| {
        let mut command = clean_command(&our_program("socktop"), home.path());
        command.args(arguments);
        command
    };

    let line = Pairing {
        host: "127.0.0.1".to_owned(),
        port,
        pin: presented_key(&format!("127.0.0.1:{port}")),
        token: Some("s3cret".to_owned()),
        name: Some("pi4".to_owned()),
    };
    let lines = home.path().join("lines");
    std::fs::write(&lines, format!("# the fleet\n{line}\n")).unwrap();
    let added = client(&["add"])
        .stdin(std::fs::File::open(&lines).unwrap())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(added.stdout).unwrap(),
        format!("added pi4: wss://127.0.0.1:{port}/ws\n")
    );
    let listed = client(&["list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.contains("pi4") && listed.contains("key sha256:") && !listed.contains("s3cret"),
        "{listed}"
    );

    let mut terminal = Terminal::start(&client(&["pi4"]), USUAL_SIZE);
    terminal.wait_for("this host", shows_this_host);
    terminal.send("q");
    assert!(wait_until_left(terminal).success());
}
