//! The daemon's life cycle: identity, sockets, notices for the user, serving, stopping.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use socktop_collect::watchdog;
use socktop_proto::pairing::Pairing;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::address::hostname;
use crate::address::zone::url_host_with_zone;
use crate::auth::token::Token;
use crate::config::{Config, ConfigError};
use crate::server::listen;
use crate::server::shared::Agent;
use crate::systemd::logging;
use crate::systemd::notify::{self, Notes};
use crate::tls::{Tls, TlsError};
use crate::transport::accept::{Ended, Server};

/// Serves until SIGTERM or SIGINT, or until the idle exit of `config`: on the sockets
/// that systemd `passed`, else on those that it binds. At SIGHUP it takes over what `reread` gives.
///
/// # Errors
/// Says what could not be had: the identity, a socket, a token.
pub async fn run(
    config: Config,
    passed: Vec<std::net::TcpListener>,
    reread: impl Fn() -> Result<Config, ConfigError>,
) -> Result<()> {
    let mut signals = Signals::watch()?;
    for problem in &config.problems {
        tracing::error!(event = "skipped", error = problem, "{problem}");
    }
    let activated = !passed.is_empty();
    let listeners = listeners(&config, passed)?;

    let hostname = hostname();
    let tls = load_tls(&config, &hostname)?;
    let mut tls_problem = None;
    if let Some(Tls {
        problem: Some(problem),
        ..
    }) = &tls
    {
        tracing::warn!(event = "skipped", error = problem, "{problem}");
        tls_problem = Some(problem.clone());
    }

    let tls_config = tls.as_ref().map(|tls| Arc::clone(&tls.config));
    let server = Server::new(&config, listeners, tls_config)?;
    let addresses = server.addresses();
    let scheme = if config.tls { "wss" } else { "ws" };
    let version = env!("CARGO_PKG_VERSION");
    let origin = if activated { " (systemd's socket)" } else { "" };
    let places: Vec<_> = addresses
        .iter()
        .map(|address| format!("{scheme}://{address}/ws{origin}"))
        .collect();
    tracing::info!(
        event = "start",
        "socktop-agent {version} listens on {}",
        places.join(" and ")
    );
    if config.access.no_token {
        tracing::warn!("no token is required: everyone who can reach the port has full access");
    }
    if let Some(token) = server.agent().gate().made_token() {
        show_token(token, &hostname, &addresses, tls.as_ref());
    }

    let agent = Arc::clone(server.agent());
    let clients = agent.clients().watch();
    let with_tls_problem = |mut problems: Vec<String>| {
        problems.extend(tls_problem.clone());
        problems
    };
    let problems = with_tls_problem(config.problems.clone());
    let notes = watch::Sender::new(Notes::new(&addresses, problems));
    notify::ready(&notes.borrow(), *clients.borrow());
    tokio::spawn(notify::report(clients, notes.subscribe()));

    watchdog::turn_on();
    let ended = server
        .serve(signals.stop(|| {
            notify::reloading();
            let problems = with_tls_problem(reload(&agent, reread(), &hostname));
            notes.send_modify(|notes| notes.problems = problems);
            notify::ready(&notes.borrow(), agent.clients().count());
        }))
        .await;
    if let Ended::Idle(time) = ended {
        let seconds = time.as_secs_f64();
        tracing::info!(
            event = "idle-exit",
            "no client was connected for {seconds} s: socktop-agent ends"
        );
    }
    notify::stopping();
    server.drain().await;
    Ok(())
}

/// Takes over settings that can change while clients are connected; where something cannot be used, which it
/// gives, nothing changes.
fn reload(agent: &Agent, reread: Result<Config, ConfigError>, hostname: &str) -> Vec<String> {
    let (read, problems) = match reread {
        Ok(config) if config.problems.is_empty() => match load_tls(&config, hostname) {
            Ok(tls) => (Some((config, tls)), Vec::new()),
            Err(error) => (None, vec![error.to_string()]),
        },
        Ok(config) => (None, config.problems),
        Err(error) => (None, vec![error.to_string()]),
    };
    if let Some((config, tls)) = read {
        logging::set_level(config.log_level);
        agent.apply(config, tls.map(|tls| tls.config));
        tracing::info!(event = "reload", "the settings were read anew");
    } else {
        for problem in &problems {
            tracing::error!(
                event = "skipped",
                error = problem,
                "the settings stay as they were: {problem}"
            );
        }
    }
    problems
}

