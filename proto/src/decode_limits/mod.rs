//! Limits on decoding: how much memory a peer's protobuf may expand to, since two bytes can stand for a message of
//! hundreds.
//!
//! The parts of a message are counted before it is decoded. Only lengths are looked at; where they make no sense the
//! decoder will say so, for it reads the same bytes in the same order. Which fields are lists is written down here; a
//! test compares that with the descriptors of `socktop.proto`.

#[cfg(test)]
mod tests;

use crate::limits::{DELTA_NUMBERS, OverLimit, PARTS};

/// How deep messages may lie in each other. The decoder goes no deeper than this.
const DEEPEST: usize = 100;

/// A kind of message: its fields that are lists or hold some, by their numbers.
pub(crate) struct Kind(&'static [(u64, Field)]);

enum Field {
    /// A list of texts or of messages without lists; each entry is a part.
    Parts,
    /// A list of messages that have lists; each entry is a part.
    List(&'static Kind),
    /// One message that has lists.
    One(&'static Kind),
    /// A list of numbers.
    Numbers,
}

/// `socktop.v2.Reply`, with a body that is not packed, or with a delta.
pub(crate) static REPLY: Kind = Kind(&[(2, Field::One(&BODY)), (4, Field::One(&DELTA))]);

/// `socktop.v2.Body`.
pub(crate) static BODY: Kind = Kind(&[
    (3, Field::One(&METRICS)),
    (4, Field::One(&LIST)),
    (5, Field::One(&LIST)),
    (6, Field::One(&DETAILS)),
    (7, Field::One(&LIST)),
    (8, Field::One(&LIST)),
]);

/// `ProcessList` of processes.proto; also `Processes`, `Disks`, `Journal`, `Sensors` and `Cpu`, whose field 2 is a list
/// too.
pub(crate) static LIST: Kind = Kind(&[(2, Field::Parts)]);

static METRICS: Kind = Kind(&[(3, Field::One(&LIST)), (7, Field::Parts), (8, Field::Parts)]);

static DETAILS: Kind = Kind(&[
    (4, Field::Parts),
    (15, Field::Parts),
    (16, Field::List(&DETAILS)),
]);

static DELTA: Kind = Kind(&[
    (3, Field::One(&METRICS_DELTA)),
    (4, Field::One(&DISKS_DELTA)),
    (5, Field::One(&PROCESSES_DELTA)),
]);

static METRICS_DELTA: Kind = Kind(&[
    (3, Field::Numbers),
    (9, Field::Numbers),
    (10, Field::Numbers),
    (11, Field::Numbers),
    (12, Field::Parts),
]);

static DISKS_DELTA: Kind = Kind(&[
    (1, Field::Numbers),
    (2, Field::Numbers),
    (3, Field::Numbers),
]);

static PROCESSES_DELTA: Kind = Kind(&[
    (2, Field::Numbers),
    (3, Field::Parts),
    (4, Field::Numbers),
    (5, Field::Numbers),
    (6, Field::Numbers),
    (7, Field::Numbers),
    (8, Field::Numbers),
    (9, Field::Numbers),
    (10, Field::Numbers),
    (11, Field::Numbers),
]);

/// Checks that `message`, of `kind`, has no more parts than [`PARTS`] and no more numbers in lists than
/// [`DELTA_NUMBERS`].
pub(crate) fn check(message: &[u8], kind: &Kind) -> Result<(), OverLimit> {
    Counted::default().count(message, kind, DEEPEST)
}

#[derive(Default)]
struct Counted {
    parts: usize,
    numbers: usize,
}

impl Counted {
    fn count(&mut self, message: &[u8], kind: &Kind, deeper: usize) -> Result<(), OverLimit> {
        let mut rest = message;
        let mut groups = 0_usize;
        while let Some((number, value)) = next_field(&mut rest, &mut groups) {
            let Some((_, field)) = kind.0.iter().find(|(known, _)| *known == number) else {
                continue;
            };
            match (field, value) {
                // The decoder takes numbers one by one as well.
                (Field::Numbers, Value::Varint(_)) => self.numbers += 1,
                // The last byte of each has its highest bit clear.
                (Field::Numbers, Value::Bytes(bytes)) => {
                    self.numbers += bytes.iter().filter(|byte| **byte < 0x80).count();
                }
                (Field::Parts | Field::List(_), Value::Bytes(_)) => self.parts += 1,
                // One message is no part; a number in place of a message is refused by the decoder.
                (Field::One(_), Value::Bytes(_))
                | (Field::Parts | Field::List(_) | Field::One(_), Value::Varint(_)) => {}
            }
            if self.parts > PARTS {
                return Err(OverLimit::Parts);
            }
            if self.numbers > DELTA_NUMBERS {
                return Err(OverLimit::DeltaNumbers);
            }
            if let (Field::One(inner) | Field::List(inner), Value::Bytes(bytes)) = (field, value)
                && let Some(deeper) = deeper.checked_sub(1)
            {
                self.count(bytes, inner, deeper)?;
            }
        }
        Ok(())
    }
}

/// What a field holds, of the two encodings that matter here.
#[derive(Clone, Copy)]
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

/// The number in field `number` of `message`, as far as that can be read: the last one where it stands there several
/// times, 0 where it does not.
pub(crate) fn number_in(message: &[u8], number: u64) -> u64 {
    let mut rest = message;
    let mut groups = 0_usize;
    let mut found = 0;
    while let Some((field, value)) = next_field(&mut rest, &mut groups) {
        if let (true, Value::Varint(value)) = (field == number, value) {
            found = value;
        }
    }
    found
}

/// The next field that is a number or has a length, outside of groups (which the decoder leaves out); `None` at the end,
/// or where nothing can be read.
fn next_field<'a>(rest: &mut &'a [u8], groups: &mut usize) -> Option<(u64, Value<'a>)> {
    loop {
        let key = varint(rest)?;
        let field = key >> 3;
        match key & 7 {
            0 => {
                let value = varint(rest)?;
                if *groups == 0 {
                    return Some((field, Value::Varint(value)));
                }
            }
            1 => drop(rest.split_off(..8)?),
            2 => {
                let length = usize::try_from(varint(rest)?).ok()?;
                let part = rest.split_off(..length)?;
                if *groups == 0 {
                    return Some((field, Value::Bytes(part)));
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
