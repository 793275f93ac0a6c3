//! socktop-bench: see bench/README.md.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use socktop_bench::process_load::{self, ProcessLoad};
use socktop_bench::requests::Effort;
use socktop_bench::results::{Results, Who};
use socktop_bench::targets::{OWN, PLUS_1000, PLUS_5000};
use socktop_bench::{
    clients, connections, instructions, machine, report, requests, scan, sizes, wakeups,
};

/// Measures what both programs cost, beside others that do the same.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare everything, and print tables
    Compare(Compare),
    /// Count user instructions per request. As root
    Instructions(Instructions),
    /// Be the parent of processes until the input ends
    #[command(hide = true)]
    ProcessLoad { asleep: usize, waking: usize },
    /// Wake once a second
    #[command(hide = true)]
    Wake,
}

#[derive(Debug, clap::Args)]
struct Compare {
    /// One short round: to see that everything works
    #[arg(long)]
    short: bool,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Only these parts
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Write benchmarks.md and benchmarks.json into this folder, too
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// CPU time and bytes per request
    Requests,
    /// System calls per request
    Calls,
    /// Resident memory
    Memory,
    /// Wakeups of idle agents
    Wakeups,
    /// Sizes of the programs
    Sizes,
    /// CPU time of clients and their agents, and bytes on the wire
    Clients,
    /// Bytes that clients write to the terminal
    Terminal,
    /// The scan of all processes and its floor
    Scan,
    /// User instructions
    Instructions,
}

#[derive(Debug, clap::Args)]
struct Instructions {
    /// Fail where one has grown beyond the tolerance of this file
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Write what was counted into this file
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    update: Option<PathBuf>,
    /// Count the published agent, too
    #[arg(long)]
    published: bool,
    /// Leave callgrind's files in this folder
    #[arg(long, value_name = "FOLDER")]
    profiles: Option<PathBuf>,
    /// Write the results into this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// This is the namespace
    #[arg(long, hide = true)]
    inside: bool,
}

fn main() -> Result<()> {
    let measures =
        |command: &Command| matches!(command, Command::Compare(_) | Command::Instructions(_));
    let arguments = Args::parse();
    if measures(&arguments.command) {
        // Without it, programs would be built and measured as developers build them.
        ensure!(
            std::env::var_os("SOCKTOP_BIN").is_some(),
            "SOCKTOP_BIN names no folder with release builds: run bench/run or bench/instructions"
        );
    }
    match arguments.command {
        Command::Compare(arguments) => compare(&arguments),
        Command::Instructions(arguments) if arguments.inside => count(&arguments),
        Command::Instructions(_) => {
            let arguments: Vec<_> = std::env::args().skip(2).collect();
            instructions::in_namespace(&arguments)
        }
        Command::ProcessLoad { asleep, waking } => process_load::parent(asleep, waking),
        Command::Wake => {
            process_load::wake();
            Ok(())
        }
    }
}

fn count(arguments: &Instructions) -> Result<()> {
    let mut agents = vec![Who::Ours, Who::OursText];
    if arguments.published {
        agents.push(Who::Published);
    }
    let mut figures = Results::default();
    instructions::count(&mut figures, &agents, arguments.profiles.as_deref())?;
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_vec(&figures)?)?;
    }
    if let Some(file) = &arguments.update {
        instructions::update(&figures, file)?;
    }
    match &arguments.check {
        Some(file) => instructions::check(&figures, file),
        None => Ok(()),
    }
}

/// How much of everything.
struct Amount {
    rounds: u32,
    requests: Effort,
    calls: Effort,
    idle: Duration,
    watch: Duration,
    graphs: Duration,
    scans: u32,
}

impl Amount {
    fn of(arguments: &Compare) -> Self {
        if arguments.short {
            return Self {
                rounds: 1,
                requests: Effort {
                    uncached: 8,
                    cached: 200,
                },
                calls: Effort {
                    uncached: 5,
                    cached: 200,
                },
                idle: Duration::from_secs(5),
                watch: Duration::from_secs(10),
                graphs: Duration::from_secs(10),
                scans: 4,
            };
        }
        Self {
            rounds: arguments.rounds,
            requests: Effort {
                uncached: 15,
                cached: 1000,
            },
            calls: Effort {
                uncached: 10,
                cached: 1000,
            },
            idle: Duration::from_secs(10),
            watch: Duration::from_secs(20),
            // bottom's show a minute.
            graphs: Duration::from_secs(65),
            scans: 10,
        }
    }
}

fn compare(arguments: &Compare) -> Result<()> {
    let amount = Amount::of(arguments);
    let wants = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let machine = machine::describe();
    let mut figures = Results::default();
    for (level, more) in [(OWN, 0), (PLUS_1000, 1000), (PLUS_5000, 5000)] {
        eprintln!("{level}");
        let _load = ProcessLoad::gather(more, true)?;
        for _ in 0..amount.rounds {
            if wants(Part::Requests) {
                requests::cpu(&mut figures, level, amount.requests)?;
            }
            if wants(Part::Clients) && level != PLUS_5000 {
                clients::at_default(&mut figures, level, amount.watch)?;
                clients::every_2_s(&mut figures, level, amount.watch)?;
            }
        }
        if wants(Part::Terminal) && level != PLUS_5000 {
            clients::terminal(&mut figures, level, amount.graphs, amount.watch)?;
        }
        if wants(Part::Scan) {
            scan::scan(&mut figures, level, amount.scans)?;
        }
        if wants(Part::Calls) && level != PLUS_5000 {
            requests::calls(&mut figures, level, amount.calls)?;
        }
    }
    if wants(Part::Memory) {
        for _ in 0..amount.rounds {
            connections::resident(&mut figures)?;
        }
    }
    if wants(Part::Wakeups) {
        wakeups::idle(&mut figures, amount.idle)?;
    }
    if wants(Part::Sizes) {
        sizes::sizes(&mut figures)?;
    }
    if wants(Part::Instructions) {
        figures.append(&counted_aside()?);
    }
    let text = report::markdown(&machine, &figures);
    if let Some(folder) = &arguments.save {
        save(folder, &text, &report::json(&machine, &figures))?;
    }
    println!("{text}");
    Ok(())
}

/// Instructions of our agent and the published one, counted in a namespace.
fn counted_aside() -> Result<Results> {
    let file = tempfile::NamedTempFile::new()?;
    let path = file.path().display().to_string();
    instructions::in_namespace(&["--published".to_owned(), "--json".to_owned(), path])?;
    Ok(serde_json::from_slice(&std::fs::read(file.path())?)?)
}

fn save(folder: &Path, text: &str, json: &serde_json::Value) -> Result<()> {
    let write = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("writing {}", path.display()))
    };
    std::fs::create_dir_all(folder)?;
    write("benchmarks.md", text)?;
    write("benchmarks.json", &serde_json::to_string_pretty(json)?)
}
