//! The lists of an answer against their limits. Every message is taken apart field by field, so that a list that is added
//! to the model does not compile before it is here.

use super::{
    CHILDREN, CORES, DELTA_NUMBERS, DISKS, GPUS, INTERFACES, JOURNAL_ENTRIES, OverLimit, PARTS,
    THREADS,
};
use crate::model::{
    Body, Cpu, Delta, Disks, DisksDelta, Host, Journal, Metrics, MetricsDelta, ProcessDetails,
    Processes, ProcessesDelta, body, delta,
};

/// Counts the parts of an answer.
#[derive(Debug, Default)]
struct Parts(usize);

impl Parts {
    fn add<T>(&mut self, list: &[T]) -> Result<(), OverLimit> {
        self.0 = self.0.saturating_add(list.len());
        if self.0 > PARTS {
            return Err(OverLimit::Parts);
        }
        Ok(())
    }

    /// Counts a list that has a limit of its own.
    fn add_at_most<T>(
        &mut self,
        list: &[T],
        most: usize,
        of: &'static str,
    ) -> Result<(), OverLimit> {
        if list.len() > most {
            return Err(OverLimit::List { of, most });
        }
        self.add(list)
    }
}

/// Checks the lists of a body. This costs no more than a comparison a list.
///
/// # Errors
/// Where one is longer than its limit, or all together have more than [`PARTS`] parts.
pub fn check(body: &Body) -> Result<(), OverLimit> {
    use body::Kind;
    let Body { kind } = body;
    let mut parts = Parts::default();
    match kind {
        None | Some(Kind::Error(_)) => Ok(()),
        Some(Kind::Host(host)) => {
            check_host(host);
            Ok(())
        }
        Some(Kind::Metrics(metrics)) => check_metrics(metrics, &mut parts),
        Some(Kind::Disks(Disks {
            time: _,
            disks,
            not_listed: _,
        })) => parts.add_at_most(disks, DISKS, "disks"),
        Some(Kind::Processes(Processes {
            time: _,
            processes,
            total: _,
            window_ms: _,
            others_hidden: _,
        })) => parts.add(processes),
        Some(Kind::Process(details)) => check_details(details, &mut parts),
        Some(Kind::Journal(Journal {
            time: _,
            entries,
            truncated: _,
            notice: _,
        })) => parts.add_at_most(entries, JOURNAL_ENTRIES, "lines of the journal"),
    }
}

/// There is no list.
fn check_host(host: &Host) {
    let Host {
        hostname: _,
        kernel: _,
        os: _,
        model: _,
        architecture: _,
        cpu_model: _,
        cpu_count: _,
        started_boot_ms: _,
        agent_version: _,
    } = host;
}

fn check_metrics(metrics: &Metrics, parts: &mut Parts) -> Result<(), OverLimit> {
    let Metrics {
        time: _,
        hostname: _,
        cpu,
        memory: _,
        swap: _,
        load: _,
        interfaces,
        gpus,
    } = metrics;
    if let Some(Cpu {
        total_percent: _,
        cores,
        window_ms: _,
        temperature_celsius: _,
    }) = cpu
    {
        parts.add_at_most(cores, CORES, "CPUs")?;
    }
    parts.add_at_most(interfaces, INTERFACES, "network interfaces")?;
    parts.add_at_most(gpus, GPUS, "GPUs")
}

fn check_details(details: &ProcessDetails, parts: &mut Parts) -> Result<(), OverLimit> {
    let ProcessDetails {
        time: _,
        process: _,
        group_id: _,
        command,
        executable: _,
        working_directory: _,
        virtual_bytes: _,
        shared_bytes: _,
        started_unix_ms: _,
        cpu_user_us: _,
        cpu_system_us: _,
        disk_read_bytes: _,
        disk_written_bytes: _,
        descriptors: _,
        threads,
        children,
        children_total: _,
        command_cut: _,
        unanswered_ms: _,
    } = details;
    parts.add(command)?;
    parts.add_at_most(threads, THREADS, "threads")?;
    parts.add_at_most(children, CHILDREN, "child processes")?;
    children
        .iter()
        .try_for_each(|child| check_details(child, parts))
}

/// Checks the lists of a delta.
///
/// # Errors
/// Where it has more than [`PARTS`] parts or more than [`DELTA_NUMBERS`] numbers.
pub fn check_delta(delta: &Delta) -> Result<(), OverLimit> {
    let Delta {
        elapsed_ms: _,
        wall_by_ms: _,
        kind,
    } = delta;
    let mut parts = Parts::default();
    let numbers = match kind {
        None => 0,
        Some(delta::Kind::Metrics(MetricsDelta {
            window_ms: _,
            cpu_thousandths: _,
            core_thousandths,
            cpu_temperature_celsius: _,
            available_by: _,
            cache_by: _,
            swap_used_by: _,
            load: _,
            interface_at,
            received_by,
            transmitted_by,
            gpus,
        })) => {
            parts.add_at_most(gpus, GPUS, "GPUs")?;
            core_thousandths.len() + interface_at.len() + received_by.len() + transmitted_by.len()
        }
        Some(delta::Kind::Disks(DisksDelta {
            disk_at,
            used_by,
            available_by,
        })) => disk_at.len() + used_by.len() + available_by.len(),
        Some(delta::Kind::Processes(ProcessesDelta {
            window_ms: _,
            ended_at,
            processes,
            cpu_at,
            cpu_thousandths,
            resident_at,
            resident_by,
            state_at,
            states,
            threads_at,
            threads_by,
        })) => {
            parts.add(processes)?;
            ended_at.len()
                + cpu_at.len()
                + cpu_thousandths.len()
                + resident_at.len()
                + resident_by.len()
                + state_at.len()
                + states.len()
                + threads_at.len()
                + threads_by.len()
        }
    };
    if numbers > DELTA_NUMBERS {
        return Err(OverLimit::DeltaNumbers);
    }
    Ok(())
}
