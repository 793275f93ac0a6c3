//! TCP connections: resolves a host name and tries its addresses ("happy eyeballs", RFC 8305).

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, SocketAddrV6};
use std::time::Duration;

use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::error::Fault;
use crate::config::agent_url::{AgentUrl, DEFAULT_PLAIN_PORT};

/// For the name server to answer.
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);

/// For one address to answer.
const CONNECT_LIMIT: Duration = Duration::from_millis(2500);

/// How long an address is left alone before the next is tried beside it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// More addresses than any host needs.
const MAX_ADDRESSES: usize = 8;

/// Connects to the first of the target's addresses that answers.
pub(super) async fn connect(target: &AgentUrl) -> Result<TcpStream, Fault> {
    let addresses = lookup(target).await?;
    let stream = race(addresses).await.map_err(|failures| Fault::Connect {
        causes: causes(&failures),
        advice: advice(target, &failures),
    })?;
    // Requests are small and wait for nothing: Nagle would only delay them. Not being able to say so
    // costs time, not truth.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn lookup(target: &AgentUrl) -> Result<Vec<SocketAddr>, Fault> {
    let port = target.port();
    let name = match target.host() {
        url::Host::Ipv4(address) => return Ok(vec![SocketAddr::from((*address, port))]),
        url::Host::Ipv6(address) => {
            let scope = target.zone().map(scope_of).transpose()?.unwrap_or(0);
            return Ok(vec![SocketAddrV6::new(*address, port, 0, scope).into()]);
        }
        url::Host::Domain(name) => name.as_str(),
    };
    let failed = |source| Fault::Lookup {
        host: name.to_owned(),
        source,
    };
    let found = timeout(LOOKUP_LIMIT, tokio::net::lookup_host((name, port)))
        .await
        .map_err(|_| Fault::LookupSilent {
            host: name.to_owned(),
            limit: LOOKUP_LIMIT,
        })?
        .map_err(failed)?;
    let addresses = interleave(found);
    if addresses.is_empty() {
        return Err(failed(io::Error::other("the name has no address")));
    }
    Ok(addresses)
}

/// The kernel's number of a zone (netdevice(7), `SIOCGIFINDEX`), which is an interface's name or that number.
fn scope_of(zone: &str) -> Result<u32, Fault> {
    if let Ok(number) = zone.parse() {
        return Ok(number);
    }
    let index = socket(AddressFamily::INET, SocketType::DGRAM, None)
        .and_then(|socket| name_to_index(&socket, zone));
    index.map_err(|error| Fault::Zone {
        zone: zone.to_owned(),
        source: error.into(),
    })
}

/// The addresses in the resolver's order, but its two families taking turns.
fn interleave(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    let mut rest: VecDeque<SocketAddr> = found.collect();
    let mut v6_next = rest.front().is_some_and(SocketAddr::is_ipv6);
    while addresses.len() < MAX_ADDRESSES
        && let Some(at) = rest
            .iter()
            .position(|address| address.is_ipv6() == v6_next)
            .or((!rest.is_empty()).then_some(0))
    {
        let Some(address) = rest.remove(at) else {
            break;
        };
        v6_next = !address.is_ipv6();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

type Failure = (SocketAddr, io::Error);

/// Tries one address after the other, the next one when the last failed or had its head start.
async fn race(addresses: Vec<SocketAddr>) -> Result<TcpStream, Vec<Failure>> {
    let mut rest = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failures = Vec::new();
    let mut start = |attempts: &mut JoinSet<_>| {
        rest.next()
            .map(|address| attempts.spawn(attempt(address)))
            .is_some()
    };
    let mut more = start(&mut attempts);
    loop {
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(failure))) => {
                    failures.push(failure);
                    more = start(&mut attempts);
                }
                // An attempt that panicked has no result.
                Some(Err(_)) => more = start(&mut attempts),
                None => return Err(failures),
            },
            () = sleep(HEAD_START), if more => more = start(&mut attempts),
        }
    }
}

