//! Protection of secrets: memory, files and folders of the real binary are closed to others.
#![cfg(test)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Signal, geteuid};
use socktop_proto::Query;
use socktop_proto::model::body;
use socktop_testkit::agent::AgentProcess;
use socktop_testkit::agent::client::{ask_native, dial_native};
use tokio::net::TcpStream;

/// The user `nobody`, who owns no files.
const NOBODY: u32 = 65_534;

/// A serving agent with this line for sh(1), which runs `"$@"`.
fn serve(script: &str, arguments: &[&str], user: Option<u32>, home: &Path) -> AgentProcess {
    let mut program = PathBuf::from(env!("CARGO_BIN_EXE_socktop-agent"));
    if user.is_some() {
        // Where it was built the user may have no way to it.
        program = home.join("socktop-agent");
        // By another process: while this one has it open for writing, a child that another test starts has it, too, and it cannot
        // be executed.
        let copied = Command::new("cp")
            .args([
                env!("CARGO_BIN_EXE_socktop-agent").as_ref(),
                program.as_os_str(),
            ])
            .status();
        assert!(copied.unwrap().success());
    }
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh"])
        .arg(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home)
        .current_dir(home);
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    AgentProcess::start(&mut command)
}

#[tokio::test]
async fn memory_is_unreadable_to_processes_of_the_same_user() {
    // Root's files are root's either way.
    let (user, dropped) = match geteuid().as_raw() {
        0 => (NOBODY, Some(NOBODY)),
        own => (own, None),
    };
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut agent = serve("exec \"$@\"", &[], dropped, home.path());
    let proc = Path::new("/proc").join(agent.pid().to_string());
    let owner = |name: &str| fs::metadata(proc.join(name)).unwrap().uid();
    // proc(5): files that need the right to trace a process belong to root if it is not dumpable.
    assert_eq!(owner("environ"), 0);
    assert_eq!(owner(""), user);

    let stream = TcpStream::connect(agent.address()).await.unwrap();
    let mut socket = dial_native(stream, None).await.unwrap();
    let mut ask = async |query| ask_native(&mut socket, query).await.kind.unwrap();
    let body::Kind::Processes(list) = ask(Query::Processes).await else {
        panic!("no list of processes");
    };
    let own = list
        .processes
        .iter()
        .find(|process| process.pid == agent.pid());
    assert_eq!(own.unwrap().user_id, Some(user));
    let body::Kind::Disks(_) = ask(Query::Disks).await else {
        panic!("no disks");
    };
    assert!(agent.end_by(Signal::TERM).success());
}

#[test]
fn core_dump_has_no_secrets() {
    let home = tempfile::tempdir().unwrap();
    let script = "ulimit -c unlimited; exec \"$@\"";
    let other = Command::new("sh")
        .args(["-c", "ulimit -c unlimited; kill -ABRT $$"])
        .current_dir(home.path())
        .status();
    if !other.unwrap().core_dumped() {
        eprintln!("skipped: no program's core is dumped here (/proc/sys/kernel/core_pattern)");
        return;
    }
    let mut agent = serve(script, &[], None, home.path());
    let ended = agent.end_by(Signal::ABORT);
    assert_eq!(ended.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!ended.core_dumped());
}

#[test]
fn unit_disables_core_dumps() {
    let unit = include_str!("../../systemd/socktop-agent.service");
    assert!(unit.lines().any(|line| line == "LimitCORE=0"));
}

#[test]
fn setup_sets_file_modes_under_any_umask() {
    for umask in ["0", "077"] {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let set_up = Command::new("sh")
            .args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask])
            .args([env!("CARGO_BIN_EXE_socktop-agent"), "setup", "--root"])
            .arg(root.path())
            .status();
        assert!(set_up.unwrap().success());
        for (name, wanted) in [
            ("", 0o755),
            ("token", 0o600),
            ("tls", 0o700),
            ("tls/self.key", 0o600),
            ("tls/self.pem", 0o644),
        ] {
            let path = root.path().join("etc/socktop").join(name);
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, wanted, "umask {umask}: {}", path.display());
        }
    }
}

#[test]
fn temporary_file_of_a_killed_agent_is_removed_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let start = || {
        let mut agent = serve("exec \"$@\"", &["--enableSSL"], None, home.path());
        assert!(agent.end_by(Signal::TERM).success());
    };
    start();
    let folder = home.path().join(".local/share/socktop_agent/tls");
    let draft = folder.join("key.pem.part");
    fs::write(&draft, "half a key").unwrap();
    start();
    assert!(!draft.exists());
    assert!(folder.join("key.pem").exists());
}
