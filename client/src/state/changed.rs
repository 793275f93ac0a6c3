//! Whether another agent, another boot or another host answers after the link was lost: what the last one said does not
//! speak for it.

use socktop_proto::model::{Host, Metrics, SampleTime};

use super::Sample;

/// How far the clock since boot may be behind what has passed here, milliseconds: samples are cached, and clocks drift.
const SLACK_MS: u64 = 10_000;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// The program that answers. Its host still runs what it ran.
    Agent,
    /// The host, or it was started anew: nothing that ran runs still.
    Host,
}

/// What changed between two answers about the host.
///
/// The key is not looked at. Where it is remembered no other is spoken to; and one that authorities vouch for changes with
/// every certificate, and the host does not.
pub(super) fn by_facts(last: &Host, new: &Host) -> Option<Changed> {
    let differ = |one: &Option<String>, other: &Option<String>| {
        one.is_some() && other.is_some() && one != other
    };
    let is_other_host = last.hostname != new.hostname
        || differ(&last.kernel, &new.kernel)
        || differ(&last.model, &new.model)
        || differ(&last.architecture, &new.architecture);
    if is_other_host {
        Some(Changed::Host)
    } else {
        (last.agent_version != new.agent_version).then_some(Changed::Agent)
    }
}

/// Whether `new`, the first metrics of a connection, are of another host or boot than the last ones of the connection before.
pub(super) fn by_metrics(
    last: &Sample<Metrics>,
    new: &Metrics,
    new_arrived: super::Moment,
) -> bool {
    let boot_ms = |time: &Option<SampleTime>| time.as_ref().and_then(|time| time.boot_ms);
    let Some(last_metrics) = last.value() else {
        return false;
    };
    let restarted = match (boot_ms(&last_metrics.time), boot_ms(&new.time)) {
        (Some(last_ms), Some(new_ms)) => {
            let passed = new_arrived.since(last.arrived.instant).as_millis();
            let passed_ms = u64::try_from(passed).unwrap_or(u64::MAX);
            // A host that was suspended with this machine is ahead, not behind.
            new_ms.saturating_add(SLACK_MS) < last_ms.saturating_add(passed_ms)
        }
        _ => false,
    };
    restarted || last_metrics.hostname != new.hostname
}
