//! socktop-agent: reads its settings and serves until it is told to stop.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Parser;
use socktop_agent::cli::Args;
use socktop_agent::config::{Config, LogLevel};
use socktop_agent::{activation, logging, run};

fn main() -> ExitCode {
    let args = Args::parse();
    match start(&args) {
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
