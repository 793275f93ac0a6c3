//! Pairing with real programs: keys that only the user replaces, tokens that go to one key, and files that outlive a
//! killed client.

#![cfg(test)]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use socktop_proto::pairing::{Pairing, Pin};
use socktop_tests::{
    Server, Size, Terminal, clean_command, free_port, hostname, keys, our_program, wait_for,
};

const SIZE: Size = Size {
    columns: 120,
    rows: 40,
};

fn shows_this_host(screen: &str) -> bool {
    screen.contains(&hostname()) && screen.contains("CPU%") && !screen.contains("waiting")
}

/// An agent with TLS and the token `s3cret`, and a client, each with a home of its own.
struct Pair {
    client_home: tempfile::TempDir,
    agent_home: tempfile::TempDir,
    port: u16,
}

impl Pair {
    fn new() -> Self {
        let agent_home = tempfile::tempdir().unwrap();
        std::fs::write(agent_home.path().join("token"), "s3cret\n").unwrap();
        Self {
            client_home: tempfile::tempdir().unwrap(),
            agent_home,
            port: free_port(),
        }
    }

    fn start_agent(&self) -> Server {
        let mut command = clean_command(&our_program("socktop-agent"), self.agent_home.path());
        command
            .args(["--enableSSL", "--listen", &self.authority()])
            .arg("--token-file")
            .arg(self.agent_home.path().join("token"));
        Server::start(&mut command, self.port)
    }

    /// The next agent that starts has another key.
    fn forget_agents_key(&self) {
        std::fs::remove_dir_all(self.agent_home.path().join(".local")).unwrap();
    }

    fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = clean_command(&our_program("socktop"), self.client_home.path());
        command.args(arguments);
        command
    }

    /// The client without a terminal, also where the test has one.
    fn client_alone(&self, arguments: &[&str], input: Option<&Path>) -> Output {
        let mut command = clean_command(Path::new("setsid"), self.client_home.path());
        command
            .arg("-w")
            .arg(our_program("socktop"))
            .args(arguments);
        match input {
            Some(path) => command.stdin(File::open(path).unwrap()),
            None => command.stdin(Stdio::null()),
        };
        command.output().unwrap()
    }

    /// The client in a terminal, its standard input from a file.
    fn client_with_input(&self, arguments: &str, input: &Path) -> Terminal {
        let mut command = clean_command(Path::new("sh"), self.client_home.path());
        let program = our_program("socktop");
        command.args([
            "-c",
            &format!(
                "exec '{}' {arguments} < '{}'",
                program.display(),
                input.display()
            ),
        ]);
        Terminal::start(&command, SIZE)
    }

    /// The key that the agent presents, as another client with an empty home shows it.
    fn key(&self) -> Pin {
        let home = tempfile::tempdir().unwrap();
        let refused = clean_command(&our_program("socktop"), home.path())
            .arg(self.authority())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let message = text(&refused.stderr);
        let key = message
            .split_whitespace()
            .find_map(|word| word.parse().ok());
        key.unwrap_or_else(|| panic!("no key in {message}"))
    }

    /// A file of one pairing line.
    fn line(&self, pin: Pin, token: Option<&str>) -> PathBuf {
        let line = Pairing {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            pin,
            token: token.map(str::to_owned),
            name: Some("pi4".to_owned()),
        };
        let path = self.client_home.path().join("line");
        std::fs::write(&path, format!("{line}\n")).unwrap();
        path
    }

    /// Whom the token of the profile is for, as it is saved.
    fn token_for(&self) -> Option<String> {
        let path = self
            .client_home
            .path()
            .join(".config/socktop/profiles.json");
        let file: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let recipient = file.pointer("/profiles/pi4/token_for")?;
        recipient.as_str().map(str::to_owned)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn quits(mut terminal: Terminal) {
    terminal.wait_for("this host", shows_this_host);
    terminal.send("q");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn key_is_replaced_only_on_confirmation_and_the_token_stays_with_the_old_key() {
    let pair = Pair::new();
    let agent = pair.start_agent();
    let key = pair.key();
    let added = pair.client_alone(&["add"], Some(&pair.line(key, Some("s3cret"))));
    assert!(added.status.success(), "{}", text(&added.stderr));
    quits(Terminal::start(&pair.client(&["pi4"]), SIZE));
    assert_eq!(pair.token_for(), Some(key.to_string()));

    // Another one answers at the address, and a line says that it is right.
    drop(agent);
    pair.forget_agents_key();
    let _agent = pair.start_agent();
    let other = pair.key();
    assert_ne!(key, other);
    let line = pair.line(other, None);
    let refused = pair.client_alone(&["add"], Some(&line));
    assert_eq!(refused.status.code(), Some(1));
    let forget = format!("socktop forget {}", pair.authority());
    assert!(
        text(&refused.stderr).contains(&forget),
        "{}",
        text(&refused.stderr)
    );
    for (answer, code) in [("n\n", 1), ("y\n", 0)] {
        let mut terminal = pair.client_with_input("add", &line);
        terminal.wait_for("the question", |screen| {
            screen.contains("Replace the remembered key? [y/N]")
                && screen.contains(&key.to_string())
                && screen.contains(&other.to_string())
        });
        terminal.send(answer);
        assert_eq!(terminal.wait_for_end().exit_code(), code, "{answer:?}");
    }

    // The token was given for the first one.
    let mut terminal = Terminal::start(&pair.client(&["pi4"]), SIZE);
    terminal.wait_for(
        "that the token is not sent, and a question for another",
        |screen| {
            screen.contains("the stored token is for the key")
                && screen.contains("Token for wss://")
        },
    );
    terminal.send("s3cret\n");
    quits(terminal);
    assert_eq!(pair.token_for(), Some(key.to_string()));
}

#[test]
fn token_of_an_earlier_version_is_bound_to_the_remembered_key() {
    let pair = Pair::new();
    let agent = pair.start_agent();
    let key = pair.key();
    let data = pair.client_home.path().join(".local/share/socktop");
    let config = pair.client_home.path().join(".config/socktop");
    std::fs::create_dir_all(data.join("tokens")).unwrap();
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(data.join("tokens/pi4"), "s3cret\n").unwrap();
    std::fs::write(
        data.join("known_agents"),
        format!("{} {key}\n", pair.authority()),
    )
    .unwrap();
    let profiles = serde_json::json!({"profiles": {"pi4": {
        "url": format!("wss://{}/ws", pair.authority()), "token_file": data.join("tokens/pi4")
    }}});
    std::fs::write(config.join("profiles.json"), profiles.to_string()).unwrap();
    quits(Terminal::start(&pair.client(&["pi4"]), SIZE));
    assert_eq!(pair.token_for(), Some(key.to_string()));

    // Forgotten, another key is met as for the first time; it does not get the token.
    drop(agent);
    pair.forget_agents_key();
    let _agent = pair.start_agent();
    assert!(pair.client_alone(&["forget", "pi4"], None).status.success());
    let mut terminal = Terminal::start(&pair.client(&["pi4"]), SIZE);
    terminal.wait_for("the question", |screen| screen.contains("[y/N]"));
    terminal.send("y\n");
    terminal.wait_for("that the token is not sent", |screen| {
        screen.contains("the stored token is for the key") && screen.contains("Token for wss://")
    });
}

/// A server that hands its first connections on to `port`, and never answers those that come later. Gives its port, and
/// how many connections came.
fn answers_at_first(port: u16, answered: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own_port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            if counted.fetch_add(1, Ordering::SeqCst) < answered {
                let other = TcpStream::connect(("127.0.0.1", port)).unwrap();
                for (mut from, mut to) in [
                    (stream.try_clone().unwrap(), other.try_clone().unwrap()),
                    (other, stream),
                ] {
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            } else {
                kept.push(stream);
            }
        }
    });
    (own_port, came)
}

