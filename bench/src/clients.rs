//! The cost of clients that show one host at 120x40: CPU time of client and agent, bytes to the terminal and on the
//! wire.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use socktop_tests::{clean_command, our_program, published_program};
use tempfile::TempDir;

use crate::agents::{Agent, Sharing};
use crate::process::cpu_time;
use crate::process_load::which;
use crate::proxy::Proxy;
use crate::results::{Results, Who};
use crate::screen::Screen;

/// CPU time of what draws.
pub const CLIENT_CPU: &str = "client's CPU, ms per second";
/// CPU time of what reads.
pub const AGENT_CPU: &str = "agent's CPU, ms per second";
/// CPU time of both.
pub const TOGETHER: &str = "agent's and client's CPU, ms per second";
/// Bytes to the terminal.
pub const TERMINAL: &str = "bytes to the terminal per second";
/// Bytes on the wire.
pub const WIRE: &str = "bytes on the wire per second";

/// Until what a start brings is over.
const SETTLE: Duration = Duration::from_secs(5);

/// What is shown how often, both programs' own default.
pub const DEFAULT: &str = "metrics every 0.5 s, processes 2 s";
/// The interval that btop and bottom can be set to, too.
pub const EVERY_2_S: &str = "all every 2 s";

/// A client that runs, and its agent where it has one.
struct Shown {
    who: Who,
    screen: Screen,
    remote: Option<(Agent, Proxy)>,
    // Its home folder goes with it.
    _home: TempDir,
}

impl Shown {
    fn start(who: Who, intervals: &str) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let remote = match who {
            Who::Ours | Who::Published => {
                let agent = Agent::start(who, Sharing::Default)?;
                let proxy = Proxy::start(agent.port())?;
                Some((agent, proxy))
            }
            _ => None,
        };
        let program = match who {
            Who::Ours => our_program("socktop"),
            Who::Published => published_program("socktop"),
            Who::Bottom => which("btm")?,
            _ => which("btop")?,
        };
        let mut command = clean_command(&program, home.path());
        if let Some((_, proxy)) = &remote {
            command.arg(format!("ws://127.0.0.1:{}/ws", proxy.port));
            if intervals == EVERY_2_S {
                command.args([
                    "--metrics-interval-ms",
                    "2000",
                    "--processes-interval-ms",
                    "2000",
                ]);
            }
        } else if who == Who::Bottom {
            command.args(["--rate", "2000"]);
        }
        // btop's own default is 2 s.
        Ok(Self {
            who,
            screen: Screen::start(&command)?,
            remote,
            _home: home,
        })
    }

    fn watch(mut self, figures: &mut Results, at: &str, time: Duration) -> Result<()> {
        sleep(SETTLE);
        let before = self.account()?;
        sleep(time);
        let after = self.account()?;
        let rate = |from: f64, to: f64| (to - from) / time.as_secs_f64();
        let client = rate(before.client_ms, after.client_ms);
        let agent = rate(before.agent_ms, after.agent_ms);
        figures.add(CLIENT_CPU, at, self.who, client);
        if self.remote.is_some() {
            figures.add(AGENT_CPU, at, self.who, agent);
        }
        figures.add(TOGETHER, at, self.who, client + agent);
        if self.remote.is_some() {
            let passed = rate(before.passed, after.passed);
            figures.add(WIRE, at, self.who, passed);
        }
        Ok(())
    }

    fn account(&mut self) -> Result<Account> {
        let ms = |pid| Ok::<_, anyhow::Error>(cpu_time(pid)?.as_secs_f64() * 1e3);
        Ok(Account {
            client_ms: ms(self.screen.pid()?)?,
            agent_ms: match &self.remote {
                Some((agent, _)) => ms(agent.pid())?,
                None => 0.0,
            },
            passed: match &self.remote {
                Some((_, proxy)) => bytes(proxy.passed())?,
                None => 0.0,
            },
        })
    }
}

fn bytes(count: u64) -> Result<f64> {
    Ok(u32::try_from(count).map(f64::from)?)
}

struct Account {
    client_ms: f64,
    agent_ms: f64,
    passed: f64,
}

/// Measures one round of the clients of socktop at the intervals that they have by default.
///
/// # Errors
/// When one does not run.
pub fn at_default(figures: &mut Results, level: &str, time: Duration) -> Result<()> {
    for who in [Who::Ours, Who::Published] {
        let at = format!("{DEFAULT}, {level}");
        Shown::start(who, DEFAULT)?.watch(figures, &at, time)?;
    }
    Ok(())
}

/// Measures one round of all clients that bring everything up to date every 2 s.
///
/// # Errors
/// When one does not run.
pub fn every_2_s(figures: &mut Results, level: &str, time: Duration) -> Result<()> {
    for who in [Who::Ours, Who::Btop, Who::Published, Who::Bottom] {
        let at = format!("{EVERY_2_S}, {level}");
        Shown::start(who, EVERY_2_S)?.watch(figures, &at, time)?;
    }
    Ok(())
}

/// Counts what all clients write to the terminal, all at once so that all see the same, for `time` once their graphs
/// have had `settle` to fill: what moves on the screen is what is written.
///
/// # Errors
/// When one does not run.
pub fn terminal(
    figures: &mut Results,
    level: &str,
    settle: Duration,
    time: Duration,
) -> Result<()> {
    let mut shown = Vec::new();
    for who in [Who::Ours, Who::Published] {
        shown.push((DEFAULT, Shown::start(who, DEFAULT)?));
    }
    for who in [Who::Ours, Who::Published, Who::Btop, Who::Bottom] {
        shown.push((EVERY_2_S, Shown::start(who, EVERY_2_S)?));
    }
    sleep(settle);
    let before: Vec<_> = shown
        .iter()
        .map(|(_, shown)| shown.screen.written())
        .collect();
    sleep(time);
    for ((intervals, shown), before) in shown.iter_mut().zip(before) {
        let written = bytes(shown.screen.written() - before)?;
        // One that has ended would have written little.
        shown.screen.pid()?;
        let at = format!("{intervals}, {level}");
        let rate = written / time.as_secs_f64();
        figures.add(TERMINAL, &at, shown.who, rate);
    }
    Ok(())
}
