//! Parser of `/proc/PID/stat` (`proc_pid_stat(5)`).

use socktop_proto::model::ProcessState;

/// What a `stat` line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat<'a> {
    /// Field 2 without its parentheses: at most 15 bytes of the program's name, or more for a
    /// kernel thread. Any bytes: spaces, parentheses, line ends, half a character.
    pub(crate) comm: &'a [u8],
    /// The other fields.
    pub(crate) figures: StatFields,
}

/// The fields of a `stat` line, without the name, that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatFields {
    /// Field 3.
    pub(crate) state: ProcessState,
    /// Field 4.
    pub(crate) parent: u32,
    /// Field 9, `PF_KTHREAD`.
    pub(crate) is_kernel_thread: bool,
    /// Fields 10 and 12, together: page faults of all its threads.
    pub(crate) faults: u64,
    /// Field 14, in clock ticks.
    pub(crate) user_ticks: u64,
    /// Field 15, in clock ticks.
    pub(crate) system_ticks: u64,
    /// Field 19.
    pub(crate) nice: i32,
    /// Field 20.
    pub(crate) threads: u32,
    /// Field 22, in clock ticks since boot. With the pid a process's identity.
    pub(crate) started_ticks: u64,
    /// Field 24.
    pub(crate) resident_pages: u64,
}

const PF_KTHREAD: u64 = 0x0020_0000;

impl<'a> Stat<'a> {
    /// Parses a line. `None` when it is not one.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let open = line.iter().position(|&byte| byte == b'(')?;
        let close = line.iter().rposition(|&byte| byte == b')')?;
        let comm = line.get(open + 1..close)?;
        let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
        // The next field of the iterator is field 3.
        let mut fields = rest.split_ascii_whitespace();
        let state = state(fields.next()?);
        let parent = fields.next()?.parse().ok()?;
        let flags: u64 = fields.nth(4)?.parse().ok()?;
        let minor_faults: u64 = fields.next()?.parse().ok()?;
        let major_faults: u64 = fields.nth(1)?.parse().ok()?;
        let user_ticks = fields.nth(1)?.parse().ok()?;
        let system_ticks = fields.next()?.parse().ok()?;
        let nice = fields.nth(3)?.parse().ok()?;
        let threads = fields.next()?.parse().ok()?;
        let started_ticks = fields.nth(1)?.parse().ok()?;
        let resident_pages = fields.nth(1)?.parse().ok()?;
        let figures = StatFields {
            state,
            parent,
            is_kernel_thread: flags & PF_KTHREAD != 0,
            faults: minor_faults.wrapping_add(major_faults),
            user_ticks,
            system_ticks,
            nice,
            threads,
            started_ticks,
            resident_pages,
        };
        Some(Self { comm, figures })
    }
}

/// The letters of `proc_pid_stat(5)` field 3, those of old kernels too.
fn state(letter: &str) -> ProcessState {
    match letter {
        // W was "waking" from 2.6.33 to 3.13.
        "R" | "W" => ProcessState::Running,
        "S" => ProcessState::Sleeping,
        // K is a D that can be killed.
        "D" | "K" => ProcessState::DiskSleep,
        "T" => ProcessState::Stopped,
        "t" => ProcessState::Traced,
        "Z" => ProcessState::Zombie,
        "X" | "x" => ProcessState::Dead,
        // P is a parked kernel thread.
        "I" | "P" => ProcessState::Idle,
        _ => ProcessState::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REST: &str = "S 2 3 4 0 -1 4194304 9 8 3 0 250 125 1 2 39 -19 7 0 4242 8192 5 4294967295";

    fn named(comm: &[u8]) -> Vec<u8> {
        [b"31 (", comm, b") ", REST.as_bytes()].concat()
    }

    #[test]
    fn every_used_field_is_found() {
        let line = named(b"sleep");
        assert_eq!(
            Stat::parse(&line),
            Some(Stat {
                comm: b"sleep",
                figures: StatFields {
                    state: ProcessState::Sleeping,
                    parent: 2,
                    is_kernel_thread: false,
                    faults: 12,
                    user_ticks: 250,
                    system_ticks: 125,
                    nice: -19,
                    threads: 7,
                    started_ticks: 4242,
                    resident_pages: 5,
                },
            })
        );
    }

    #[test]
    fn state_letters_are_recognized() {
        for (letter, expected) in [
            ("R", ProcessState::Running),
            ("S", ProcessState::Sleeping),
            ("D", ProcessState::DiskSleep),
            ("T", ProcessState::Stopped),
            ("t", ProcessState::Traced),
            ("Z", ProcessState::Zombie),
            ("X", ProcessState::Dead),
            ("x", ProcessState::Dead),
            ("K", ProcessState::DiskSleep),
            ("W", ProcessState::Running),
            ("P", ProcessState::Idle),
            ("I", ProcessState::Idle),
            ("?", ProcessState::Unspecified),
        ] {
            assert_eq!(state(letter), expected, "{letter}");
        }
    }

    #[test]
    fn values_of_any_width_are_taken() {
        let wide = "R 1 1 1 0 -1 2097152 0 0 0 0 18446744073709551615 0 0 0 20 0 1 0 0 4294967295 4294967295 4294967295";
        let line = format!("4194304 (x) {wide}");
        let stat = Stat::parse(line.as_bytes()).unwrap();
        assert_eq!(stat.figures.user_ticks, u64::MAX);
        assert_eq!(stat.figures.resident_pages, 4_294_967_295);
        assert!(stat.figures.is_kernel_thread);
    }

    proptest! {
        #[test]
        fn a_name_may_hold_any_bytes(comm in proptest::collection::vec(any::<u8>(), 0..64)) {
            let line = named(&comm);
            let stat = Stat::parse(&line).unwrap();
            prop_assert_eq!(stat.comm, &comm[..]);
            prop_assert_eq!(stat.figures.started_ticks, 4242);
        }

        #[test]
        fn any_bytes_are_parsed_without_panic_and_a_cut_line_is_refused(
            head in proptest::collection::vec(any::<u8>(), 0..200),
            cut in 0..100_usize,
        ) {
            let _ = Stat::parse(&head);
            let line = named(&head);
            let cut = line.get(..line.len().saturating_sub(cut + 12)).unwrap_or_default();
            prop_assert_eq!(Stat::parse(cut), None);
        }
    }
}
