//! The life of the daemon: identity, sockets, what the user must know, serving, stopping.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Result, anyhow};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::identity::Identity;
use crate::serve::Server;
use crate::token::Token;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Says what could not be had: the identity, a socket, a token.
pub async fn run(config: &Config) -> Result<()> {
    let mut terminate = watch(SignalKind::terminate())?;
    let mut interrupt = watch(SignalKind::interrupt())?;

    let hostname = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let identity = config
        .tls
        .then(|| Identity::in_data_folder(|name| std::env::var(name).ok()))
        .transpose()?;
    let tls = match &identity {
        Some(identity) => {
            identity.ensure(&hostname, &config.extra_names)?;
            Some(identity.server_config()?)
        }
        None => None,
    };

    let server = Server::bind(config, tls)?;
    let scheme = if config.tls { "wss" } else { "ws" };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "socktop-agent starts");
    for address in server.addresses() {
        tracing::info!("listening on {scheme}://{address}/ws");
    }
    if config.access.no_token {
        tracing::warn!("no token is asked for: whoever can reach the port sees everything");
    }
    if let Some(token) = server.gate().made_token() {
        show_token(
            token,
            &hostname,
            scheme,
            &server.addresses(),
            identity.as_ref(),
        );
    }

    server
        .run(async {
            let signal = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!(signal, "socktop-agent stops");
        })
        .await;
    Ok(())
}

fn watch(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| anyhow!("watching for a signal to stop: {error}"))
}

/// Prints the line to connect with. To standard error, beside the log: a token is never logged.
fn show_token(
    token: &Token,
    hostname: &str,
    scheme: &str,
    addresses: &[SocketAddr],
    identity: Option<&Identity>,
) {
    let Some(address) = addresses.iter().find(|address| !address.ip().is_loopback()) else {
        return;
    };
    let host = if address.ip().is_unspecified() {
        format!("{hostname}:{}", address.port())
    } else {
        address.to_string()
    };
    let (trust, copy) = match identity {
        Some(Identity { certificate, .. }) => (
            "--tls-ca cert.pem ",
            format!(
                "where cert.pem is a copy of this machine's {}\n\n",
                certificate.display()
            ),
        ),
        None => ("", String::new()),
    };
    // A closed standard error is no reason not to serve.
    let _ = writeln!(
        std::io::stderr(),
        "No token is set, so one was made for this run. From another machine connect with\n\n    \
         SOCKTOP_TOKEN={} socktop {trust}{scheme}://{host}/ws\n\n{copy}\
         Set one with --token-file or SOCKTOP_TOKEN; --no-token lets everyone in.\n",
        token.reveal(),
    );
}
