//! A program that runs beside the test.

use std::fs::File;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use crate::wait::wait_for;

/// A program that runs beside the test, without input. Dropping it kills it.
pub struct Background {
    child: Child,
    log: NamedTempFile,
}

impl Background {
    /// Starts `command`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let log = NamedTempFile::new().expect("make a log file");
        let output = || {
            let file = File::options().append(true).open(log.path());
            Stdio::from(file.expect("open the log file"))
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", command.get_program().display()));
        Self { child, log }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    ///
    /// # Panics
    /// When the log file cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.log.path()).expect("read the log file");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sees to it that it still runs.
    ///
    /// # Panics
    /// When it has ended: with what it printed.
    pub fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("wait for a program") {
            panic!("the program ended with {status} and said\n{}", self.log());
        }
    }

    /// Waits until `shows` holds of what it printed.
    ///
    /// # Panics
    /// When it ends first, or takes too long.
    pub fn wait_for_log(&mut self, what: &str, shows: impl Fn(&str) -> bool) {
        wait_for(what, || {
            if shows(&self.log()) {
                return Some(());
            }
            self.assert_running();
            None
        });
    }

    /// Sends it `signal` and waits until it has ended.
    ///
    /// # Panics
    /// When it does not end.
    pub fn end_by(&mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).expect("signal a program");
        wait_for("a program's end", || {
            self.child.try_wait().expect("wait for a program")
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
