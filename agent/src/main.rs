//! socktop-agent: reads its settings and serves until it is told to stop.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Parser;
use socktop_agent::cli::{Args, Command, SetupArgs};
use socktop_agent::config::{Config, LogLevel};
use socktop_agent::{activation, logging, run, setup};

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.command {
        None => start(&args),
        Some(Command::Setup(args)) => set_up(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if logging::is_journal() {
                // With its priority; it does nothing where logging was started.
                logging::start(LogLevel::default());
                tracing::error!(event = "failed", "{error}");
            } else {
                eprintln!("socktop-agent: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn start(args: &Args) -> Result<()> {
    let passed = activation::take()?;
    let activated = !passed.is_empty();
    let load = || Config::load(args, activated, |name| std::env::var(name).ok());
    let config = load()?;
    logging::start(config.log_level);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| anyhow!("starting the runtime: {error}"))?;
    let served = runtime.block_on(run::run(config, passed, load));
    // A call that hangs in the kernel must not keep the process.
    runtime.shutdown_background();
    served
}

fn set_up(args: &SetupArgs) -> Result<()> {
    logging::start(LogLevel::default());
    if args.gpu {
        println!("{}", setup::allow_gpus(&args.root)?);
        return Ok(());
    }
    Ok(setup::run(&args.root)?)
}
