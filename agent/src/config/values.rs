//! What a single setting may say.

use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// An address to serve on, its port optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress {
    pub(super) ip: IpAddr,
    pub(super) port: Option<u16>,
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self {
                ip: address.ip(),
                port: Some(address.port()),
            });
        }
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        match bare.parse() {
            Ok(ip) => Ok(Self { ip, port: None }),
            Err(_) => {
                Err("want an address such as 192.0.2.1, 0.0.0.0:3000 or [::]:3000".to_owned())
            }
        }
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
            .map_err(|_| "want error, warn, info, debug or trace".to_owned())
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

/// For how long nobody may be connected before the agent exits; none is for ever.
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
                "{seconds} seconds: want {} to {}, or 0 for never",
                Self::SHORTEST_SECONDS,
                Self::LONGEST_SECONDS
            )))
        }
    }
}
