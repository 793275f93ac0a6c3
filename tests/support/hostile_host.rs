//! A host with hostile local users: namespaces of its own, and programs in them that do what such users can do
//! (`hostile_host.py`).

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::programs::{clean_command, our_program};
use socktop_testkit::programs::Background;
use socktop_testkit::programs::{Server, free_port};
use socktop_testkit::wait::DEADLINE;

/// Set inside a host of a test's own: the name of the test.
const INSIDE: &str = "SOCKTOP_HOSTILE_HOST";

/// Runs `body` as `test` in mount, PID and network namespaces of its own, where nothing that it does outlives it, and where other
/// tests' processes are not seen. Where that is not to be had, says so and runs nothing; in CI, fails.
///
/// # Panics
/// When `body` does.
pub fn in_own_host(test: &str, body: impl FnOnce()) {
    if env::var_os(INSIDE).is_some_and(|inside| inside == test) {
        let up = Command::new("ip")
            .args(["link", "set", "lo", "up"])
            .status();
        assert!(up.expect("run ip of iproute2").success(), "loopback");
        body();
        return;
    }
    if !geteuid().is_root() {
        skip(test, "namespaces and mounts need root");
        return;
    }
    if !have_fuse() {
        skip(test, "/dev/fuse is missing, and mknod does not make it");
        return;
    }
    let program = our_program("socktop-agent");
    let folder = program.parent().expect("a program is in a folder");
    let status = Command::new("unshare")
        .args(["--mount", "--pid", "--net", "--fork"])
        .args(["--mount-proc", "--kill-child"])
        .arg(env::current_exe().expect("the test's own program"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, test)
        .env("SOCKTOP_BIN", folder)
        .stdin(Stdio::null())
        .status()
        .expect("run unshare of util-linux");
    assert!(status.success(), "{test} in its own host: {status}");
}

/// Says that a test is skipped, and why.
///
/// # Panics
/// In CI as root, where nothing may be skipped.
pub fn skip(test: &str, reason: &str) {
    assert!(
        !geteuid().is_root() || env::var_os("CI").is_none(),
        "{test} may not be skipped in CI: {reason}"
    );
    println!("SKIPPED {test}: {reason}");
}

fn have_fuse() -> bool {
    let device = Path::new("/dev/fuse");
    if !device.exists() {
        // A container may come without it. Whether this helps is seen below.
        let _ = Command::new("mknod")
            .args(["/dev/fuse", "c", "10", "229"])
            .status();
    }
    fs::File::options()
        .read(true)
        .write(true)
        .open(device)
        .is_ok()
}

/// A program that does something hostile. What it made goes when this is dropped.
pub struct Hostile {
    program: Background,
}

impl Hostile {
    /// Starts `kind` of `hostile_host.py`, and waits until all is set up.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn start(kind: &str, arguments: &[&str]) -> Self {
        Self::start_as(&mut Command::new(python()), kind, arguments)
    }

    /// The same by `python`, a command that starts Python.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn start_as(python: &mut Command, kind: &str, arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/hostile_host.py");
        python.arg("-S").arg(script).arg(kind).args(arguments);
        let mut program = Background::start(python);
        program.wait_for_log(kind, |log| log.lines().any(|line| line == "ready"));
        Self { program }
    }

    /// The processes that it called `role`.
    #[must_use]
    pub fn pids(&self, role: &str) -> Vec<u32> {
        let log = self.program.log();
        log.lines()
            .filter_map(|line| line.strip_prefix(role)?.strip_prefix(' ')?.parse().ok())
            .collect()
    }

    /// Its own process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Starts `count` processes with the name `comm` that can lock their own memory map, with file systems below `folder`.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn with_own_memory(folder: &Path, comm: &str, count: usize) -> Self {
        let folder = folder.to_str().expect("a plain path");
        let mut it = Self::start("hung_memory", &[folder, comm, &count.to_string()]);
        it.program.wait_for_log("the processes", |log| {
            log.lines()
                .filter(|line| line.starts_with("holder "))
                .count()
                == count
        });
        it
    }

    /// Makes the processes of [`Self::with_own_memory`] lock their memory maps: a reader of their command lines then waits.
    ///
    /// # Panics
    /// When they do not.
    pub fn lock_memory(&mut self) {
        let count = self.pids("holder").len();
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::USR1).expect("signal a program");
        self.program.wait_for_log("the locks", |log| {
            log.lines()
                .filter(|line| line.starts_with("locked "))
                .count()
                == count
        });
    }
}

/// The Python interpreter itself: the `python3` of the path may be a script that looks for it.
///
/// # Panics
/// When there is none.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let output = Command::new("python3")
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .expect("run python3");
        let path = String::from_utf8(output.stdout).expect("a path");
        Path::new(path.trim())
            .canonicalize()
            .expect("find the Python interpreter")
    })
}

/// Starts an agent that answers as often as it is asked, and reads anew each time, with more `settings`.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn eager_agent(home: &Path, settings: &str) -> Server {
    let mut command = clean_command(&our_program("socktop-agent"), home);
    start_eager(&mut command, home, settings)
}

/// The same, started by `runner`, which takes a command as its arguments.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn eager_agent_below(runner: &mut Command, home: &Path, settings: &str) -> Server {
    start_eager(runner.arg(our_program("socktop-agent")), home, settings)
}

fn start_eager(command: &mut Command, home: &Path, settings: &str) -> Server {
    let file = home.join("agent.toml");
    let eager = "limits.requests_per_second = 10000\n\
                 cache.metrics_ms = 0\ncache.processes_ms = 0\ncache.disks_ms = 0\n";
    fs::write(&file, format!("{eager}{settings}")).expect("write the settings");
    let port = free_port();
    command
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .arg("--config")
        .arg(file);
    Server::start(command, port)
}

/// Asks `/healthz` of the agent at `url`, and gives the status line.
///
/// # Panics
/// When there is no answer.
#[must_use]
pub fn health(url: &str) -> String {
    let authority = url
        .trim_start_matches("ws://")
        .trim_end_matches("/ws")
        .to_owned();
    let mut stream = TcpStream::connect(&authority).expect("connect for /healthz");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("bound the wait");
    let request =
        format!("GET /healthz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("ask /healthz");
    let mut reply = String::new();
    stream
        .read_to_string(&mut reply)
        .expect("the answer of /healthz");
    reply.lines().next().unwrap_or_default().to_owned()
}

/// How many threads a process has: `/proc/PID/task`.
///
/// # Panics
/// When it is gone.
#[must_use]
pub fn threads(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task"))
        .expect("list a program's threads")
        .count()
}

/// A process's resident memory in bytes, `VmRSS` of `proc_pid_status(5)`.
///
/// # Panics
/// When it is gone.
#[must_use]
pub fn resident_bytes(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:")
}

/// A process's resident memory that is no file's in bytes, `RssAnon` of `proc_pid_status(5)`.
///
/// # Panics
/// When it is gone.
#[must_use]
pub fn anonymous_bytes(pid: u32) -> u64 {
    status_bytes(pid, "RssAnon:")
}

fn status_bytes(pid: u32, field: &str) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).expect("read a program's status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .expect("a running program has resident memory");
    let kib: u64 = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number of kB");
    kib * 1024
}