#[test]
fn ctrl_c_ends_the_dialling_after_a_prompt() {
    let pair = Pair::new();
    let _agent = pair.start_agent();
    let (port, came) = answers_at_first(pair.port, 1);
    let mut terminal = Terminal::start(&pair.client(&[&format!("127.0.0.1:{port}")]), SIZE);
    terminal.wait_for("the question", |screen| screen.contains("[y/N]"));
    terminal.send("y\n");
    wait_for("the next connection", || {
        (came.load(Ordering::SeqCst) > 1).then_some(())
    });
    terminal.send(keys::CTRL_C);
    assert_eq!(terminal.wait_for_end().exit_code(), 130);
    assert!(terminal.is_cooked());
}

/// Every file below `folder` with what it holds.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(mut file) = File::open(&path) {
            let mut bytes = Vec::new();
            let _ = file.read_to_end(&mut bytes);
            found.push((path, bytes));
        }
    }
    found
}

/// Those of [`files`] that no client keeps on purpose.
fn drafts(home: &Path) -> Vec<PathBuf> {
    let kept = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_token = path
            .parent()
            .is_some_and(|folder| folder.ends_with("tokens"));
        [
            "profiles.json",
            "profiles.json.lock",
            "known_agents",
            "known_agents.lock",
        ]
        .contains(&&*name)
            || (is_token && name.starts_with("pi") && !name.contains('.'))
    };
    let files = files(home).into_iter().map(|(path, _)| path);
    files.filter(|path| !kept(path)).collect()
}

#[test]
fn temporary_file_of_a_killed_client_is_removed_by_the_next() {
    let pair = Pair::new();
    let home = pair.client_home.path();
    let lines = (0..2000)
        .map(|number| {
            let line = Pairing {
                host: format!("pi{number}"),
                port: 8443,
                pin: Pin::from_digest([7; 32]),
                token: Some("s3cret".repeat(500)),
                name: None,
            };
            line.to_string()
        })
        .collect::<Vec<_>>()
        .join("\n");
    // Killed wherever it is, until it was while it wrote a file.
    wait_for("a client that is killed with a draft", || {
        let mut adds = pair
            .client(&["add"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = adds.stdin.take().unwrap();
        thread::scope(|scope| {
            // It ends with the client.
            scope.spawn(|| input.write_all(lines.as_bytes()));
            wait_for("a draft", || {
                (!drafts(home).is_empty() || adds.try_wait().unwrap().is_some()).then_some(())
            });
            adds.kill().unwrap();
            adds.wait().unwrap();
        });
        (!drafts(home).is_empty()).then_some(())
    });
    assert!(pair.client(&["list"]).output().unwrap().status.success());
    assert_eq!(drafts(home), Vec::<PathBuf>::new());
}
