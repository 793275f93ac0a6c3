//! The files of one process.

use socktop_proto::model::{Process, ProcessDetails};

use super::super::Now;
use super::super::processes::{Facts, ProcFs, lossy, ticks};

/// As long as the kernel lets a single argument be (`MAX_ARG_STRLEN`); a longer command line is cut.
const COMMAND_BYTES: usize = 128 * 1024;

/// Adds to a row of the list what the process's files say. What may not be read is unknown.
pub(super) fn describe(
    proc: &mut ProcFs,
    process: Process,
    facts: &Facts,
    now: Now,
) -> ProcessDetails {
    let pid = process.pid;
    let memory = proc
        .read(pid, "statm")
        .map(Memory::parse)
        .unwrap_or_default();
    let io = proc.read(pid, "io").map(Io::parse).unwrap_or_default();
    let command = proc.read_long(pid, "cmdline", COMMAND_BYTES);
    let figures = facts.figures;
    let started = figures.and_then(|figures| {
        let booted = now.unix.checked_sub(now.boot)?;
        u64::try_from((booted + ticks(figures.started_ticks)).as_millis()).ok()
    });
    ProcessDetails {
        time: Some(now.sample_time()),
        process: Some(process),
        group_id: facts.owner.map(|owner| owner.gid),
        command: arguments(&command.unwrap_or_default()),
        executable: proc.link(pid, "exe").ok().map(|path| lossy(&path)),
        working_directory: proc.link(pid, "cwd").ok().map(|path| lossy(&path)),
        virtual_bytes: memory.virtual_bytes,
        shared_bytes: memory.shared_bytes,
        started_unix_ms: started,
        cpu_user_us: figures.map(|figures| microseconds(figures.user_ticks)),
        cpu_system_us: figures.map(|figures| microseconds(figures.system_ticks)),
        disk_read_bytes: io.read_bytes,
        disk_written_bytes: io.write_bytes,
        descriptors: proc.descriptors(pid).ok(),
        threads: Vec::new(),
        children: Vec::new(),
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

/// `proc_pid_io(5)`: what went to and came from storage.
///
/// `write_bytes` counts pages as they are dirtied. `cancelled_write_bytes`, pages that a truncation
/// spared the disk, is not taken off, as pidstat(1) and htop(1) do not: it may be more than was written
/// (others' pages count too), and a counter that goes back makes no rate.
#[derive(Debug, Default, PartialEq, Eq)]
struct Io {
    read_bytes: Option<u64>,
    write_bytes: Option<u64>,
}

impl Io {
    fn parse(text: &[u8]) -> Self {
        let mut io = Self::default();
        for line in std::str::from_utf8(text).unwrap_or_default().lines() {
            match line.split_once(": ") {
                Some(("read_bytes", bytes)) => io.read_bytes = bytes.parse().ok(),
                Some(("write_bytes", bytes)) => io.write_bytes = bytes.parse().ok(),
                _ => {}
            }
        }
        io
    }
}

/// `proc_pid_cmdline(5)`: each argument ends with a zero byte, or the last does not where a process
/// has written a title over it.
fn arguments(text: &[u8]) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    text.split(|&byte| byte == 0).map(lossy).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arguments_are_told_apart() {
        assert_eq!(arguments(b""), [""; 0]);
        assert_eq!(arguments(b"a\0"), ["a"]);
        assert_eq!(arguments(b"a\0-b c\0\0"), ["a", "-b c", ""]);
        assert_eq!(arguments(b"title: of it"), ["title: of it"]);
        assert_eq!(arguments(b"\xffx\0"), ["\u{fffd}x"]);
    }

    #[test]
    fn io_is_that_of_the_disks() {
        let text = "rchar: 9\nwchar: 8\nsyscr: 7\nsyscw: 6\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 12288\n";
        let io = Io {
            read_bytes: Some(4096),
            write_bytes: Some(8192),
        };
        assert_eq!(Io::parse(text.as_bytes()), io);
        assert_eq!(Io::parse(b"read_bytes: x\nwrite_bytes"), Io::default());
    }

    #[test]
    fn pages_become_bytes() {
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
        fn arbitrary_bytes_do_no_harm(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            Memory::parse(&text);
            Io::parse(&text);
            let count = arguments(&text).len();
            prop_assert!(count <= text.len());
        }
    }
}
