//! Zones of link-local IPv6 addresses (RFC 4007): the network interface without which such an address cannot be
//! reached.

use std::io;
use std::net::SocketAddr;

use rustix::net::netdevice::{index_to_name, name_to_index};
use rustix::net::{AddressFamily, SocketType, socket};

use super::url_host;

/// The index of the interface that `zone` names (`netdevice(7)`), or that it is.
///
/// # Errors
/// If no interface has that name.
pub(crate) fn index(zone: &str) -> io::Result<u32> {
    if let Ok(index) = zone.parse() {
        return Ok(index);
    }
    // Of whatever kind: the socket alone gives access to the interfaces, and the sandbox allows this one.
    let socket = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
    Ok(name_to_index(socket, zone)?)
}

/// An address in the form that a URL has it, without the port but with its zone, as a user would write it.
pub(crate) fn url_host_with_zone(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(address) if address.scope_id() != 0 => {
            format!("[{}%{}]", address.ip(), name(address.scope_id()))
        }
        _ => url_host(address.ip()),
    }
}

/// The name of an interface; its index where it has none any more.
fn name(index: u32) -> String {
    socket(AddressFamily::UNIX, SocketType::DGRAM, None)
        .and_then(|socket| index_to_name(socket, index))
        .unwrap_or_else(|_| index.to_string())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    #[test]
    fn zone_is_an_interface_name_or_index() {
        let loopback = index("lo").unwrap();
        assert_eq!(index(&loopback.to_string()).unwrap(), loopback);
        let error = index("no-such-if0").unwrap_err();
        assert!(!error.to_string().is_empty());
        assert_eq!(name(loopback), "lo");
        assert_eq!(name(u32::MAX), u32::MAX.to_string());
    }

    #[test]
    fn url_of_a_link_local_address_has_its_zone() {
        let loopback = index("lo").unwrap();
        let local = SocketAddrV6::new("fe80::1".parse().unwrap(), 1, 0, loopback);
        assert_eq!(url_host_with_zone(local.into()), "[fe80::1%lo]");
        assert_eq!(
            url_host_with_zone("[fd99::2]:1".parse().unwrap()),
            "[fd99::2]"
        );
    }
}
