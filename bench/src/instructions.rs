//! User instructions per request, counted by callgrind: a measure that does not depend on the machine's load.
//!
//! The agent runs in a PID namespace of its own with 1,000 sleeping processes, so that its list is always as
//! long. Callgrind writes what was counted before the requests and after them; the second is theirs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use socktop_proto::Query;

use crate::agents::{Agent, Sharing};
use crate::process_load::ProcessLoad;
use crate::results::{Results, Who, number};

/// The measure.
pub const INSTRUCTIONS: &str = "user instructions per request, 1,000 processes";

/// Processes in the list, beside the agent and its bench.
const PROCESSES: usize = 1000;

/// Cached requests.
const CACHED: u32 = 200;

/// Uncached requests, and the time between them. In 16 s every fourth process or so is read anew, the same ones each time.
const UNCACHED: u32 = 16;
const PACE: Duration = Duration::from_secs(1);

/// What is asked: how it is called, shared, and what.
const CASES: [(&str, Sharing, Query); 4] = [
    ("cached metrics", Sharing::Forever, Query::Metrics),
    ("cached processes", Sharing::Forever, Query::Processes),
    ("uncached metrics", Sharing::Off, Query::Metrics),
    ("uncached processes", Sharing::Off, Query::Processes),
];

/// Runs this program's `instructions` with `arguments` in a PID namespace of its own. As root.
///
/// # Errors
/// When it fails there.
pub fn in_namespace(arguments: &[String]) -> Result<()> {
    let status = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"])
        .arg(std::env::current_exe()?)
        .args(["instructions", "--inside"])
        .args(arguments)
        .status()
        .context("running unshare")?;
    ensure!(status.success(), "counting instructions failed: {status}");
    Ok(())
}

/// Counts each case of each of `agents`. Callgrind's files are left in `profiles`, one for each case.
///
/// # Errors
/// When an agent does not run under callgrind.
pub fn count(figures: &mut Results, agents: &[Who], profiles: Option<&Path>) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let _load = ProcessLoad::gather(PROCESSES, false)?;
    for &who in agents {
        for sharing in [Sharing::Forever, Sharing::Off] {
            let folder = scratch.path().join(file_name(who, &format!("{sharing:?}")));
            fs::create_dir(&folder)?;
            let counted = Counted::start(who, sharing, &folder)?;
            for (at, _, query) in CASES.iter().filter(|(_, shared, _)| *shared == sharing) {
                let (total, file) = counted.ask(*query)?;
                figures.add(INSTRUCTIONS, at, who, total);
                if let Some(profiles) = profiles {
                    let name = file_name(who, at) + ".callgrind";
                    fs::create_dir_all(profiles)?;
                    fs::copy(file, profiles.join(name))?;
                }
            }
            counted.agent.end();
        }
    }
    Ok(())
}

/// A name without what `callgrind_control` takes apart.
fn file_name(who: Who, at: &str) -> String {
    format!("{} {at}", who.label()).replace([' ', ',', '.'], "-")
}

/// An agent under callgrind.
struct Counted<'a> {
    agent: Agent,
    sharing: Sharing,
    folder: &'a Path,
}

impl<'a> Counted<'a> {
    fn start(who: Who, sharing: Sharing, folder: &'a Path) -> Result<Self> {
        let wrapper = [
            "valgrind".to_owned(),
            "--tool=callgrind".to_owned(),
            format!("--callgrind-out-file={}", folder.join("out").display()),
            vgdb_prefix(folder),
        ];
        let agent = Agent::start_below(&wrapper, who, sharing)?;
        Ok(Self {
            agent,
            sharing,
            folder,
        })
    }

    /// Instructions per request, and callgrind's file.
    fn ask(&self, query: Query) -> Result<(f64, PathBuf)> {
        let (count, pace) = match self.sharing {
            Sharing::Off => (UNCACHED, PACE),
            _ => (CACHED, Duration::ZERO),
        };
        let mut talk = self.agent.talk()?;
        // The first ones open files, ask for names of users, and fill the cache.
        for _ in 0..3 {
            talk.check(query)?;
            sleep(Duration::from_millis(300));
        }
        self.dump()?;
        for _ in 0..count {
            talk.ask(query)?;
            sleep(pace);
        }
        let file = self.dump()?;
        let text = fs::read_to_string(&file)?;
        let total = total(&text).context("no totals in callgrind's file")?;
        Ok((total / f64::from(count), file))
    }

