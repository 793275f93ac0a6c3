//! The types of single settings, and the values that each accepts.

use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::ConfigError;
use crate::address::zone;

/// An address to serve on, its port optional. A link-local one has the zone that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    pub(super) ip: IpAddr,
    pub(super) zone: Option<String>,
    pub(super) port: Option<u16>,
}

impl ListenAddress {
    /// The address with its port, else `default_port`. This host has to have the interface that its zone names.
    pub(super) fn resolve(&self, default_port: u16) -> Result<SocketAddr, ConfigError> {
        let port = self.port.unwrap_or(default_port);
        let (IpAddr::V6(ip), Some(zone)) = (self.ip, &self.zone) else {
            return Ok(SocketAddr::new(self.ip, port));
        };
        let index = zone::index(zone).map_err(|source| ConfigError::Zone {
            address: format!("{ip}%{zone}"),
            zone: zone.clone(),
            source,
        })?;
        Ok(SocketAddrV6::new(ip, port, 0, index).into())
    }

    /// The address, where it has a port and this host the interface of its zone.
    pub(crate) fn with_port(&self) -> Option<SocketAddr> {
        self.resolve(self.port?).ok()
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| {
            "expected an address such as 192.0.2.1, 0.0.0.0:3000 or [::]:3000, a link-local one with its interface: \
             [fe80::1%eth0]:3000"
                .to_owned()
        })
    }
}

impl ListenAddress {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
            // Of IPv6 without brackets there is no port.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = port.map(str::parse).transpose().ok()?;
        let (ip, zone) = match host.split_once('%') {
            Some((ip, zone)) => (ip.parse().ok()?, Some(zone.to_owned())),
            None => (host.parse().ok()?, None),
        };
        // These have a zone and no other address has one.
        let is_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
        let has_zone = zone.as_ref().is_some_and(|zone| !zone.is_empty());
        (is_local == has_zone).then_some(Self { ip, zone, port })
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_str(deserializer)
    }
}

/// How much to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevel(pub tracing::Level);

impl Default for LogLevel {
    fn default() -> Self {
        Self(tracing::Level::INFO)
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| "expected error, warn, info, debug or trace".to_owned())
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_str(deserializer)
    }
}

fn deserialize_str<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|error: T::Err| serde::de::Error::custom(format!("{text:?}: {error}")))
}

/// How long the agent stays without clients before it exits; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdleExit(pub(super) Option<Duration>);

impl IdleExit {
    /// Less would end an agent between two connections of one client.
    const SHORTEST_SECONDS: f64 = 0.05;
    /// A year: what is meant to be longer is meant to be never.
    const LONGEST_SECONDS: f64 = 31_536_000.0;
}

impl<'de> Deserialize<'de> for IdleExit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if seconds == 0.0 {
            Ok(Self(None))
        } else if (Self::SHORTEST_SECONDS..=Self::LONGEST_SECONDS).contains(&seconds) {
            Ok(Self(Some(Duration::from_secs_f64(seconds))))
        } else {
            Err(serde::de::Error::custom(format!(
                "{seconds} seconds: expected {} to {}, or 0 for never",
                Self::SHORTEST_SECONDS,
                Self::LONGEST_SECONDS
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_link_local_addresses_have_a_zone() {
        for (text, port) in [
            ("fe80::1%lo", 3000),
            ("[fe80::1%lo]", 3000),
            ("[fe80::1%1]:8443", 8443),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            let SocketAddr::V6(resolved) = address.resolve(3000).unwrap() else {
                panic!("{text} is IPv6");
            };
            assert_eq!((resolved.port(), resolved.scope_id()), (port, 1), "{text}");
        }
        for text in [
            "fe80::1",
            "[fe80::1]:3000",
            "fe80::1%",
            "fd99::1%lo",
            "192.0.2.1%lo",
            "[fe80::1%lo",
            "[::1]3000",
            "[::1]:",
            "192.0.2.1:66000",
            "[192.0.2.1%lo]:1",
        ] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_interface_that_is_missing_is_named() {
        let address: ListenAddress = "[fe80::1%no-such-if0]:3000".parse().unwrap();
        let error = address.resolve(1).unwrap_err().to_string();
        assert!(error.contains("fe80::1%no-such-if0"), "{error}");
        assert!(error.contains("interface no-such-if0"), "{error}");
    }
}
