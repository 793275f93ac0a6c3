//! Network interfaces from `/proc/net/dev` (`proc_pid_net(5)`): those of the agent's own network namespace.

use socktop_proto::model::Interface;

use super::fields::{lines, number, words};

/// Where sent bytes stand among the numbers; received bytes are the first.
const TRANSMITTED: usize = 8;

/// Parses the file. Two lines of headings have no colon; a line that is not understood is left out.
pub(crate) fn parse(dev: &[u8]) -> Vec<Interface> {
    lines(dev).filter_map(interface).collect()
}

fn interface(line: &[u8]) -> Option<Interface> {
    // Old kernels allowed a colon in a name, but there is none among the numbers.
    let colon = line.iter().rposition(|&byte| byte == b':')?;
    let (name, numbers) = line.split_at(colon);
    let mut numbers = words(numbers.get(1..)?);
    let received_bytes = number(numbers.next()?)?;
    let transmitted_bytes = number(numbers.nth(TRANSMITTED - 1)?)?;
    let name = name.trim_ascii();
    (!name.is_empty()).then(|| Interface {
        name: String::from_utf8_lossy(name).into_owned(),
        received_bytes,
        transmitted_bytes,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_interface_is_listed_with_its_counters() {
        let dev = b"Inter-|   Receive                                                |  Transmit\n\
            \x20face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
            \x20   lo:  123456     100    0    0    0     0          0         0   123456     100    0    0    0     0       0          0\n\
            eth0:18446744073709551615 7 0 0 0 0 0 0 42 1 0 0 0 0 0 0\n\
            br0:0: 1 2 3 4 5 6 7 8 9 10\n\
            broken: 1 2\n";
        let read: Vec<_> = parse(dev)
            .into_iter()
            .map(|i| (i.name, i.received_bytes, i.transmitted_bytes))
            .collect();
        assert_eq!(
            read,
            [
                ("lo".to_owned(), 123_456, 123_456),
                ("eth0".to_owned(), u64::MAX, 42),
                ("br0:0".to_owned(), 1, 9),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            parse(&bytes);
        }
    }
}
