//! Our programs with those of socktop 1.60.1, in a pseudo-terminal.

#![cfg(test)]

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use socktop_tests::{
    Server, Size, Terminal, clean_command, free_port, hostname, keys, our_program,
    published_program,
};

/// Tall enough for the published client's process dialog.
const SIZE: Size = Size {
    columns: 200,
    rows: 70,
};

/// How long the published client is watched.
fn watch_time() -> Duration {
    let seconds = env::var("SOCKTOP_WATCH_SECONDS").map_or(60, |text| {
        text.parse()
            .expect("SOCKTOP_WATCH_SECONDS is a number of seconds")
    });
    Duration::from_secs(seconds)
}

/// A command that finds a `journalctl` of ours first: machines that build have no journal.
fn with_journal(mut command: Command, home: &Path) -> Command {
    let folder = home.join("bin");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("journalctl");
    fs::write(&program, JOURNALCTL).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = folder.into_os_string();
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    command.env("PATH", path);
    command
}

/// Prints one long line. Only every other byte is a character boundary.
const JOURNALCTL: &str = r#"#!/bin/sh
line=ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää
echo '{"__REALTIME_TIMESTAMP":"1700000000000000","PRIORITY":"4","MESSAGE":"Disk is full '$line$line'"}'
"#;

/// A process that is easy to find: nothing else has its name, which fits into the 15 bytes that the
/// published agent shows.
struct AgentUrl {
    name: &'static str,
    child: Child,
}

impl AgentUrl {
    /// Starts it in `folder`, which is made.
    fn start(name: &'static str, folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let program = folder.join(name);
        // By another process: a program that is open for writing here, or in a child forked meanwhile by
        // another test, cannot be run.
        let copied = Command::new("cp").arg("/bin/sleep").arg(&program).status();
        assert!(copied.unwrap().success());
        let mut command = Command::new(program);
        let child = command.arg("3600").current_dir(folder).spawn().unwrap();
        Self { name, child }
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for AgentUrl {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What the published client shows when something is wrong.
fn shows_no_error(screen: &str) -> bool {
    ![
        "Error",
        "error",
        "failed",
        "Failed",
        "Disconnected",
        "Unexpected",
        "Update Required",
        "panicked",
    ]
    .iter()
    .any(|word| screen.contains(word))
}

fn shows_a_live_host(screen: &str) -> bool {
    screen.contains(&format!("host: {}", hostname()))
        && screen.contains("CPU (now:")
        && !screen.contains("Top Processes (0 total)")
        && screen.contains("Top Processes (")
        && screen.contains("Memory")
}

/// What the published client shows of an agent, watched for `time` in all.
fn published_client_shows(agent: &Server, home: &Path, target: &AgentUrl, time: Duration) {
    let mut client = Terminal::start(
        clean_command(&published_program("socktop"), home).arg(agent.url()),
        SIZE,
    );
    client.wait_for("a live host", shows_a_live_host);

    client.send("/");
    client.wait_for("the search field", |screen| screen.contains("Search:"));
    client.send(target.name);
    let (name, pid) = (target.name, target.pid());
    client.wait_for("the process alone", |screen| {
        screen.contains(&format!("Search: {name}")) && screen.contains(&pid)
    });
    client.holds_for(time / 2, "a live host without an error", |screen| {
        shows_no_error(screen) && shows_a_live_host(screen)
    });

    client.send(keys::ENTER);
    client.wait_for("the selection", |screen| {
        screen.contains(&format!("PID {pid} • {name}"))
    });
    client.send(keys::ENTER);
    client.wait_for("the process's details and journal", |screen| {
        screen.contains(&format!("Process Details - PID {pid}"))
            && screen.contains("Journal Events (1 entries)")
            && screen.contains("Disk is full")
            && screen.contains(&format!("/{name}"))
            && !screen.contains("Loading")
    });
    client.holds_for(time / 2, "details without an error", |screen| {
        shows_no_error(screen) && screen.contains("Process Details")
    });
}

#[test]
fn legacy_client_shows_our_agent() {
    let home = tempfile::tempdir().unwrap();
    // A path that the published client would cut inside a character.
    let target = AgentUrl::start("interop-ours", &home.path().join("ä".repeat(100)));
    let port = free_port();
    let mut agent = Server::start(
        with_journal(
            clean_command(&our_program("socktop-agent"), home.path()),
            home.path(),
        )
        .args(["--port", &port.to_string()]),
        port,
    );
    published_client_shows(&agent, home.path(), &target, watch_time());
    agent.assert_running();
}

/// As a packaged agent serves: TLS, a certificate of its own, named tokens.
#[test]
fn legacy_client_connects_with_tls_ca_and_a_token_in_the_url() {
    let home = tempfile::tempdir().unwrap();
    let tokens = home.path().join("token");
    fs::write(&tokens, "every-bodys\npublished/one name=published\n").unwrap();
    let port = free_port();
    let mut agent = Server::start(
        clean_command(&our_program("socktop-agent"), home.path())
            .args(["--enableSSL", "--port", &port.to_string(), "--token-file"])
            .arg(&tokens),
        port,
    );
    let certificate = home.path().join(".local/share/socktop_agent/tls/cert.pem");
    let client = |token: &str| {
        Terminal::start(
            clean_command(&published_program("socktop"), home.path())
                .arg("--tls-ca")
                .arg(&certificate)
                .arg(format!("wss://localhost:{port}/ws?token={token}")),
            SIZE,
        )
    };
    let published = client("published%2Fone");
    published.wait_for("a live host", shows_a_live_host);
    published.holds_for(Duration::from_secs(5), "a live host", |screen| {
        shows_no_error(screen) && shows_a_live_host(screen)
    });
    assert!(
        agent.log().contains("by the token published"),
        "{}",
        agent.log()
    );
    client("another").wait_for("the refusal", |screen| screen.contains("401"));
    agent.assert_running();
}

#[test]
fn our_client_shows_a_legacy_agent() {
    let home = tempfile::tempdir().unwrap();
    let target = AgentUrl::start("interop-theirs", home.path());
    let port = free_port();
    let agent = Server::start(
        clean_command(&published_program("socktop_agent"), home.path())
            .args(["--port", &port.to_string()]),
        port,
    );
    let mut client = Terminal::start(
        clean_command(&our_program("socktop"), home.path()).arg(agent.url()),
        SIZE,
    );
    client.wait_for("a live host", |screen| {
        screen.contains(&hostname()) && screen.contains("agent 1.60") && screen.contains("CPU%")
    });
    client.send(&format!("/{}{}", target.name, keys::ENTER));
    let pid = target.pid();
    let shows_the_process = |screen: &str| {
        screen.contains(&hostname()) && screen.contains(&pid) && shows_no_error(screen)
    };
    client.wait_for("the process", shows_the_process);
    client.holds_for(
        Duration::from_secs(5),
        "the process without an error",
        shows_the_process,
    );

    client.send(keys::ENTER);
    let command = format!("/{} 3600", target.name);
    client.wait_for("the process's details", |screen| {
        screen.contains(&command) && shows_no_error(screen)
    });
    client.send(keys::ESC);
    // Escape and a letter at once are another key.
    client.wait_for("the list alone", |screen| !screen.contains(&command));
    client.send("q");
    assert!(client.wait_for_end().success());
}
