//! The cost of a scan of all processes, above the baseline.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};
use socktop_collect::{Collected, Now, ProcessesCollector, Root};

use crate::baseline_scan::{BaselineScan, Source};
use crate::process::cpu_time;
use crate::results::{Results, Who};

/// The measure.
pub const SCAN: &str = "CPU per scan of all processes, µs";

/// Between two scans: as clients ask by default.
const PACE: Duration = Duration::from_secs(2);

/// Measures `rounds` scans of each kind, in turns, inside this process: the agent's from its library.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn scan(figures: &mut Results, level: &str, rounds: u32) -> Result<()> {
    let mut ours = ProcessesCollector::new(Root::default());
    let mut clocks = BaselineScan::open(Source::Clock)?;
    let mut schedstat = BaselineScan::open(Source::Schedstat)?;
    // The first pass reads everyone; the agent's has nothing to compare with yet.
    for _ in 0..2 {
        clocks.scan()?;
        schedstat.scan()?;
        if let Err(error) = ours.collect(&Now::read) {
            bail!("{}", error.message);
        }
        sleep(PACE);
    }
    for _ in 0..rounds {
        let used = timed(|| match ours.collect(&Now::read) {
            Ok(Collected::Ready(_)) => Ok(()),
            Ok(Collected::Wait(_)) => bail!("the agent's scan has to wait"),
            Err(error) => bail!("{}", error.message),
        })?;
        figures.add(SCAN, level, Who::Ours, used);
        // Right after another, a scan would find warm what that one has read.
        sleep(PACE / 3);
        let used = timed(|| clocks.scan().map(|_| ()))?;
        figures.add(SCAN, level, Who::FloorClocks, used);
        sleep(PACE / 3);
        let used = timed(|| schedstat.scan().map(|_| ()))?;
        figures.add(SCAN, level, Who::FloorSchedstat, used);
        sleep(PACE / 3);
    }
    Ok(())
}

/// This process's CPU time in µs.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let pid = std::process::id();
    let before = cpu_time(pid)?;
    work()?;
    Ok(cpu_time(pid)?.saturating_sub(before).as_secs_f64() * 1e6)
}
