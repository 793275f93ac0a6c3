//! Client networks: the unit that limits count by, an IPv4 address or an IPv6 /64 prefix.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One client's address: of IPv6 the /64, which is what one host is given and can pick addresses from at will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ClientNetwork {
    /// An address of IPv4.
    V4(Ipv4Addr),
    /// The first 64 bits of an address of IPv6.
    V6(u64),
}

impl From<IpAddr> for ClientNetwork {
    fn from(address: IpAddr) -> Self {
        // A dual-stack socket shows IPv4 as ::ffff:192.0.2.1.
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let prefix = address.to_bits() >> 64;
                Self::V6(u64::try_from(prefix).unwrap_or_default())
            }
        }
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(formatter),
            Self::V6(prefix) => {
                let address = Ipv6Addr::from_bits(u128::from(*prefix) << 64);
                write!(formatter, "{address}/64")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> ClientNetwork {
        ClientNetwork::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn ipv4_clients_count_by_address_and_ipv6_clients_by_64_prefix() {
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_ne!(source("::1"), source("127.0.0.1"));
    }

    #[test]
    fn network_is_displayed_as_address_or_prefix() {
        assert_eq!(source("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(source("2001:db8:0:1::9").to_string(), "2001:db8:0:1::/64");
    }
}
