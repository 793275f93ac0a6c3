//! `socktop-agent pair`: prints the pairing line with the host's address, its key and a token.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use socktop_proto::pairing::{Pairing, Pin};

use super::{AdminError, address, service};
use crate::address::zone::url_host_with_zone;
use crate::address::{hostname, url_host};
use crate::admin::host_files::{HostFiles, TokenFileError};
use crate::auth::token_file::{DEFAULT_NAME, NamedToken, Tokens};
use crate::config::{self, TLS_PORT};

/// What the line is to say where the host's own answer would not do.
#[derive(Debug, Clone, Default)]
pub struct PairOptions {
    /// The name or address by which the client reaches this host.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The name of the token.
    pub token: Option<String>,
}

/// The line for this host, whose files are below `root`.
///
/// # Errors
/// Where there is no identity or no such token, or they may not be read; where no client could reach the agent.
pub fn pair(root: &Path, options: &PairOptions) -> Result<Pairing, AdminError> {
    let etc = HostFiles::below(root);
    // The lock keeps others from changing the files meanwhile; temporary files of a killed run are removed.
    let _lock = etc.lock();
    let tokens = Tokens::read(&etc.token).map_err(TokenFileError::from)?;
    let name = options.token.as_deref().unwrap_or(DEFAULT_NAME);
    let named = match (&options.token, tokens.get(name)) {
        (_, Some(named)) => Some(named),
        // Where none has the default's name, the first one serves as well.
        (None, None) => tokens.iter().next(),
        (Some(_), None) => None,
    };
    let named = named.ok_or_else(|| unknown(name, &tokens))?;
    line(root, &etc, named, options)
}

/// The line with a token that is known.
pub(super) fn line(
    root: &Path,
    etc: &HostFiles,
    named: &NamedToken,
    options: &PairOptions,
) -> Result<Pairing, AdminError> {
    let (settings, problems) = config::of_host(&etc.settings, |_| None);
    for problem in problems {
        tracing::warn!("{problem}");
    }
    if !settings.tls {
        return Err(AdminError::NoTls {
            settings: etc.settings.clone(),
        });
    }
    let mut listens = Vec::new();
    if is_this_system(root) {
        listens = service::listens();
        if !service::is_listening() {
            tracing::warn!(
                "clients cannot connect yet: the port is not open; systemctl enable --now socktop-agent.socket opens it"
            );
        }
    }
    Ok(Pairing {
        host: host(root, options, &listens)?,
        port: options
            .port
            .or_else(|| listens.first().map(SocketAddr::port))
            .unwrap_or(TLS_PORT),
        pin: pin(etc)?,
        token: Some(named.token.reveal().to_owned()),
        name: Some(hostname()),
    })
}

pub(super) fn unknown(name: &str, tokens: &Tokens) -> AdminError {
    let known: Vec<_> = tokens.iter().map(|named| named.name.as_str()).collect();
    AdminError::UnknownToken {
        name: name.to_owned(),
        known: known.join(", "),
    }
}

/// The pin of the identity that the service uses.
pub(super) fn pin(etc: &HostFiles) -> Result<Pin, AdminError> {
    let failed = |source| AdminError::Identity {
        folder: etc.tls.clone(),
        source,
    };
    let chosen = etc.pairs().choose(None).map_err(failed)?;
    if let Some(problem) = chosen.problem {
        tracing::warn!("{problem}");
    }
    chosen.identity.pin().map_err(failed)
}

/// Whether `root` is that of the system that runs.
pub(super) fn is_this_system(root: &Path) -> bool {
    root == Path::new("/")
}

fn host(root: &Path, options: &PairOptions, listens: &[SocketAddr]) -> Result<String, AdminError> {
    if let Some(host) = &options.host {
        // An IPv6 address may be given bare, as everywhere.
        return Ok(host.parse().map_or_else(|_| host.clone(), url_host));
    }
    let all = listens.is_empty() || listens.iter().any(|address| address.ip().is_unspecified());
    if all {
        return Ok(address::reachable(&root.join("proc")).map_or_else(hostname, url_host));
    }
    let is_local =
        |address: &SocketAddr| matches!(address.ip(), IpAddr::V6(ip) if ip.is_unicast_link_local());
    let reachable = || listens.iter().filter(|address| !address.ip().is_loopback());
    let address = reachable()
        .find(|address| !is_local(address))
        .or_else(|| reachable().next())
        .ok_or(AdminError::LoopbackOnly)?;
    let host = url_host_with_zone(*address);
    if is_local(address) {
        tracing::warn!(
            "{host} has the name of this host's interface: where the client's has another name, say so with --host \
             {}%INTERFACE",
            address.ip()
        );
    }
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(host: Option<&str>, listens: &[&str]) -> Option<String> {
        let options = PairOptions {
            host: host.map(str::to_owned),
            ..PairOptions::default()
        };
        let listens: Vec<_> = listens
            .iter()
            .map(|address| address.parse().unwrap())
            .collect();
        super::host(Path::new("/nonexistent"), &options, &listens).ok()
    }

    #[test]
    fn host_is_the_given_one_or_the_listening_address() {
        let some = |host: &str| Some(host.to_owned());
        assert_eq!(hosts(Some("pi4.lan"), &["[::]:1"]), some("pi4.lan"));
        assert_eq!(hosts(Some("fd99::2"), &[]), some("[fd99::2]"));
        assert_eq!(hosts(None, &["[::1]:1", "192.0.2.7:1"]), some("192.0.2.7"));
        assert_eq!(hosts(None, &["127.0.0.1:1"]), None);
        // Interface 1 is lo. Another address is better than one that needs an interface.
        let local = "[fe80::1%1]:1";
        assert_eq!(hosts(None, &[local]), some("[fe80::1%lo]"));
        assert_eq!(hosts(None, &[local, "192.0.2.7:1"]), some("192.0.2.7"));
        assert_eq!(hosts(Some("fe80::1%eth7"), &[local]), some("fe80::1%eth7"));
        assert!(hosts(None, &["[::]:8443"]).is_some());
    }
}
