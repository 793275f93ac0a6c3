//! Atomicity of the files that the agent's commands write: complete or absent and without leftovers, killed at every
//! step and on a full disk. Needs strace and, for the full disk, root.

#![cfg(test)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use rustix::process::{Signal, geteuid};
use socktop_tests::our_program;

/// All calls by which files are changed, as strace(1) names them; not every architecture has each.
const CHANGES: [&str; 10] = [
    "mkdir", "mkdirat", "openat", "write", "fchmod", "fsync", "rename", "renameat", "unlink",
    "unlinkat",
];

static AGENT: LazyLock<PathBuf> = LazyLock::new(|| our_program("socktop-agent"));

/// A root file system for the agent's commands.
struct System(tempfile::TempDir);

impl System {
    fn new() -> Self {
        let system = Self(tempfile::tempdir().unwrap());
        fs::create_dir(system.path("etc")).unwrap();
        let machine_id = "0123456789abcdef0123456789abcdef\n";
        fs::write(system.path("etc/machine-id"), machine_id).unwrap();
        system
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `socktop-agent` with `arguments` on it, behind the program `before`.
    fn run(&self, before: &[&str], arguments: &[&str]) -> Output {
        let mut line: Vec<&OsStr> = before.iter().map(OsStr::new).collect();
        line.push(AGENT.as_os_str());
        line.extend(arguments.iter().map(OsStr::new));
        let (program, arguments) = line.split_first().unwrap();
        Command::new(program)
            .args(arguments)
            .arg("--root")
            .arg(self.0.path())
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(&[], arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Everything in `/etc/socktop`.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path("etc/socktop")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }

    /// Nothing is left over, each token is whole, and clients can be admitted.
    fn is_whole(&self, at: &str) {
        for file in self.files() {
            let draft = file
                .extension()
                .is_some_and(|extension| extension == "part");
            assert!(!draft, "{at}: {} is left over", file.display());
        }
        let tokens = fs::read_to_string(self.path("etc/socktop/token")).unwrap();
        assert!(!tokens.is_empty(), "{at}: no tokens");
        for line in tokens.lines() {
            let token = line.split(' ').next().unwrap();
            let is_whole = token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_whole, "{at}: half a token");
        }
        let line = self.succeeds(&["pair", "--host", "pi4"]);
        assert!(line.starts_with("socktop://pi4:8443/?pin=sha256:"), "{at}");
    }
}

/// Kills `socktop-agent` with `arguments` at each call that changes something, each time on another system, and says
/// how often. `check` sees what was left.
fn kill_everywhere(arguments: &[&str], make: impl Fn() -> System, check: impl Fn(&System, &str)) {
    let mut killed = 0;
    for call in CHANGES {
        for when in 1.. {
            let system = make();
            let inject = format!("inject=?{call}:signal=KILL:when={when}");
            let strace = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", &inject];
            let ended = system.run(&strace, arguments).status;
            if ended.signal() != Some(Signal::KILL.as_raw()) {
                assert!(ended.success(), "{call} {when}: {ended}");
                break;
            }
            killed += 1;
            check(&system, &format!("killed at {call} {when}"));
        }
    }
    println!("{arguments:?}: killed {killed} times");
    assert!(killed > 20, "it was killed {killed} times alone");
}

#[test]
fn setup_killed_anywhere_is_completed_by_the_next() {
    kill_everywhere(&["setup"], System::new, |system, at| {
        system.succeeds(&["setup"]);
        system.is_whole(at);
    });
}

#[test]
fn token_change_killed_anywhere_leaves_only_complete_files() {
    let first = System::new();
    first.succeeds(&["setup"]);
    let before = fs::read_to_string(first.path("etc/socktop/token")).unwrap();
    let make = || {
        let system = System::new();
        copy(&first.path("etc/socktop"), &system.path("etc/socktop"));
        system
    };
    kill_everywhere(
        &["token", "add", "eve", "--host", "pi4"],
        make,
        |system, at| {
            // Whatever was done, who could enter before can still.
            let tokens = fs::read_to_string(system.path("etc/socktop/token")).unwrap();
            assert!(tokens.starts_with(&before), "{at}");
            system.succeeds(&["pair", "--host", "pi4"]);
            system.is_whole(at);
        },
    );
}

/// Copies a folder with its permissions.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// Fills a disk of $2 bytes and $3 files, at $1, sees what setup ($4 and further) leaves there, and gives it room.
const FULL_DISK: &str = r#"
set -eu
folder=$1 size=$2 files=$3
shift 3
mount -t tmpfs -o "size=$size,nr_inodes=$files,mode=755" none "$folder"
"$@" || echo failed
find "$folder" -name '*.part' -printf 'left over: %p\n'
find "$folder" -type f -size 0 -printf 'empty: %p\n'
mount -o remount,size=1m,nr_inodes=100 "$folder"
"$@"
find "$folder" -name '*.part' -printf 'left over: %p\n'
grep -Eqx '[0-9a-f]{64}' "$folder/token" || echo 'no token'
[ -s "$folder/tls/self.key" ] && [ -s "$folder/tls/self.pem" ] || echo 'no identity'
"#;

#[test]
fn full_disk_leaves_files_complete_or_absent() {
    if !geteuid().is_root() {
        eprintln!("skipped: a small disk can be mounted by root alone");
        return;
    }
    let mut failed = 0;
    let bytes = (4..=40).step_by(4).map(|kibibytes| (kibibytes * 1024, 100));
    for (size, files) in bytes.chain((2..10).map(|files| (1 << 20, files))) {
        let system = System::new();
        let folder = system.path("etc/socktop");
        fs::create_dir(&folder).unwrap();
        let (size, files) = (size.to_string(), files.to_string());
        let script = ["unshare", "-m", "sh", "-c", FULL_DISK, "sh"];
        let place = [folder.to_str().unwrap(), &size, &files];
        let output = system.run(&[&script[..], &place].concat(), &["setup"]);
        let said = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{size} {files}: {said}{errors}");
        failed += usize::from(said.contains("failed"));
        let faults = said.replace("failed\n", "");
        assert_eq!(faults, "", "{size} bytes, {files} files: {errors}");
    }
    assert!(failed > 3, "the disk was full {failed} times alone");
}