async fn attempt(address: SocketAddr) -> Result<TcpStream, Failure> {
    match timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
        Ok(result) => result.map_err(|error| (address, error)),
        Err(_) => Err((address, io::ErrorKind::TimedOut.into())),
    }
}

fn causes(failures: &[Failure]) -> String {
    let cause = |(address, error): &Failure| match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{address} refuses connections"),
        io::ErrorKind::TimedOut => {
            format!(
                "{address} did not answer within {} s",
                CONNECT_LIMIT.as_secs_f32()
            )
        }
        _ => format!("{address}: {error}"),
    };
    failures.iter().map(cause).collect::<Vec<_>>().join(", ")
}

fn advice(target: &AgentUrl, failures: &[Failure]) -> String {
    if let url::Host::Ipv6(address) = target.host()
        && address.is_unicast_link_local()
        && target.zone().is_none()
    {
        return format!(
            "a link-local address needs the interface that it is reached by, as in: socktop [{address}%eth0]:{}",
            target.port()
        );
    }
    let refused = failures
        .iter()
        .any(|(_, error)| error.kind() == io::ErrorKind::ConnectionRefused);
    if !refused {
        return "check that the host is up and its firewall lets the port through".to_owned();
    }
    let advice = "start the agent there, or check the port";
    if target.is_tls() {
        let host = target.shown_host();
        return format!(
            "{advice}; if it serves without TLS, use: socktop ws://{host}:{DEFAULT_PLAIN_PORT}"
        );
    }
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns_in_the_resolvers_order() {
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.1:1"].map(address);
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(address);
        assert_eq!(interleave(found.into_iter()), expected);
    }

    #[test]
    fn too_many_addresses_are_cut_off() {
        let found = (1..100).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!(interleave(found).len(), MAX_ADDRESSES);
    }

    #[test]
    fn a_refused_tls_port_suggests_plain_and_a_refused_plain_port_does_not() {
        let refused = [(
            address("127.0.0.1:1"),
            io::ErrorKind::ConnectionRefused.into(),
        )];
        let tls = advice(&"pi4".parse().unwrap(), &refused);
        assert!(tls.contains("socktop ws://pi4:3000"), "{tls}");
        let plain = advice(&"ws://pi4:3000".parse().unwrap(), &refused);
        assert!(!plain.contains("ws://"), "{plain}");
    }

    #[tokio::test]
    async fn a_zone_becomes_the_number_of_its_interface() {
        let addresses = |text: &str| {
            let target: AgentUrl = text.parse().unwrap();
            async move { lookup(&target).await }
        };
        let named = addresses("fe80::1%lo").await.unwrap();
        assert_eq!(
            named,
            [SocketAddrV6::new("fe80::1".parse().unwrap(), 8443, 0, 1).into()]
        );
        assert_eq!(addresses("fe80::1%1").await.unwrap(), named);
        let unknown = addresses("fe80::1%nowhere").await.unwrap_err().to_string();
        assert!(
            unknown.contains("no network interface \"nowhere\""),
            "{unknown}"
        );
        let invalid = [(address("[fe80::1]:1"), io::ErrorKind::InvalidInput.into())];
        let advice = advice(&"fe80::1".parse().unwrap(), &invalid);
        assert!(advice.contains("socktop [fe80::1%eth0]:8443"), "{advice}");
    }

    #[tokio::test]
    async fn the_first_address_that_answers_wins() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let answers = listener.local_addr().unwrap();
        let refuses = {
            let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            closed.local_addr().unwrap()
        };
        let stream = race(vec![refuses, answers]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), answers);
        let failures = race(vec![refuses]).await.unwrap_err();
        assert_eq!(failures.len(), 1);
        assert_eq!(causes(&failures), format!("{refuses} refuses connections"));
    }
}
