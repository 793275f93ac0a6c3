//! Our programs against the published ones, version 1.60.1, in a pseudo-terminal.

#![allow(clippy::unwrap_used)] // Tests panic to fail.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use socktop_tests::{Server, Size, Terminal, clean_command, free_port, keys, published_program};

/// The name of the process whose details are opened: nothing else is called that.
const TARGET: &str = "interop-target";

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

/// A process that is easy to find.
struct Target(std::process::Child);

impl Target {
    fn start(folder: &Path) -> Self {
        let program = folder.join(TARGET);
        std::fs::copy("/bin/sleep", &program).unwrap();
        Self(Command::new(program).arg("3600").spawn().unwrap())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_str()
        .unwrap()
        .to_owned()
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

fn published_client_shows(agent: &Server, home: &Path, time: Duration) {
    let target = Target::start(home);
    let mut client = Terminal::start(
        clean_command(&published_program("socktop"), home).arg(agent.url()),
        SIZE,
    );
    client.wait_for("a live host", shows_a_live_host);

    // Finds the process, selects it, opens its details.
    client.send("/");
    client.wait_for("the search field", |screen| screen.contains("Search:"));
    client.send(TARGET);
    client.wait_for("the process alone", |screen| {
        screen.contains(&format!("Search: {TARGET}")) && screen.contains(&target.0.id().to_string())
    });
    client.holds_for(time, "a live host without an error", |screen| {
        shows_no_error(screen) && shows_a_live_host(screen)
    });
    client.send(keys::ENTER);
    client.wait_for("the selection", |screen| {
        screen.contains(&format!("PID {} • {TARGET}", target.0.id()))
    });
    client.send(keys::ENTER);
    client.wait_for("the process's details and journal", |screen| {
        screen.contains(&format!("Process Details - PID {}", target.0.id()))
            && screen.contains("Command & Details")
            && screen.contains("Journal Events (")
    });
    client.holds_for(time, "process details without an error", |screen| {
        shows_no_error(screen) && !screen.contains("Loading")
    });
    println!("{}", client.contents());
}

#[test]
fn the_published_pair_passes_these_checks() {
    let home = tempfile::tempdir().unwrap();
    let port = free_port();
    let agent = Server::start(
        clean_command(&published_program("socktop_agent"), home.path())
            .args(["--port", &port.to_string()]),
        port,
    );
    published_client_shows(&agent, home.path(), Duration::from_secs(5));
}
