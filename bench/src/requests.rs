//! The cost of a request to an agent: CPU time, system calls, bytes.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use socktop_proto::Query;
use socktop_tests::Background;

use crate::agents::{Agent, Sharing};
use crate::process::cpu_time;
use crate::results::{Results, Who};

/// CPU time of a request that is read anew.
pub const UNCACHED: &str = "CPU per uncached request, µs";
/// CPU time of a request that is answered by a sample of before.
pub const CACHED: &str = "CPU per cached request, µs";
/// System calls of a request that is read anew.
pub const UNCACHED_CALLS: &str = "system calls per uncached request";
/// System calls of a request that is answered by a sample of before.
pub const CACHED_CALLS: &str = "system calls per cached request";
/// A reply's size.
pub const REPLY: &str = "bytes per reply";

/// Between two uncached requests. Our agent gives no CPU usage over less than 250 ms, and would wait.
pub const PACE: Duration = Duration::from_millis(300);

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Requests that are read anew.
    pub uncached: u32,
    /// Requests that are not.
    pub cached: u32,
}

/// Queries, and what they are called.
pub const QUERIES: [(Query, &str); 2] =
    [(Query::Metrics, "metrics"), (Query::Processes, "processes")];

/// Measures one round of all agents, at `level` as the number of processes is called.
///
/// # Errors
/// When an agent does not answer.
pub fn cpu(figures: &mut Results, level: &str, effort: Effort) -> Result<()> {
    for who in [
        Who::Ours,
        Who::Published,
        Who::OursText,
        Who::NodeExporter,
        Who::Glances,
    ] {
        let asked = SizeOutcome::start(who, Sharing::Off, level)?;
        asked.cpu(figures, UNCACHED, effort.uncached, PACE)?;
    }
    for who in [Who::Ours, Who::Published, Who::OursText] {
        let asked = SizeOutcome::start(who, Sharing::Forever, level)?;
        asked.cpu(figures, CACHED, effort.cached, Duration::ZERO)?;
    }
    Ok(())
}

/// Counts system calls and bytes.
///
/// # Errors
/// When an agent does not answer, or strace does not count.
pub fn calls(figures: &mut Results, level: &str, effort: Effort) -> Result<()> {
    for who in [
        Who::Ours,
        Who::OursText,
        Who::Published,
        Who::NodeExporter,
        Who::Glances,
    ] {
        let asked = SizeOutcome::start(who, Sharing::Off, level)?;
        asked.calls(figures, UNCACHED_CALLS, effort.uncached, PACE)?;
    }
    for who in [Who::Ours, Who::OursText, Who::Published] {
        let asked = SizeOutcome::start(who, Sharing::Forever, level)?;
        asked.calls(figures, CACHED_CALLS, effort.cached / 10, Duration::ZERO)?;
    }
    Ok(())
}

/// An agent at a number of processes.
struct SizeOutcome<'a> {
    agent: Agent,
    level: &'a str,
}

impl<'a> SizeOutcome<'a> {
    fn start(who: Who, sharing: Sharing, level: &'a str) -> Result<Self> {
        let agent = Agent::start(who, sharing)?;
        if matches!(who, Who::Ours | Who::OursText | Who::Published) {
            let mut talk = agent.talk()?;
            for (query, _) in QUERIES {
                talk.check(query)?;
            }
        }
        Ok(Self { agent, level })
    }

    fn queries(&self) -> &'static [(Query, &'static str)] {
        // It has no process list.
        if self.agent.who == Who::NodeExporter {
            &[(Query::Metrics, "metrics")]
        } else {
            &QUERIES
        }
    }

    fn at(&self, name: &str) -> String {
        format!("{name}, {}", self.level)
    }

    fn cpu(&self, figures: &mut Results, what: &str, count: u32, pace: Duration) -> Result<()> {
        for &(query, name) in self.queries() {
            let mut talk = None;
            // The first one reads what is kept, and what the last query left is over.
            let bytes = self.agent.ask(&mut talk, query)?;
            sleep(PACE);
            let before = cpu_time(self.agent.pid())?;
            for _ in 0..count {
                self.agent.ask(&mut talk, query)?;
                sleep(pace);
            }
            let used = cpu_time(self.agent.pid())?.saturating_sub(before);
            let each = used.as_secs_f64() * 1e6 / f64::from(count);
            figures.add(what, &self.at(name), self.agent.who, each);
            if what == UNCACHED {
                let bytes = f64::from(u32::try_from(bytes)?);
                figures.add(REPLY, &self.at(name), self.agent.who, bytes);
            }
        }
        Ok(())
    }

    fn calls(&self, figures: &mut Results, what: &str, count: u32, pace: Duration) -> Result<()> {
        let pid = self.agent.pid().to_string();
        for &(query, name) in self.queries() {
            let mut talk = None;
            self.agent.ask(&mut talk, query)?;
            let mut strace =
                Background::start(Command::new("strace").args(["-f", "-c", "-p", &pid]));
            strace.wait_for_log("strace to attach", |log| log.contains("attached"));
            sleep(PACE);
            for _ in 0..count {
                self.agent.ask(&mut talk, query)?;
                sleep(pace);
            }
            strace.end_by(Signal::INT);
            let total = total_calls(&strace.log()).context("strace counted nothing")?;
            let each = total / f64::from(count);
            figures.add(what, &self.at(name), self.agent.who, each);
        }
        Ok(())
    }
}

/// The number of calls in the last line of strace's summary: percent, seconds, µs a call, calls, perhaps errors.
fn total_calls(summary: &str) -> Option<f64> {
    let line = summary.lines().rfind(|line| line.ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_count_is_read_from_the_last_line() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000012           1        12           read
------ ----------- ----------- --------- --------- ----------------
100.00    0.000020           1        22         1 total
";
        assert_eq!(total_calls(summary), Some(22.0));
    }
}
