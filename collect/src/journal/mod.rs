//! A process's last lines in the journal, by `journalctl(1)`.
//!
//! Pids are reused: lines of earlier processes are distinguished by the boot and, within it, by their time (`clocks`).
//!
//! Calls that may hang are made on helper threads: looking for journald's files, which may lie on a dead network file system, and
//! starting journalctl, for which the kernel opens its file. journalctl itself is another process. One that hangs is
//! killed, but a process that waits in the kernel does not end by that: it keeps its turn for as long, so that there are
//! never more of them than [`MAX_AT_ONCE`] or the settings say.

mod access;
mod clocks;
mod entries;
mod journalctl;

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use socktop_proto::model::{Error, ErrorCode, Journal, JournalEntry};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::deadline::{Helpers, JOURNAL_FOLDERS, JOURNALCTL};
use super::{Now, Root};
use clocks::Clocks;
use entries::Entry;
use journalctl::Running;

/// How many lines are given.
const MAX_ENTRIES: usize = 100;

/// How much text they may have, so that an answer is not large whatever a process writes; the newest line is given
/// always.
const MAX_TEXT_BYTES: usize = 128 * 1024;

/// How long journalctl may take, waiting for its turn included.
const DEADLINE: Duration = Duration::from_secs(3);

/// How many journalctls may run at once, where nothing else is said.
const MAX_AT_ONCE: usize = 2;

/// Output beyond this is not read.
const MAX_OUTPUT_BYTES: u64 = 4 * 1024 * 1024;
const MAX_COMPLAINT_BYTES: u64 = 16 * 1024;

/// Reads the journal.
pub struct JournalCollector {
    root: Root,
    program: OsString,
    deadline: Duration,
    clocks: fn() -> Clocks,
    /// Starts journalctl.
    starts: Helpers<()>,
    /// Looks for the files, by folder.
    folders: Helpers<&'static str>,
    /// How many may run at once, and their turns.
    turns: Mutex<(usize, Arc<Semaphore>)>,
}

/// What journalctl said.
struct Output {
    lines: Vec<u8>,
    /// There was more than [`MAX_OUTPUT_BYTES`].
    cut: bool,
    complaint: String,
    success: bool,
}

impl JournalCollector {
    /// A collector of the journal that journalctl reads, whose files lie below `root`.
    #[must_use]
    pub fn new(root: Root) -> Self {
        Self {
            root,
            program: "journalctl".into(),
            deadline: DEADLINE,
            clocks: Clocks::read,
            starts: Helpers::new(JOURNALCTL),
            folders: Helpers::new(JOURNAL_FOLDERS),
            turns: Mutex::new(turns(MAX_AT_ONCE)),
        }
    }

    /// Runs `at_once` journalctls at once at the most; those that run or wait already are counted for themselves.
    pub(crate) fn limit(&self, at_once: usize) {
        let mut current = self.turns.lock();
        if current.0 != at_once {
            *current = turns(at_once);
        }
    }

    /// The last lines that process `pid` wrote since `started` (`CLOCK_BOOTTIME`), where that is known, else since
    /// the host booted; newest first. The notice has the reason where lines are missing.
    ///
    /// # Errors
    /// Where journalctl fails, or takes longer than three seconds.
    pub async fn read(
        &self,
        pid: u32,
        started: Option<Duration>,
        now: Now,
    ) -> Result<Journal, Error> {
        let failed = |why: &str| {
            Error::new(
                ErrorCode::Unavailable,
                format!("reading the journal of process {pid} failed: {why}"),
            )
        };
        // Before journalctl takes its time.
        let clocks = (self.clocks)();
        let output = match timeout(self.deadline, self.run(pid)).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Journal {
                    time: Some(now.sample_time()),
                    notice: Some(
                        "This host has no journal: journalctl is not installed.".to_owned(),
                    ),
                    ..Journal::default()
                });
            }
            Ok(Err(error)) => return Err(failed(&format!("cannot run journalctl: {error}"))),
            Err(_) => {
                return Err(failed(
                    "journalctl did not answer within 3 s; try again later",
                ));
            }
        };
        let is_anothers =
            |entry: &Entry| started.is_some_and(|started| entry.is_before(started, &clocks));
        let mut entries: Vec<_> = entries::parse(&output.lines)
            .filter(|entry| !is_anothers(entry))
            .map(Entry::into_model)
            .collect();
        let fitting = fitting(&entries);
        let truncated = entries.len() > fitting || (output.cut && !entries.is_empty());
        entries.truncate(fitting);
        let mut notice = access::notice(&self.folders, &self.root).await;
        if !output.success && !output.cut && notice.is_none() {
            return Err(failed(
                output.complaint.lines().next().unwrap_or("no reason given"),
            ));
        }
        if entries.is_empty() && notice.is_none() {
            notice = Some(format!("Process {pid} wrote nothing to the journal."));
        }
        Ok(Journal {
            time: Some(now.sample_time()),
            entries,
            truncated,
            notice,
        })
    }

    async fn run(&self, pid: u32) -> io::Result<Output> {
        let turns = {
            let current = self.turns.lock();
            Arc::clone(&current.1)
        };
        let turn = turns.acquire_owned().await.map_err(io::Error::other)?;
        let mut command = Command::new(&self.program);
        command
            .args([
                "--boot",
                "--reverse",
                "--no-pager",
                "--output=json",
                "--all",
            ])
            .arg("--output-fields=MESSAGE,PRIORITY,_PID,_UID,_GID,_COMM,_SYSTEMD_UNIT")
            .arg(format!("--lines={}", MAX_ENTRIES + 1))
            .arg(format!("_PID={pid}"))
            .env("LC_ALL", "C.UTF-8");
        let journalctl = Running::start(&self.starts, command, turn).await?;
        let (lines, complaint) = tokio::try_join!(
            bounded(journalctl.stdout, MAX_OUTPUT_BYTES),
            bounded(journalctl.stderr, MAX_COMPLAINT_BYTES),
        )?;
        let cut = lines.1;
        // One that has more to say is killed, and how it ends does not matter.
        let success = !cut && journalctl.ended.await.is_ok_and(|status| status.success());
        Ok(Output {
            lines: lines.0,
            cut,
            complaint: String::from_utf8_lossy(&complaint.0).into_owned(),
            success,
        })
    }
}

fn turns(at_once: usize) -> (usize, Arc<Semaphore>) {
    (at_once, Arc::new(Semaphore::new(at_once)))
}

/// How many of the entries are given.
fn fitting(entries: &[JournalEntry]) -> usize {
    let mut bytes = 0;
    let fit = entries.iter().take_while(|entry| {
        bytes += entry.message.len();
        bytes <= MAX_TEXT_BYTES
    });
    fit.take(MAX_ENTRIES)
        .count()
        .max(usize::from(!entries.is_empty()))
}

/// Reads to the end, or to the limit; whether there was more. The pipe is closed then, which ends a writer that
/// would go on.
async fn bounded(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let Some(mut pipe) = pipe else {
        return Ok((bytes, false));
    };
    (&mut pipe).take(limit).read_to_end(&mut bytes).await?;
    let more = pipe.read(&mut [0]).await? > 0;
    Ok((bytes, more))
}

#[cfg(test)]
mod tests;
