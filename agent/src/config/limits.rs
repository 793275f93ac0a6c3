//! `[limits]`: how many connections, requests and bytes clients may use, in total and each.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Bounds on what comes from the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, of everybody.
    pub connections: usize,
    /// Connections at once of one address: IPv4, or a /64 of IPv6.
    pub per_address: usize,
    /// Connections at once between their first byte and the answer to their request.
    pub handshakes: usize,
    /// How long a client may take for its first byte, again for its TLS handshake and again for its HTTP request.
    pub handshake_time: Duration,
    /// The largest head of an HTTP request, in bytes; 8192 at the least.
    pub header_bytes: usize,
    /// How long a conversation may go without a request. `None`: for ever.
    pub idle_session: Option<Duration>,
    /// The largest message and frame from a client, in bytes.
    pub message_bytes: usize,
    /// Native requests of one conversation that are answered at once.
    pub in_flight: usize,
    /// Requests a second of one address, all its conversations together; of one token four times as many. Twice as many
    /// at a stretch.
    pub requests_per_second: u32,
    /// Connections a second of one address; twice as many at a stretch.
    pub connections_per_second: u32,
    /// What may wait in the kernel for a client that reads slowly, in bytes of the kernel's memory.
    pub queued_bytes: usize,
    /// How long a client may take nothing of what is sent to it.
    pub send_time: Duration,
    /// Processes of journalctl at once.
    pub journal_readers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            per_address: 32,
            handshakes: 8,
            handshake_time: Duration::from_secs(5),
            header_bytes: 16 * 1024,
            idle_session: Some(Duration::from_mins(10)),
            message_bytes: 64 * 1024,
            in_flight: 8,
            requests_per_second: 100,
            connections_per_second: 50,
            queued_bytes: 64 * 1024,
            send_time: Duration::from_secs(10),
            journal_readers: 2,
        }
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Within<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Within<MIN, MAX> {
    fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    fn seconds(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        u32::try_from(number)
            .ok()
            .filter(|number| (MIN..=MAX).contains(number))
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("{number}: expected {MIN} to {MAX}")))
    }
}

/// A year of seconds: what is meant to be longer is meant to be never.
const YEAR: u32 = 31_536_000;

/// `[limits]` in one source of settings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsSettings {
    connections: Option<Within<1, 4096>>,
    per_address: Option<Within<1, 4096>>,
    handshakes: Option<Within<1, 256>>,
    handshake_seconds: Option<Within<1, 60>>,
    // hyper takes no less.
    header_bytes: Option<Within<8192, 65_536>>,
    /// 0 is for ever.
    idle_session_seconds: Option<Within<0, YEAR>>,
    message_bytes: Option<Within<1024, 1_048_576>>,
    in_flight: Option<Within<1, 64>>,
    requests_per_second: Option<Within<1, 10_000>>,
    connections_per_second: Option<Within<1, 10_000>>,
    queued_bytes: Option<Within<8192, 1_048_576>>,
    send_seconds: Option<Within<1, 600>>,
    journal_readers: Option<Within<1, 16>>,
}

impl LimitsSettings {
    /// Applies a stronger source over this one.
    pub(super) fn overlay(&mut self, stronger: &Self) {
        fn set<T: Copy>(weaker: &mut Option<T>, stronger: Option<T>) {
            if stronger.is_some() {
                *weaker = stronger;
            }
        }
        set(&mut self.connections, stronger.connections);
        set(&mut self.per_address, stronger.per_address);
        set(&mut self.handshakes, stronger.handshakes);
        set(&mut self.handshake_seconds, stronger.handshake_seconds);
        set(&mut self.header_bytes, stronger.header_bytes);
        set(
            &mut self.idle_session_seconds,
            stronger.idle_session_seconds,
        );
        set(&mut self.message_bytes, stronger.message_bytes);
        set(&mut self.in_flight, stronger.in_flight);
        set(&mut self.requests_per_second, stronger.requests_per_second);
        set(
            &mut self.connections_per_second,
            stronger.connections_per_second,
        );
        set(&mut self.queued_bytes, stronger.queued_bytes);
        set(&mut self.send_seconds, stronger.send_seconds);
        set(&mut self.journal_readers, stronger.journal_readers);
    }

