//! socktop-agent: reads its settings and serves until it is told to stop.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Parser;
use socktop_agent::cli::Args;
use socktop_agent::config::Config;
use socktop_agent::{logging, run};

fn main() -> ExitCode {
    let args = Args::parse();
    match start(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("socktop-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: &Args) -> Result<()> {
    let config = Config::load(args, |name| std::env::var(name).ok())?;
    logging::start(config.log_level);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| anyhow!("starting the runtime: {error}"))?;
    let served = runtime.block_on(run::run(&config));
    // A call that hangs in the kernel must not keep the process.
    runtime.shutdown_background();
    served
}