/// The TLS settings; `None` where TLS is off.
fn load_tls(config: &Config, hostname: &str) -> Result<Option<Tls>, TlsError> {
    // Where the access rules are invalid no certificate is requested: clients get the reason by HTTP.
    let client_ca = config.access.client_ca.as_ref();
    let load = || {
        Tls::load(
            &config.credentials,
            client_ca,
            hostname,
            &config.extra_names,
        )
    };
    config.tls.then(load).transpose()
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Not watched for where it says that the terminal is gone.
    hang_up: Option<Signal>,
}

impl Signals {
    fn watch() -> Result<Self> {
        let hang_up = (!std::io::stderr().is_terminal())
            .then(|| watch(SignalKind::hangup()))
            .transpose()?;
        Ok(Self {
            terminate: watch(SignalKind::terminate())?,
            interrupt: watch(SignalKind::interrupt())?,
            hang_up,
        })
    }

    /// Waits for a signal to stop, calling `reload` at each SIGHUP.
    async fn stop(&mut self, reload: impl Fn()) {
        let name = loop {
            let hang_up = async {
                match &mut self.hang_up {
                    Some(hang_up) => hang_up.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.terminate.recv() => break "SIGTERM",
                _ = self.interrupt.recv() => break "SIGINT",
                _ = hang_up => reload(),
            }
        };
        tracing::info!(event = "stop", "{name}: socktop-agent ends");
    }
}

fn watch(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| anyhow!("watching for signals: {error}"))
}

fn listeners(config: &Config, passed: Vec<std::net::TcpListener>) -> Result<Vec<TcpListener>> {
    if passed.is_empty() {
        return Ok(listen::bind(&config.listen, config.listen_is_explicit)?);
    }
    let listeners = listen::take_over(passed)
        .map_err(|error| anyhow!("watching the sockets from systemd: {error}"))?;
    if !config.listen_is_default && listen::differ(&listeners, &config.listen) {
        let unused: Vec<_> = config.listen.iter().map(ToString::to_string).collect();
        tracing::warn!(
            "the settings name {}, but systemd's socket unit decides where to listen: change its ListenStream=",
            unused.join(" and ")
        );
    }
    Ok(listeners)
}

/// Prints what to connect with. To standard error, beside the log: a token is never logged.
fn show_token(token: &Token, hostname: &str, addresses: &[SocketAddr], tls: Option<&Tls>) {
    if logging::is_journal() {
        tracing::warn!(
            "no token is set, so only clients on this machine are admitted: set one with --token-file, \
             SOCKTOP_TOKEN or LoadCredential=token:FILE"
        );
        return;
    }
    let Some(address) = addresses.iter().find(|address| !address.ip().is_loopback()) else {
        return;
    };
    let host = if address.ip().is_unspecified() {
        hostname.to_owned()
    } else {
        url_host_with_zone(*address)
    };
    let port = address.port();
    let how = match tls.map(|tls| tls.identity.pin()) {
        Some(Ok(pin)) => {
            let pairing = Pairing {
                host,
                port,
                pin,
                token: Some(token.reveal().to_owned()),
                name: Some(hostname.to_owned()),
            };
            format!("run 'socktop add' and give it this line:\n\n    {pairing}")
        }
        // A certificate that is in use can be read.
        Some(Err(_)) | None => format!(
            "connect with\n\n    SOCKTOP_TOKEN={} socktop ws://{host}:{port}/ws",
            token.reveal()
        ),
    };
    // A closed standard error is no reason not to serve.
    let _ = writeln!(
        std::io::stderr(),
        "No token is set, so one was made for this run. On another machine {how}\n\n\
         Set one with --token-file or SOCKTOP_TOKEN; --no-token lets everyone in.\n",
    );
}
