//! A pseudo-terminal that counts the bytes written to it and displays nothing.

use std::io::Read as _;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use socktop_tests::terminal_command;

/// Columns and rows.
const SIZE: PtySize = PtySize {
    cols: 120,
    rows: 40,
    pixel_width: 0,
    pixel_height: 0,
};

/// The end of the output, for error messages.
const KEPT_BYTES: usize = 4096;

/// A program in a pseudo-terminal of 120x40. Dropping it kills the program.
pub struct Screen {
    // Open until the end: closing it hangs the program up.
    _master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Arc<Output>,
}

#[derive(Default)]
struct Output {
    written: AtomicU64,
    last: Mutex<Vec<u8>>,
}

impl Screen {
    /// Starts `command`, of which the program, arguments, variables and folder count.
    ///
    /// # Errors
    /// When there is no terminal to be had or the program does not start.
    pub fn start(command: &Command) -> Result<Self> {
        let pair = native_pty_system().openpty(SIZE)?;
        let name = command.get_program().display().to_string();
        let child = pair
            .slave
            .spawn_command(in_utf8(command))
            .with_context(|| format!("starting {name}"))?;
        // The reader sees the end only when no other process holds the program's side.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader()?;
        let output = Arc::new(Output::default());
        let noted = Arc::clone(&output);
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                let count = u64::try_from(length).unwrap_or(0);
                noted.written.fetch_add(count, Ordering::Relaxed);
                let mut last = noted.last.lock().unwrap_or_else(PoisonError::into_inner);
                last.extend_from_slice(buffer.get(..length).unwrap_or_default());
                let surplus = last.len().saturating_sub(KEPT_BYTES);
                last.drain(..surplus);
            }
        });
        Ok(Self {
            _master: pair.master,
            child,
            output,
        })
    }

    /// Its process id.
    ///
    /// # Errors
    /// When it has ended: with the last that it wrote.
    pub fn pid(&mut self) -> Result<u32> {
        if let Some(status) = self.child.try_wait()? {
            let last = &self.output.last;
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            anyhow::bail!("it ended, {status}: {}", String::from_utf8_lossy(&last));
        }
        self.child.process_id().context("it has no process id")
    }

    /// Bytes that it wrote so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.output.written.load(Ordering::Relaxed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All clients draw the same signs then.
fn in_utf8(command: &Command) -> CommandBuilder {
    let mut builder = terminal_command(command);
    builder.env("LC_ALL", "C.UTF-8");
    builder
}
