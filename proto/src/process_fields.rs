//! Process fields: the bits by which a request names the fields that it needs.

use std::ops::BitOr;

use crate::field_ids::ProcessField;
use crate::model::{Process, Processes};

/// A choice of fields of [`Process`], as bits of [`ProcessField::request_bits`]. The pid is always among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fields(u32);

impl Fields {
    /// The pid alone.
    pub const PID: Self = Self::of(ProcessField::Pid);
    /// `parent_pid`.
    pub const PARENT: Self = Self::of(ProcessField::ParentPid);
    /// `user_id`.
    pub const USER_ID: Self = Self::of(ProcessField::UserId);
    /// `user`.
    pub const USER_NAME: Self = Self::of(ProcessField::User);
    /// `user_id` and `user`.
    pub const USER: Self = Self(Self::USER_ID.0 | Self::USER_NAME.0);
    /// `name`.
    pub const NAME: Self = Self::of(ProcessField::Name);
    /// `state`.
    pub const STATE: Self = Self::of(ProcessField::State);
    /// `threads`.
    pub const THREADS: Self = Self::of(ProcessField::Threads);
    /// `cpu_percent`.
    pub const CPU: Self = Self::of(ProcessField::CpuPercent);
    /// `resident_bytes`.
    pub const RESIDENT: Self = Self::of(ProcessField::ResidentBytes);
    /// `started_boot_ms`.
    pub const STARTED: Self = Self::of(ProcessField::StartedBootMs);
    /// `nice`.
    pub const NICE: Self = Self::of(ProcessField::Nice);
    /// Everything.
    pub const ALL: Self = {
        let (mut bits, mut rest) = (0, ProcessField::MODEL);
        while let [field, others @ ..] = rest {
            bits |= field.request_bits();
            rest = others;
        }
        Self(bits)
    };

    /// What a request has to ask for so that `field` can be shown.
    #[must_use]
    pub const fn of(field: ProcessField) -> Self {
        Self(field.request_bits())
    }

    /// From `ProcessesRequest.fields`: 0 asks for all. Fields of a later version are left out.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        if bits == 0 {
            Self::ALL
        } else {
            Self(bits & Self::ALL.0) | Self::PID
        }
    }

    /// For `ProcessesRequest.fields`: 0 asks for all.
    #[must_use]
    pub fn bits(self) -> u32 {
        if self == Self::ALL { 0 } else { self.0 }
    }

    /// Whether all of `others` are among these.
    #[must_use]
    pub fn contain(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// These without `others`. The pid stays.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self((self.0 & !others.0) | Self::PID.0)
    }

    /// A list with these fields of each process, and no others.
    #[must_use]
    pub fn retained(self, list: &Processes) -> Processes {
        let Processes {
            time,
            processes,
            total,
            window_ms,
            others_hidden,
        } = list;
        Processes {
            time: *time,
            processes: processes
                .iter()
                .map(|process| self.retained_of(process))
                .collect(),
            total: *total,
            window_ms: *window_ms,
            others_hidden: *others_hidden,
        }
    }

    /// A process with these fields, and no others.
    #[must_use]
    pub fn retained_of(self, process: &Process) -> Process {
        let Process {
            pid,
            parent_pid,
            user_id,
            user,
            name,
            state,
            threads,
            cpu_percent,
            resident_bytes,
            started_boot_ms,
            nice,
        } = process;
        let number = |field, number: Option<u32>| number.filter(|_| self.contain(field));
        let long_number = |field, number: Option<u64>| number.filter(|_| self.contain(field));
        let text = |field, text: &String| {
            if self.contain(field) {
                text.clone()
            } else {
                String::new()
            }
        };
        Process {
            // Always among them.
            pid: *pid,
            parent_pid: number(Self::PARENT, *parent_pid),
            user_id: number(Self::USER_ID, *user_id),
            user: text(Self::USER_NAME, user),
            name: text(Self::NAME, name),
            state: if self.contain(Self::STATE) { *state } else { 0 },
            threads: number(Self::THREADS, *threads),
            cpu_percent: cpu_percent.filter(|_| self.contain(Self::CPU)),
            resident_bytes: long_number(Self::RESIDENT, *resident_bytes),
            started_boot_ms: long_number(Self::STARTED, *started_boot_ms),
            nice: nice.filter(|_| self.contain(Self::NICE)),
        }
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::ALL
    }
}

impl BitOr for Fields {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    /// Every field is known.
    fn process() -> Process {
        Process {
            pid: 1,
            parent_pid: Some(2),
            user_id: Some(3),
            user: "4".to_owned(),
            name: "5".to_owned(),
            state: 6,
            threads: Some(7),
            cpu_percent: Some(8.0),
            resident_bytes: Some(9),
            started_boot_ms: Some(10),
            nice: Some(11),
        }
    }

    #[test]
    fn a_bit_retains_the_field_of_its_number() {
        let retained = |fields: Fields| fields.retained_of(&process());
        assert_eq!(retained(Fields::ALL), process());
        for number in 1..=11 {
            let retained = retained(Fields::from_bits(1 << number));
            // In protobuf, a field begins with its number; the pid's two bytes come first.
            let encoded = retained.encode_to_vec();
            assert_eq!(encoded[0] >> 3, 1);
            let numbers: Vec<u8> = encoded.get(2).map(|key| key >> 3).into_iter().collect();
            let expected = if number == 1 { vec![] } else { vec![number] };
            assert_eq!(numbers, expected);
        }
    }

    #[test]
    fn all_has_every_field_of_the_descriptor() {
        let descriptors = crate::descriptors::Descriptors::read();
        let numbers = descriptors.message(".socktop.v2.Process").field.iter();
        let bits = numbers.map(|field| 1 << field.number());
        assert_eq!(bits.sum::<u32>(), Fields::ALL.0);
    }

    #[test]
    fn no_bits_ask_for_all_fields_and_unknown_bits_are_ignored() {
        assert_eq!(Fields::from_bits(0), Fields::ALL);
        assert_eq!(Fields::ALL.bits(), 0);
        assert_eq!(Fields::from_bits(u32::MAX), Fields::ALL);
        assert_eq!(Fields::from_bits(1 << 31), Fields::PID);
        let some = Fields::NAME | Fields::CPU | Fields::PID;
        assert_eq!(Fields::from_bits(some.bits()), some);
        assert_eq!(
            some.without(Fields::NAME | Fields::PID),
            Fields::CPU | Fields::PID
        );
        assert!(some.contain(Fields::NAME) && !some.contain(Fields::NAME | Fields::USER));
    }
}
