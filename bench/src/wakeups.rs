//! Wakeups per second of an idle agent.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use crate::agents::{Agent, Sharing};
use crate::process::switches;
use crate::results::{Results, Who};

/// The measure.
pub const WAKEUPS: &str = "wakeups per second";

/// After a start or a connection there is work that is over soon.
const SETTLE: Duration = Duration::from_secs(2);

/// Watches all agents at once for `time`: without clients, then with a silent one.
///
/// # Errors
/// When an agent does not run.
pub fn idle(figures: &mut Results, time: Duration) -> Result<()> {
    let agents = [Who::Ours, Who::Published, Who::NodeExporter, Who::Glances]
        .into_iter()
        .map(|who| Agent::start(who, Sharing::Default))
        .collect::<Result<Vec<_>>>()?;
    watch(figures, "nobody connected", &agents, time)?;
    let sockets: Vec<_> = agents
        .into_iter()
        .filter(|agent| matches!(agent.who, Who::Ours | Who::Published))
        .collect();
    let _silent = sockets
        .iter()
        .map(Agent::talk)
        .collect::<Result<Vec<_>>>()?;
    watch(figures, "a silent client", &sockets, time)
}

fn watch(figures: &mut Results, at: &str, agents: &[Agent], time: Duration) -> Result<()> {
    sleep(SETTLE);
    let count = || {
        agents
            .iter()
            .map(|agent| switches(agent.pid()))
            .collect::<Result<Vec<_>>>()
    };
    let before = count()?;
    sleep(time);
    for ((agent, before), after) in agents.iter().zip(before).zip(count()?) {
        let woken = u32::try_from(after.saturating_sub(before))?;
        let rate = f64::from(woken) / time.as_secs_f64();
        figures.add(WAKEUPS, at, agent.who, rate);
    }
    Ok(())
}
