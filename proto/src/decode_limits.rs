//! A bound on what a peer's protobuf unfolds to: in two bytes it can ask for a message of hundreds.
//!
//! The parts of a message are counted before it is decoded. Only lengths are looked at; where they make no sense the
//! decoder will say so, for it reads the same bytes in the same order.

use crate::limits::PARTS;

/// How deep messages may lie in each other. The decoder goes no deeper than this.
const DEEPEST: usize = 100;

/// A reply of too many parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reply has more than {PARTS} parts")]
pub struct TooManyParts;

/// A kind of message: the fields whose every occurrence is a part, and what it holds.
pub(crate) struct Kind(&'static [(u64, Part)]);

enum Part {
    /// Nothing that is counted.
    Leaf,
    /// A message.
    Message(&'static Kind),
    /// Numbers, each of a byte at least.
    Packed,
}

/// `socktop.v2.Reply`, with a body that is not packed, or with changes.
pub(crate) static REPLY: Kind = Kind(&[(2, Part::Message(&BODY)), (4, Part::Message(&CHANGES))]);

/// `socktop.v2.Body`.
pub(crate) static BODY: Kind = Kind(&[
    (3, Part::Message(&METRICS)),
    (4, Part::Message(&LIST)),
    (5, Part::Message(&LIST)),
    (6, Part::Message(&DETAILS)),
    (7, Part::Message(&LIST)),
]);

/// `ProcessList` of processes.proto; also `Processes`, `Disks`, `Journal` and `Cpu`, whose field 2 is a list too.
pub(crate) static LIST: Kind = Kind(&[(2, Part::Leaf)]);

static METRICS: Kind = Kind(&[(3, Part::Message(&LIST)), (7, Part::Leaf), (8, Part::Leaf)]);

static DETAILS: Kind = Kind(&[
    (4, Part::Leaf),
    (15, Part::Leaf),
    (16, Part::Message(&DETAILS)),
]);

static CHANGES: Kind = Kind(&[
    (3, Part::Message(&METRICS_CHANGES)),
    (4, Part::Message(&DISKS_CHANGES)),
    (5, Part::Message(&PROCESSES_CHANGES)),
]);

static METRICS_CHANGES: Kind = Kind(&[
    (3, Part::Packed),
    (9, Part::Packed),
    (10, Part::Packed),
    (11, Part::Packed),
    (12, Part::Leaf),
]);

static DISKS_CHANGES: Kind = Kind(&[(1, Part::Packed), (2, Part::Packed), (3, Part::Packed)]);

static PROCESSES_CHANGES: Kind = Kind(&[
    (2, Part::Packed),
    (3, Part::Leaf),
    (4, Part::Packed),
    (5, Part::Packed),
    (6, Part::Packed),
    (7, Part::Packed),
    (8, Part::Packed),
    (9, Part::Packed),
    (10, Part::Packed),
    (11, Part::Packed),
]);

/// Checks that `message`, of `kind`, has no more parts than [`PARTS`].
pub(crate) fn check(message: &[u8], kind: &Kind) -> Result<(), TooManyParts> {
    count(message, kind, &mut 0, DEEPEST)
}

fn count(
    message: &[u8],
    kind: &Kind,
    counted: &mut usize,
    deeper: usize,
) -> Result<(), TooManyParts> {
    let mut rest = message;
    let mut groups = 0_usize;
    while let Some((field, part)) = next_field(&mut rest, &mut groups) {
        let Some((_, inner)) = kind.0.iter().find(|(known, _)| *known == field) else {
            continue;
        };
        *counted += match inner {
            Part::Packed => part.len(),
            Part::Leaf | Part::Message(_) => 1,
        };
        if *counted > PARTS {
            return Err(TooManyParts);
        }
        if let (Part::Message(inner), Some(deeper)) = (inner, deeper.checked_sub(1)) {
            count(part, inner, counted, deeper)?;
        }
    }
    Ok(())
}

/// The next field that has a length, outside of groups (which the decoder leaves out); `None` at the end, or where
/// nothing can be read.
fn next_field<'a>(rest: &mut &'a [u8], groups: &mut usize) -> Option<(u64, &'a [u8])> {
    loop {
        let key = varint(rest)?;
        let field = key >> 3;
        match key & 7 {
            0 => drop(varint(rest)?),
            1 => drop(rest.split_off(..8)?),
            2 => {
                let length = usize::try_from(varint(rest)?).ok()?;
                let part = rest.split_off(..length)?;
                if *groups == 0 {
                    return Some((field, part));
                }
            }
            3 => *groups += 1,
            4 => *groups = groups.checked_sub(1)?,
            5 => drop(rest.split_off(..4)?),
            _ => return None,
        }
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::model::{Body, Metrics, ProcessDetails, body};

    fn checked(kind: body::Kind) -> Result<(), TooManyParts> {
        let body: Body = kind.into();
        check(&body.encode_to_vec(), &BODY)
    }

    fn with_children(of_first: usize, of_second: usize) -> body::Kind {
        let children = |count| vec![ProcessDetails::default(); count];
        let first = ProcessDetails {
            children: children(of_first),
            ..ProcessDetails::default()
        };
        let second = ProcessDetails {
            children: children(of_second),
            ..ProcessDetails::default()
        };
        body::Kind::Process(ProcessDetails {
            children: vec![first, second],
            ..ProcessDetails::default()
        })
    }

    #[test]
    fn parts_are_counted_at_every_depth() {
        // The body's kind and the two are parts themselves.
        let most = PARTS - 3;
        assert_eq!(checked(with_children(most - 9, 9)), Ok(()));
        assert_eq!(checked(with_children(most - 9, 10)), Err(TooManyParts));
    }

    #[test]
    fn every_list_is_counted() {
        use crate::model::{
            Core, Cpu, Disk, Disks, Gpu, Interface, Journal, JournalEntry, Process, Processes,
            Thread,
        };
        const COUNT: usize = PARTS + 1;
        let cores = vec![Core::default(); COUNT];
        for kind in [
            body::Kind::Metrics(Metrics {
                cpu: Some(Cpu {
                    cores,
                    ..Cpu::default()
                }),
                ..Metrics::default()
            }),
            body::Kind::Metrics(Metrics {
                interfaces: vec![Interface::default(); COUNT],
                ..Metrics::default()
            }),
            body::Kind::Metrics(Metrics {
                gpus: vec![Gpu::default(); COUNT],
                ..Metrics::default()
            }),
            body::Kind::Disks(Disks {
                disks: vec![Disk::default(); COUNT],
                ..Disks::default()
            }),
            body::Kind::Processes(Processes {
                processes: vec![Process::default(); COUNT],
                ..Processes::default()
            }),
            body::Kind::Process(ProcessDetails {
                command: vec![String::new(); COUNT],
                ..ProcessDetails::default()
            }),
            body::Kind::Process(ProcessDetails {
                threads: vec![Thread::default(); COUNT],
                ..ProcessDetails::default()
            }),
            body::Kind::Journal(Journal {
                entries: vec![JournalEntry::default(); COUNT],
                ..Journal::default()
            }),
        ] {
            assert_eq!(checked(kind), Err(TooManyParts));
        }
    }

    #[test]
    fn every_list_of_changes_is_counted() {
        use crate::model::{
            Changes, DisksChanges, Gpu, MetricsChanges, Process, ProcessesChanges, Reply,
            changes::Kind, reply,
        };
        const COUNT: usize = PARTS + 1;
        let metrics = MetricsChanges::default;
        let disks = DisksChanges::default;
        let processes = ProcessesChanges::default;
        let (numbers, by) = (|| vec![1; COUNT], || vec![1; COUNT]);
        for kind in [
            Kind::Metrics(MetricsChanges {
                core_thousandths: numbers(),
                ..metrics()
            }),
            Kind::Metrics(MetricsChanges {
                interface_at: numbers(),
                ..metrics()
            }),
            Kind::Metrics(MetricsChanges {
                received_by: by(),
                ..metrics()
            }),
            Kind::Metrics(MetricsChanges {
                transmitted_by: by(),
                ..metrics()
            }),
            Kind::Metrics(MetricsChanges {
                gpus: vec![Gpu::default(); COUNT],
                ..metrics()
            }),
            Kind::Disks(DisksChanges {
                disk_at: numbers(),
                ..disks()
            }),
            Kind::Disks(DisksChanges {
                used_by: by(),
                ..disks()
            }),
            Kind::Disks(DisksChanges {
                available_by: by(),
                ..disks()
            }),
            Kind::Processes(ProcessesChanges {
                ended_at: numbers(),
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                processes: vec![Process::default(); COUNT],
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                cpu_at: numbers(),
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                cpu_thousandths: numbers(),
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                resident_at: numbers(),
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                resident_by: by(),
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                state_at: numbers(),
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                states: vec![1; COUNT],
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                threads_at: numbers(),
                ..processes()
            }),
            Kind::Processes(ProcessesChanges {
                threads_by: by(),
                ..processes()
            }),
        ] {
            let changes = Changes {
                kind: Some(kind),
                ..Changes::default()
            };
            let payload = Some(reply::Payload::Changes(changes));
            let reply = Reply {
                payload,
                ..Reply::default()
            };
            assert_eq!(check(&reply.encode_to_vec(), &REPLY), Err(TooManyParts));
        }
    }

    #[test]
    fn a_group_that_is_left_out_hides_nothing() {
        // Field 99 as a group with a field in it, then a list.
        let mut message = vec![0x9b, 0x06, 0x12, 0x00, 0x9c, 0x06];
        message.extend([0x12, 0x00].repeat(PARTS));
        assert_eq!(check(&message, &LIST), Ok(()));
        message.extend([0x12, 0x00]);
        assert_eq!(check(&message, &LIST), Err(TooManyParts));
    }

    #[test]
    fn nonsense_is_left_to_the_decoder() {
        for nonsense in [
            &[0xff; 30][..],
            &[0x12],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x14],
            &[0x0d, 1],
        ] {
            assert_eq!(check(nonsense, &LIST), Ok(()));
        }
    }
}
