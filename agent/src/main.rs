//! socktop-agent: serves until it is stopped, or runs one of the admin's commands.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Parser;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use socktop_agent::admin::{self, PairOptions, QrError, setup};
use socktop_agent::cli::{Args, Command, LineArgs, PairArgs, RootArg, SetupArgs, TokenCommand};
use socktop_agent::config::{Config, LogLevel};
use socktop_agent::daemon;
use socktop_agent::systemd::{logging, socket_activation};
use socktop_proto::pairing::Pairing;

fn main() -> ExitCode {
    // It holds tokens and a private key: no core dump has them, and no other process of the same user can read them.
    // It fails only where the kernel knows no such thing.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let args = Args::parse();
    let done = match &args.command {
        None => start(&args),
        Some(Command::Setup(args)) => set_up(args),
        Some(Command::Pair(args)) => pair(args),
        Some(Command::Fingerprint(RootArg { root })) => fingerprint(root),
        Some(Command::Token(command)) => token(command),
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
    let passed = socket_activation::take()?;
    let activated = !passed.is_empty();
    let overrides = args.overrides();
    let load = || Config::load(&overrides, activated, |name| std::env::var(name).ok());
    let config = load()?;
    logging::start(config.log_level);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| anyhow!("starting the runtime: {error}"))?;
    let served = runtime.block_on(daemon::run(config, passed, load));
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

fn pair(args: &PairArgs) -> Result<()> {
    logging::start(LogLevel::default());
    let options = PairOptions {
        token: args.token.clone(),
        ..options(&args.line)
    };
    let pairing = admin::pair(&args.system.root, &options)?;
    show(&pairing)?;
    if args.qr {
        print(&qr_code(&pairing)?)?;
    }
    Ok(())
}

fn fingerprint(root: &Path) -> Result<()> {
    logging::start(LogLevel::default());
    print(&format!("{}\n", admin::fingerprint(root)?))
}

fn token(command: &TokenCommand) -> Result<()> {
    logging::start(LogLevel::default());
    match command {
        TokenCommand::Add {
            name,
            rights,
            line,
            system,
        } => {
            let pairing = admin::add_token(&system.root, name, *rights, &options(line))?;
            show(&pairing)
        }
        TokenCommand::List(RootArg { root }) => print(&admin::list_tokens(root)?),
        TokenCommand::Revoke { name, system } => Ok(admin::revoke_token(&system.root, name)?),
    }
}

fn options(line: &LineArgs) -> PairOptions {
    PairOptions {
        host: line.host.clone(),
        port: line.port,
        token: None,
    }
}

/// Prints a pairing line; and to a person, not to a pipe, what to do with it.
fn show(pairing: &Pairing) -> Result<()> {
    print(&format!("{pairing}\n"))?;
    if io::stdout().is_terminal() {
        eprintln!(
            "\nAnyone who has this line can connect. On the other machine run 'socktop add', and give it the line."
        );
    }
    Ok(())
}

fn qr_code(pairing: &Pairing) -> Result<String> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).map_err(|_| QrError::NoTerminal)?;
    // locale(7): the first of these that is set decides.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    if !locale.contains("utf-8") && !locale.contains("utf8") {
        return Err(QrError::NoTerminal.into());
    }
    let (columns, rows) = (size.ws_col.into(), size.ws_row.into());
    Ok(admin::qr_code(&pairing.to_string(), columns, rows)?)
}

fn print(text: &str) -> Result<()> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| anyhow!("writing to standard output: {error}"))
}
