//! The files of one process that can be read without waiting for it.
//!
//! `exe`, `cwd` and `fd` take no lock that a process can hold (since Linux 4.1), `statm` reads counters alone.

use socktop_proto::limits::PATH_BYTES;
use socktop_proto::model::{Process, ProcessDetails};

use super::super::Now;
use super::super::processes::{Folder, ProcFs, ProcessRecord, ticks};
use super::text::fitting;

/// Adds to a row of the list what the process's files say. What may not be read is unknown.
pub(super) fn describe(
    proc: &mut ProcFs,
    folder: &Folder,
    process: Process,
    facts: &ProcessRecord,
    now: Now,
) -> ProcessDetails {
    let memory = proc
        .read_in(folder, "statm")
        .map(Memory::parse)
        .unwrap_or_default();
    let path = |link| Some(fitting(&folder.link(link).ok()?, PATH_BYTES).0);
    let figures = facts.figures;
    let started = figures.and_then(|figures| {
        let booted = now.unix.checked_sub(now.boot)?;
        u64::try_from((booted + ticks(figures.started_ticks)).as_millis()).ok()
    });
    ProcessDetails {
        time: Some(now.sample_time()),
        process: Some(process),
        group_id: facts.owner.map(|owner| owner.gid),
        command: Vec::new(),
        executable: path("exe"),
        working_directory: path("cwd"),
        virtual_bytes: memory.virtual_bytes,
        shared_bytes: memory.shared_bytes,
        started_unix_ms: started,
        cpu_user_us: figures.map(|figures| microseconds(figures.user_ticks)),
        cpu_system_us: figures.map(|figures| microseconds(figures.system_ticks)),
        disk_read_bytes: None,
        disk_written_bytes: None,
        descriptors: folder.descriptors(proc.is_procfs()).ok(),
        threads: Vec::new(),
        children: Vec::new(),
        children_total: None,
        command_cut: false,
        unanswered_ms: None,
    }
}

/// Clock ticks as the model has CPU times.
pub(super) fn microseconds(count: u64) -> u64 {
    u64::try_from(ticks(count).as_micros()).unwrap_or(u64::MAX)
}

/// `proc_pid_statm(5)`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Memory {
    virtual_bytes: Option<u64>,
    shared_bytes: Option<u64>,
}

impl Memory {
    fn parse(text: &[u8]) -> Self {
        let page_bytes = u64::try_from(rustix::param::page_size()).unwrap_or_default();
        let mut fields = std::str::from_utf8(text)
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(|pages| {
                pages
                    .parse()
                    .ok()
                    .and_then(|pages| page_bytes.checked_mul(pages))
            });
        Self {
            virtual_bytes: fields.next().flatten(),
            shared_bytes: fields.nth(1).flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn page_counts_are_converted_to_bytes() {
        let page_bytes = u64::try_from(rustix::param::page_size()).unwrap();
        let memory = Memory {
            virtual_bytes: Some(10 * page_bytes),
            shared_bytes: Some(3 * page_bytes),
        };
        assert_eq!(Memory::parse(b"10 5 3 1 0 2 0\n"), memory);
        let unknown = Memory {
            virtual_bytes: None,
            shared_bytes: Some(3 * page_bytes),
        };
        assert_eq!(Memory::parse(b"18446744073709551615 5 3"), unknown);
        assert_eq!(Memory::parse(b""), Memory::default());
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            Memory::parse(&text);
        }
    }
}
