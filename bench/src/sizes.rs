//! The sizes of the programs' files.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use socktop_tests::{our_program, published_program};

use crate::process_load::which;
use crate::results::{Results, Who};

/// The measure.
pub const SIZE: &str = "stripped program, bytes";
/// The agents.
pub const AGENT: &str = "agent";
/// The clients.
pub const CLIENT: &str = "client";

/// Strips a copy of each program, and looks.
///
/// # Errors
/// When one is not there.
pub fn sizes(figures: &mut Results) -> Result<()> {
    let programs: [(&str, Who, PathBuf); 7] = [
        (AGENT, Who::Ours, our_program("socktop-agent")),
        (AGENT, Who::Published, published_program("socktop_agent")),
        (AGENT, Who::NodeExporter, which("prometheus-node-exporter")?),
        (CLIENT, Who::Ours, our_program("socktop")),
        (CLIENT, Who::Published, published_program("socktop")),
        (CLIENT, Who::Btop, which("btop")?),
        (CLIENT, Who::Bottom, which("btm")?),
    ];
    for (at, who, program) in programs {
        figures.add(SIZE, at, who, f64::from(stripped(&program)?));
    }
    Ok(())
}

fn stripped(program: &Path) -> Result<u32> {
    let copy = tempfile::NamedTempFile::new()?;
    let status = Command::new("strip")
        .args([Path::new("-o"), copy.path(), program])
        .status()
        .context("running strip, of binutils")?;
    ensure!(status.success(), "strip {}: {status}", program.display());
    // strip may have put another file in its place.
    Ok(u32::try_from(std::fs::metadata(copy.path())?.len())?)
}
