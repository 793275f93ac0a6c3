//! socktop: reads its command line and shows a host.

use std::process::ExitCode;

use clap::Parser;
use socktop::cli::Cli;
use socktop::run::{complain, start};
use socktop::runtime::runtime;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format_args!("starting the runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(start(&cli));
    // A name that does not resolve, or a file system that hangs, must not keep the process.
    runtime.shutdown_background();
    match outcome {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}
