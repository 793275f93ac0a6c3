//! Network interfaces from `/proc/net/dev` (`proc_pid_net(5)`): those of the agent's own network namespace.

use std::fmt::Write as _;

use socktop_proto::model::Interface;

use crate::parse::{lines, number, words};

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
        name: readable(name),
        received_bytes,
        transmitted_bytes,
    })
}

/// A name as text, from which no two are alike: the kernel allows any bytes, and the counters of interfaces that got one
/// name would be taken for each other's. Bytes that are no UTF-8, and backslashes, become `\xHH`, as `systemd-escape(1)`
/// writes them.
fn readable(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for part in chunk.valid().split_inclusive('\\') {
            match part.strip_suffix('\\') {
                Some(before) => text.extend([before, "\\x5c"]),
                None => text.push_str(part),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
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

    #[test]
    fn interface_names_that_differ_in_invalid_bytes_stay_distinct() {
        let names = |dev: &[u8]| -> Vec<_> { parse(dev).into_iter().map(|i| i.name).collect() };
        assert_eq!(
            names(
                b"wg\xff: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\nwg\xfe: 3 0 0 0 0 0 0 0 4 0 0 0 0 0 0 0\n\
                  wg\\xff: 5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\nb\xc3\xbcro0: 7 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0\n"
            ),
            [r"wg\xff", r"wg\xfe", r"wg\x5cxff", "büro0"]
        );
    }

    proptest! {
        #[test]
        fn distinct_interface_names_stay_distinct(one: Vec<u8>, other: Vec<u8>) {
            prop_assert_eq!(readable(&one) == readable(&other), one == other);
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            parse(&bytes);
        }
    }
}
