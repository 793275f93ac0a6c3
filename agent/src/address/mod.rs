//! Addresses: this host's name, URLs, zones of link-local addresses, and the network that a client comes from.

pub(crate) mod client_network;
pub(crate) mod zone;

use std::net::IpAddr;

/// The host's name: `uname(2)` nodename.
pub(crate) fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// An address in the form that a URL has it.
pub(crate) fn url_host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