    /// What the sources add up to.
    pub(super) fn resolve(&self) -> Limits {
        let defaults = Limits::default();
        Limits {
            connections: self.connections.map_or(defaults.connections, Within::size),
            per_address: self.per_address.map_or(defaults.per_address, Within::size),
            handshakes: self.handshakes.map_or(defaults.handshakes, Within::size),
            handshake_time: self
                .handshake_seconds
                .map_or(defaults.handshake_time, Within::seconds),
            header_bytes: self
                .header_bytes
                .map_or(defaults.header_bytes, Within::size),
            idle_session: self
                .idle_session_seconds
                .map_or(defaults.idle_session, |seconds| {
                    Some(seconds.seconds()).filter(|time| !time.is_zero())
                }),
            message_bytes: self
                .message_bytes
                .map_or(defaults.message_bytes, Within::size),
            in_flight: self.in_flight.map_or(defaults.in_flight, Within::size),
            requests_per_second: self
                .requests_per_second
                .map_or(defaults.requests_per_second, |Within(number)| number),
            connections_per_second: self
                .connections_per_second
                .map_or(defaults.connections_per_second, |Within(number)| number),
            queued_bytes: self
                .queued_bytes
                .map_or(defaults.queued_bytes, Within::size),
            send_time: self
                .send_seconds
                .map_or(defaults.send_time, Within::seconds),
            journal_readers: self
                .journal_readers
                .map_or(defaults.journal_readers, Within::size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Limits, String> {
        toml::from_str::<LimitsSettings>(text)
            .map(|settings| settings.resolve())
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn limits_have_defaults() {
        assert_eq!(parsed("").unwrap(), Limits::default());
    }

    #[test]
    fn every_limit_can_be_set() {
        let text = "connections = 1\nper_address = 2\nhandshakes = 3\nhandshake_seconds = 4\nheader_bytes = 8192\n\
                    idle_session_seconds = 6\nmessage_bytes = 1024\nin_flight = 8\nrequests_per_second = 9\n\
                    connections_per_second = 13\nqueued_bytes = 10240\nsend_seconds = 11\njournal_readers = 12";
        let wanted = Limits {
            connections: 1,
            per_address: 2,
            handshakes: 3,
            handshake_time: Duration::from_secs(4),
            header_bytes: 8192,
            idle_session: Some(Duration::from_secs(6)),
            message_bytes: 1024,
            in_flight: 8,
            requests_per_second: 9,
            connections_per_second: 13,
            queued_bytes: 10_240,
            send_time: Duration::from_secs(11),
            journal_readers: 12,
        };
        assert_eq!(parsed(text).unwrap(), wanted);
        let mut weaker: LimitsSettings = toml::from_str("connections = 5\nin_flight = 5").unwrap();
        weaker.overlay(&toml::from_str(text).unwrap());
        assert_eq!(weaker.resolve(), wanted);
        weaker.overlay(&LimitsSettings::default());
        assert_eq!(weaker.resolve(), wanted);
    }

    #[test]
    fn zero_idle_seconds_disable_the_limit() {
        assert_eq!(
            parsed("idle_session_seconds = 0").unwrap().idle_session,
            None
        );
    }

    #[test]
    fn value_out_of_range_is_refused_and_the_range_named() {
        for (text, range) in [
            ("connections = 0", "1 to 4096"),
            ("connections = 4097", "1 to 4096"),
            ("per_address = 0", "1 to 4096"),
            ("handshakes = 257", "1 to 256"),
            ("handshake_seconds = 0", "1 to 60"),
            ("header_bytes = 8191", "8192 to 65536"),
            ("idle_session_seconds = -1", "0 to 31536000"),
            ("message_bytes = 1023", "1024 to 1048576"),
            ("in_flight = 0", "1 to 64"),
            ("requests_per_second = 0", "1 to 10000"),
            ("connections_per_second = 0", "1 to 10000"),
            ("queued_bytes = 5000000000", "8192 to 1048576"),
            ("send_seconds = 0", "1 to 600"),
            ("journal_readers = 17", "1 to 16"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(range), "{text}: {error}");
        }
        assert!(parsed("connection = 1").is_err());
        assert!(parsed("connections = 1.5").is_err());
    }
}