    /// Makes callgrind write what it has counted since the last time, and gives the file.
    fn dump(&self) -> Result<PathBuf> {
        let known = self.dumps()?;
        let output = Command::new("callgrind_control")
            .arg(vgdb_prefix(self.folder))
            .arg("--dump=bench")
            .arg(self.agent.pid().to_string())
            .output()
            .context("running callgrind_control")?;
        let new = self.dumps()?.into_iter().find(|file| !known.contains(file));
        new.with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("callgrind wrote nothing: {said}{}", self.agent.log())
        })
    }

    fn dumps(&self) -> Result<Vec<PathBuf>> {
        let files = fs::read_dir(self.folder)?.flatten().map(|file| file.path());
        Ok(files
            .filter(|file| file.file_stem().is_some_and(|stem| stem == "out"))
            .collect())
    }
}

/// Where valgrind is talked to. Another one outside the namespace may have the same process id.
fn vgdb_prefix(folder: &Path) -> String {
    format!("--vgdb-prefix={}", folder.join("vgdb").display())
}

/// All instructions of a file of callgrind's.
fn total(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok()
}

/// What was committed.
#[derive(Debug, Deserialize)]
struct Baselines {
    tolerance_percent: f64,
    instructions: BTreeMap<String, f64>,
}

/// The names of what is compared.
fn named(figures: &Results) -> BTreeMap<String, f64> {
    let ours = figures.all().iter().filter(|figure| {
        // Metrics that are read anew are as many as the machine has CPUs, interfaces and sensors.
        matches!(figure.who, Who::Ours | Who::OursText) && figure.at != "uncached metrics"
    });
    ours.map(|figure| {
        (
            format!("{}: {}", figure.who.label(), figure.at),
            figure.median,
        )
    })
    .collect()
}

/// Compares with what was committed in `file`.
///
/// # Errors
/// When something costs more than that and the tolerance, or less: says what to do.
pub fn check(figures: &Results, file: &Path) -> Result<()> {
    let baselines: Baselines = toml::from_str(&fs::read_to_string(file)?)
        .with_context(|| format!("reading {}", file.display()))?;
    let mut over = Vec::new();
    for (name, counted) in named(figures) {
        let Some(&before) = baselines.instructions.get(&name) else {
            over.push(format!("{name} is not in the file"));
            continue;
        };
        let percent = (counted / before - 1.0) * 100.0;
        println!(
            "{name}: {} instead of {} ({percent:+.1} %)",
            number(counted),
            number(before)
        );
        if percent > baselines.tolerance_percent {
            over.push(format!("{name} costs {percent:.1} % more"));
        }
    }
    if !over.is_empty() {
        bail!(
            "{}: more than {} allows. Where that is meant, run bench/instructions --update and commit the file",
            over.join("; "),
            file.display()
        );
    }
    Ok(())
}

/// Writes `file` anew, with the tolerance that stands in it.
///
/// # Errors
/// When it cannot be read or written.
pub fn update(figures: &Results, file: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let (head, _) = text
        .split_once("[instructions]")
        .context("the file has no [instructions]")?;
    let mut text = format!("{head}[instructions]\n");
    for (name, counted) in named(figures) {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name:?} = {counted:.0}");
    }
    fs::write(file, text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_above_its_limit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("instructions.toml");
        fs::write(&file, "# why\ntolerance_percent = 10\n\n[instructions]\n").unwrap();
        let mut figures = Results::default();
        figures.add(INSTRUCTIONS, "cached metrics", Who::Ours, 1000.0);
        figures.add(INSTRUCTIONS, "cached metrics", Who::Published, 9000.0);
        update(&figures, &file).unwrap();
        check(&figures, &file).unwrap();
        assert!(fs::read_to_string(&file).unwrap().starts_with("# why\n"));

        let mut figures = Results::default();
        figures.add(INSTRUCTIONS, "cached metrics", Who::Ours, 1099.0);
        check(&figures, &file).unwrap();
        figures.add(INSTRUCTIONS, "cached processes", Who::Ours, 1.0);
        let error = check(&figures, &file).unwrap_err().to_string();
        assert!(
            error.starts_with("ours: cached processes is not"),
            "{error}"
        );

        let mut figures = Results::default();
        figures.add(INSTRUCTIONS, "cached metrics", Who::Ours, 1101.0);
        let error = check(&figures, &file).unwrap_err().to_string();
        assert!(
            error.starts_with("ours: cached metrics costs 10.1 % more"),
            "{error}"
        );
    }

    #[test]
    fn the_total_is_found() {
        assert_eq!(total("events: Ir\n1 2\n\ntotals: 123\n"), Some(123.0));
    }
}
