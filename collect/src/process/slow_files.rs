//! The files of a process whose reading may hang, read on a helper thread.
//!
//! `cmdline` waits for the lock of the process's memory map (`mmap_lock`), which the process can hold for ever, on purpose
//! too: by a page of a FUSE file. `io` waits for `exec_update_lock`, which an exec holds while it waits for the former.

use std::sync::Arc;
use std::time::Duration;

use rustix::fd::OwnedFd;
use socktop_proto::limits::{COMMAND_BYTES, COMMAND_WORDS};
use socktop_proto::model::ProcessDetails;

use super::super::deadline::{Call, Outcome};
use super::super::processes::{Folder, Stat};
use super::text::fitting;

/// The process: its pid and when it started, in clock ticks since boot.
pub(super) type Identity = (u32, u64);

/// Room for `stat`, and for `io`.
const TEXT_BYTES: usize = 2048;

/// How many bytes of a command line are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommandLimit {
    words: usize,
    bytes: usize,
}

impl CommandLimit {
    /// Of the process that was asked for: what a client takes.
    pub(super) const WHOLE: Self = Self {
        words: COMMAND_WORDS,
        bytes: COMMAND_BYTES,
    };
    /// Of one of its children.
    pub(super) const CHILD: Self = Self {
        words: 64,
        bytes: 2048,
    };
}

/// What the files say; nothing where they may not be read, or the process has ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SlowFiles {
    command: Vec<String>,
    command_cut: bool,
    io: Io,
}

/// The call that reads them.
pub(super) fn call(
    proc: &Arc<OwnedFd>,
    process: Identity,
    user: Option<u32>,
    limit: CommandLimit,
) -> Call<Identity, SlowFiles> {
    let proc = Arc::clone(proc);
    Call {
        key: process,
        user: user.filter(|&user| user != 0),
        make: Box::new(move || SlowFiles::read(&proc, process, limit).unwrap_or_default()),
    }
}

impl SlowFiles {
    fn read(proc: &OwnedFd, (pid, started_ticks): Identity, limit: CommandLimit) -> Option<Self> {
        let mut text = [0; TEXT_BYTES];
        let folder = Folder::open(proc, pid).ok()?;
        let stat = Stat::parse(folder.read("stat", &mut text).ok()?)?;
        if stat.figures.started_ticks != started_ticks {
            // Another process has got the pid.
            return None;
        }
        let io = folder.read("io", &mut text).map(Io::parse);
        // What is longer by a byte than what fits with its last zero byte is cut.
        let command = folder.read_long("cmdline", limit.bytes + 2);
        let (command, command_cut) = arguments(&command.unwrap_or_default(), limit);
        Some(Self {
            command,
            command_cut,
            io: io.unwrap_or_default(),
        })
    }

    /// Adds what came of the call to the details of the process.
    pub(super) fn add(outcome: Outcome<Self>, details: &mut ProcessDetails) {
        let unanswered = match outcome {
            Outcome::Returned(files) => {
                details.command = files.command;
                details.command_cut = files.command_cut;
                details.disk_read_bytes = files.io.read_bytes;
                details.disk_written_bytes = files.io.write_bytes;
                return;
            }
            Outcome::Hung(time) => time,
            Outcome::NotMade => Duration::ZERO,
        };
        let ms = u32::try_from(unanswered.as_millis()).unwrap_or(u32::MAX);
        details.unanswered_ms = Some(ms);
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
/// has written a title over it. And whether there is more than the limit allows.
fn arguments(text: &[u8], limit: CommandLimit) -> (Vec<String>, bool) {
    if text.is_empty() {
        return (Vec::new(), false);
    }
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    let mut kept = Vec::new();
    let mut kept_bytes = 0;
    for word in text.split(|&byte| byte == 0) {
        let left_bytes = limit.bytes.checked_sub(kept_bytes);
        let Some(left_bytes) = left_bytes.filter(|_| kept.len() < limit.words) else {
            return (kept, true);
        };
        let (word, is_whole) = fitting(word, left_bytes);
        // The zero byte counts, as in the file.
        kept_bytes += word.len() + 1;
        kept.push(word);
        if !is_whole {
            return (kept, true);
        }
    }
    (kept, false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &[u8]) -> Vec<String> {
        let (words, cut) = arguments(text, CommandLimit::WHOLE);
        assert!(!cut);
        words
    }

    #[test]
    fn arguments_are_split_at_nul_bytes() {
        assert_eq!(whole(b""), [""; 0]);
        assert_eq!(whole(b"a\0"), ["a"]);
        assert_eq!(whole(b"a\0-b c\0\0"), ["a", "-b c", ""]);
        assert_eq!(whole(b"title: of it"), ["title: of it"]);
        assert_eq!(whole(b"\xffx\0"), ["\u{fffd}x"]);
    }

    #[test]
    fn long_command_line_is_cut_and_marked() {
        let limit = CommandLimit { words: 3, bytes: 8 };
        let kept = |text| arguments(text, limit);
        assert_eq!(kept(b"a\0b\0c\0").0, ["a", "b", "c"]);
        assert!(!kept(b"a\0b\0c\0").1);
        assert_eq!(
            kept(b"a\0b\0c\0d\0"),
            (vec!["a".into(), "b".into(), "c".into()], true)
        );
        assert_eq!(
            kept(b"abcd\0efgh\0"),
            (vec!["abcd".into(), "efg".into()], true)
        );
        assert_eq!(kept(b"abcdefgh\0"), (vec!["abcdefgh".into()], false));
        assert_eq!(
            kept(b"\xff\xff\xff\xff\0"),
            (vec!["\u{fffd}\u{fffd}".into()], true)
        );
    }

    #[test]
    fn io_counts_disk_bytes_only() {
        let text = "rchar: 9\nwchar: 8\nsyscr: 7\nsyscw: 6\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 12288\n";
        let io = Io {
            read_bytes: Some(4096),
            write_bytes: Some(8192),
        };
        assert_eq!(Io::parse(text.as_bytes()), io);
        assert_eq!(Io::parse(b"read_bytes: x\nwrite_bytes"), Io::default());
    }

    proptest! {
        #[test]
        fn no_command_line_is_longer_than_the_limit(
            text in proptest::collection::vec(prop_oneof![Just(0), Just(b'a'), any::<u8>()], 0..300),
            words in 1..20_usize,
            bytes in 1..100_usize,
        ) {
            let (kept, cut) = arguments(&text, CommandLimit { words, bytes });
            prop_assert!(kept.len() <= words);
            prop_assert!(kept.iter().map(String::len).sum::<usize>() <= bytes);
            let (all, _) = arguments(&text, CommandLimit { words: 1000, bytes: 1000 });
            prop_assert_eq!(kept != all, cut);
            Io::parse(&text);
        }
    }
}
