//! The cost of connections to an agent: resident memory.

use anyhow::Result;
use socktop_proto::Query;

use crate::agents::{Agent, Sharing, Talk};
use crate::process::memory;
use crate::results::{Results, Who};

/// Anonymous resident memory.
pub const ANONYMOUS: &str = "anonymous resident memory, kB";
/// All resident memory.
pub const RESIDENT: &str = "resident memory, kB";

/// Situation: no client has connected yet.
pub const IDLE: &str = "at start";
/// After 100 clients were served and have gone.
pub const AFTER_100: &str = "after serving 100 clients";
/// Connections that ask nothing.
pub const IDLE_1000: &str = "1,000 idle connections";
/// Clients that asked, and are still there.
const SERVING: [(usize, &str); 3] = [
    (1, "serving 1 client"),
    (100, "serving 100 clients"),
    (1000, "serving 1,000 clients"),
];

/// Measures one round of all agents.
///
/// # Errors
/// When an agent does not answer.
pub fn resident(figures: &mut Results) -> Result<()> {
    for who in [Who::Ours, Who::Published, Who::OursText] {
        for (count, at) in SERVING {
            let agent = Agent::start(who, Sharing::Default)?;
            if count == 1 {
                note(figures, IDLE, &agent)?;
            }
            let mut clients = Vec::new();
            for _ in 0..count {
                let mut client = agent.talk()?;
                serve(&mut client)?;
                clients.push(client);
            }
            note(figures, at, &agent)?;
            drop(clients);
            if count == 100 {
                wait_until_disconnected(&agent)?;
                note(figures, AFTER_100, &agent)?;
            }
        }
        let agent = Agent::start(who, Sharing::Default)?;
        let _clients = (0..1000)
            .map(|_| agent.talk())
            .collect::<Result<Vec<_>>>()?;
        note(figures, IDLE_1000, &agent)?;
    }
    for who in [Who::NodeExporter, Who::Glances] {
        let agent = Agent::start(who, Sharing::Default)?;
        note(figures, IDLE, &agent)?;
        agent.ask(&mut None, Query::Metrics)?;
        note(figures, SERVING[0].1, &agent)?;
    }
    Ok(())
}

/// What a client asks as it comes.
fn serve(client: &mut Talk) -> Result<()> {
    for query in [Query::Metrics, Query::Processes, Query::Disks] {
        client.ask(query)?;
    }
    Ok(())
}

/// Once a new client is answered, the agent has noticed that the others left.
fn wait_until_disconnected(agent: &Agent) -> Result<()> {
    std::thread::sleep(std::time::Duration::from_millis(500));
    agent.talk()?.ask(Query::Metrics)?;
    Ok(())
}

fn note(figures: &mut Results, at: &str, agent: &Agent) -> Result<()> {
    let memory = memory(agent.pid())?;
    let kb = |kb: u64| u32::try_from(kb).map(f64::from);
    figures.add(ANONYMOUS, at, agent.who, kb(memory.anonymous_kb)?);
    figures.add(RESIDENT, at, agent.who, kb(memory.resident_kb)?);
    Ok(())
}
