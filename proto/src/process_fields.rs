//! The fields of each process that a request for the list asks for.

use std::ops::BitOr;

use crate::field_ids::ProcessField;
use crate::model::Process;

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

    /// Retains these fields of a process, and clears the others.
    pub fn retain(self, process: &mut Process) {
        let Process {
            // Always among them.
            pid: _,
            parent_pid,
            user_id,
            user,
            name,
            state,
            threads,
            cpu_percent,
            resident_bytes,
            started_boot_ms,
        } = process;
        let lacks = |field| !self.contain(field);
        if lacks(Self::PARENT) {
            *parent_pid = None;
        }
        if lacks(Self::USER_ID) {
            *user_id = None;
        }
        if lacks(Self::USER_NAME) {
            *user = String::new();
        }
        if lacks(Self::NAME) {
            *name = String::new();
        }
        if lacks(Self::STATE) {
            *state = 0;
        }
        if lacks(Self::THREADS) {
            *threads = None;
        }
        if lacks(Self::CPU) {
            *cpu_percent = None;
        }
        if lacks(Self::RESIDENT) {
            *resident_bytes = None;
        }
        if lacks(Self::STARTED) {
            *started_boot_ms = None;
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
        }
    }

    #[test]
    fn a_bit_retains_the_field_of_its_number() {
        let retained = |fields: Fields| {
            let mut process = process();
            fields.retain(&mut process);
            process
        };
        assert_eq!(retained(Fields::ALL), process());
        for number in 1..=10 {
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
        assert!(some.contain(Fields::NAME) && !some.contain(Fields::NAME | Fields::USER));
    }
}
