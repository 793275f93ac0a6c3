//! A program in a pseudo-terminal, and the contents of its screen.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::write;

use socktop_testkit::wait::{DEADLINE, wait_for};

/// What keys send, as a terminal in its normal mode does.
pub mod keys {
    /// Enter.
    pub const ENTER: &str = "\r";
    /// Escape.
    pub const ESC: &str = "\x1b";
    /// Cursor down.
    pub const DOWN: &str = "\x1b[B";
    /// Ctrl-C.
    pub const CTRL_C: &str = "\x03";
    /// Ctrl-Z.
    pub const CTRL_Z: &str = "\x1a";
}

/// A terminal's size in cells.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Width.
    pub columns: u16,
    /// Height.
    pub rows: u16,
}

/// A program in a pseudo-terminal. Dropping it kills the program.
pub struct Terminal {
    // Open until the end: closing it hangs the program up.
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    display: Arc<Display>,
}

struct Display {
    parser: Mutex<vt100::Parser>,
    changed: Condvar,
    reading: Mutex<Reading>,
    reading_changed: Condvar,
}

/// Whether the terminal takes what the program writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Yes,
    /// It should stop.
    Stopping,
    /// It has.
    Stopped,
}

impl Terminal {
    /// Starts `command` in a new terminal.
    ///
    /// # Panics
    /// When there is no terminal to be had or the program does not start.
    #[must_use]
    pub fn start(command: &Command, size: Size) -> Self {
        let pair = native_pty_system()
            .openpty(pty_size(size))
            .expect("open a pseudo-terminal");
        let child = pair
            .slave
            .spawn_command(terminal_command(command))
            .unwrap_or_else(|error| panic!("start {}: {error}", command.get_program().display()));
        // The reader sees the end only when no other process holds the program's side.
        drop(pair.slave);
        let mut reader = pair
            .master
            .try_clone_reader()
            .expect("read the pseudo-terminal");
        let writer = pair
            .master
            .take_writer()
            .expect("write the pseudo-terminal");
        let (rows, columns) = cells(size);
        let display = Arc::new(Display {
            parser: Mutex::new(vt100::Parser::new(rows, columns, 0)),
            changed: Condvar::new(),
            reading: Mutex::new(Reading::Yes),
            reading_changed: Condvar::new(),
        });
        let shown = Arc::clone(&display);
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            // A pseudo-terminal whose program has gone reads as an error, EIO.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                shown.lock().process(buffer.get(..read).unwrap_or_default());
                shown.changed.notify_all();
                shown.stop_where_told();
            }
        });
        Self {
            master: pair.master,
            writer,
            child,
            display,
        }
    }

    /// Types `text`; see [`keys`] for what is not text.
    ///
    /// # Panics
    /// When the program has gone.
    pub fn send(&mut self, text: &str) {
        self.writer
            .write_all(text.as_bytes())
            .and_then(|()| self.writer.flush())
            .unwrap_or_else(|error| panic!("type {text:?}: {error}\n{}", self.contents()));
    }

    /// The text on the screen.
    #[must_use]
    pub fn contents(&self) -> String {
        self.display.lock().screen().contents()
    }

    /// Waits until `shows` holds of the text on the screen.
    ///
    /// # Panics
    /// When it did not within [`DEADLINE`]: with `what` was waited for, and the screen.
    pub fn wait_for(&self, what: &str, shows: impl Fn(&str) -> bool) {
        self.look_until(what, |screen| shows(&screen.contents()));
    }

    /// Takes no more of what the program writes, and fills what the kernel keeps of it: to a program that writes, the
    /// terminal of an SSH connection that hangs looks like that.
    ///
    /// # Panics
    /// When the kernel refuses it.
    pub fn stop_taking_output(&self) {
        *self.display.lock_reading() = Reading::Stopping;
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let path = self.master.tty_name().expect("a name of the terminal");
        let terminal = open(&path, flags, Mode::empty()).expect("open the terminal");
        // The reader takes some more before it sees that it should stop.
        wait_for("the reader to stop", || {
            let _ = write(&terminal, b" ");
            (*self.display.lock_reading() == Reading::Stopped).then_some(())
        });
        // The kernel moves some of it further.
        wait_for("the terminal to be full", || {
            let mut wrote = false;
            while write(&terminal, b" ").is_ok() {
                wrote = true;
            }
            (!wrote).then_some(())
        });
    }

    /// Takes what the program writes again.
    pub fn take_output(&self) {
        *self.display.lock_reading() = Reading::Yes;
        self.display.reading_changed.notify_all();
    }

    /// Waits until the program has the terminal: the alternate screen without a cursor, the mouse, marked pastes, and
    /// keys one by one.
    ///
    /// # Panics
    /// When it did not within [`DEADLINE`].
    pub fn wait_until_taken_over(&self) {
        self.look_until(
            "the alternate screen with all that belongs to it",
            |screen| {
                screen.alternate_screen()
                    && screen.hide_cursor()
                    && screen.bracketed_paste()
                    && screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
            },
        );
        wait_for("raw mode", || (!self.is_cooked()).then_some(()));
    }

    /// Waits until the program has given the terminal back: the normal screen with its cursor, and the modes of a shell,
    /// which come a moment later.
    ///
    /// # Panics
    /// When it did not within [`DEADLINE`].
    pub fn wait_until_given_back(&self) {
        self.wait_for_normal_screen();
        wait_for("a shell's modes", || self.is_cooked().then_some(()));
    }

    /// Waits for the normal screen with its cursor; of the modes it says nothing.
    ///
    /// # Panics
    /// When it did not come within [`DEADLINE`].
    pub fn wait_for_normal_screen(&self) {
        self.look_until("the normal screen and its cursor", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
    }

    fn look_until(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let (parser, timeout) = self
            .display
            .changed
            .wait_timeout_while(self.display.lock(), DEADLINE, |parser| {
                !holds(parser.screen())
            })
            .unwrap_or_else(PoisonError::into_inner);
        let screen = parser.screen().contents();
        drop(parser);
        assert!(
            !timeout.timed_out(),
            "waited {DEADLINE:?} in vain for {what}; the screen shows\n{screen}"
        );
    }

    /// Sees to it that `holds` is true of every screen shown for the length of `time`.
    ///
    /// # Panics
    /// At the first screen of which it is not; `what` says what should have held.
    pub fn holds_for(&self, time: Duration, what: &str, holds: impl Fn(&str) -> bool) {
        let end = Instant::now() + time;
        let mut parser = self.display.lock();
        loop {
            let screen = parser.screen().contents();
            assert!(
                holds(&screen),
                "{what} does not hold of the screen\n{screen}"
            );
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return;
            };
            (parser, _) = self
                .display
                .changed
                .wait_timeout(parser, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Changes the terminal's size.
    ///
    /// # Panics
    /// When the kernel refuses it.
    pub fn resize(&mut self, size: Size) {
        let (rows, columns) = cells(size);
        // What the program draws for the new size must find it here.
        let mut parser = self.display.lock();
        self.master
            .resize(pty_size(size))
            .expect("resize the pseudo-terminal");
        parser.set_size(rows, columns);
    }

    /// Whether the terminal echoes and collects lines, as a shell's does.
    ///
    /// # Panics
    /// When the terminal cannot be asked.
    #[must_use]
    pub fn is_cooked(&self) -> bool {
        self.has_mode("ICANON") && self.echoes()
    }

    /// Whether the terminal shows what is typed.
    ///
    /// # Panics
    /// When the terminal cannot be asked.
    #[must_use]
    pub fn echoes(&self) -> bool {
        self.has_mode("ECHO")
    }

    fn has_mode(&self, mode: &str) -> bool {
        let settings = self.master.get_termios().expect("ask the terminal's modes");
        let modes = format!("{:?}", settings.local_flags);
        modes
            .split(|character: char| !character.is_alphanumeric())
            .any(|set| set == mode)
    }

    /// The program's process id.
    ///
    /// # Panics
    /// When it never started.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child
            .process_id()
            .expect("a started program has a pid")
    }

    /// Waits until the program ends.
    ///
    /// # Panics
    /// When it did not within [`DEADLINE`].
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let child = &mut self.child;
        wait_for("the program's end", || {
            child.try_wait().expect("wait for the program")
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Display {
    fn lock_reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop_where_told(&self) {
        let mut reading = self.lock_reading();
        if *reading == Reading::Stopping {
            *reading = Reading::Stopped;
        }
        drop(
            self.reading_changed
                .wait_while(reading, |reading| *reading == Reading::Stopped)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    fn lock(&self) -> MutexGuard<'_, vt100::Parser> {
        self.parser.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pty_size(size: Size) -> PtySize {
    PtySize {
        rows: size.rows,
        cols: size.columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// Rows and columns.
fn cells(size: Size) -> (NonZeroU16, NonZeroU16) {
    let at_least_one = |cells| NonZeroU16::new(cells).expect("a terminal has a cell each way");
    (at_least_one(size.rows), at_least_one(size.columns))
}

/// What starts `command` in a pseudo-terminal.
#[must_use]
pub fn terminal_command(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env("TERM", "xterm-256color");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        }
    }
    if let Some(folder) = command.get_current_dir() {
        builder.cwd(folder);
    }
    builder
}
