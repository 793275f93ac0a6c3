//! Mounts that hang or impersonate others, against the whole agent. Needs root, Python, unshare and `/dev/fuse`.

use std::path::Path;
use std::process::Command;

use socktop_proto::Query;
use socktop_proto::model::{Disk, DiskState, Disks, Processes, body};
use socktop_tests::{Conversation, Server, clean_command, free_port, our_program};

/// Starts an agent behind what `script` does in mount and pid namespaces of its own. It finds a folder in `$FOLDER`, the
/// program that mounts what hangs in `$HUNG`, and the agent in `$AGENT`.
fn start(script: &str, folder: &Path) -> Server {
    let port = free_port();
    let hung = Path::new(env!("CARGO_MANIFEST_DIR")).join("system/hung_mount.py");
    let agent = our_program("socktop-agent");
    let mut command: Command = clean_command(Path::new("unshare"), folder);
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["sh", "-c", script])
        .env("FOLDER", folder)
        .env("HUNG", hung)
        .env("AGENT", format!("{} --port {port}", agent.display()));
    Server::start(&mut command, port)
}

fn disks(client: &mut Conversation) -> Disks {
    match client.ask(Query::Disks).kind {
        Some(body::Kind::Disks(disks)) => disks,
        other => panic!("{other:?} instead of disks"),
    }
}

fn processes(client: &mut Conversation) -> Processes {
    match client.ask(Query::Processes).kind {
        Some(body::Kind::Processes(list)) => list,
        other => panic!("{other:?} instead of processes"),
    }
}

fn is_at(disk: &Disk, folder: &Path) -> bool {
    let point = disk.mount_point.as_deref().unwrap_or_default();
    Path::new(point).starts_with(folder)
}

#[test]
fn hung_user_mounts_take_few_tasks_and_hide_no_host_disk() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"python3 "$HUNG" "$FOLDER" 127 1000 &
        until grep -q "$FOLDER/126 " /proc/self/mountinfo; do sleep 0.05; done
        exec $AGENT"#;
    let agent = start(script, folder.path());
    let mut client = Conversation::open(&agent.url());
    for _ in 0..3 {
        let sample = disks(&mut client);
        let (hung, own): (Vec<_>, Vec<_>) = sample
            .disks
            .iter()
            .partition(|disk| is_at(disk, folder.path()));
        assert!(own.iter().any(|disk| disk.state() == DiskState::Ok));
        assert_eq!((hung.len(), sample.not_listed), (16, Some(127 - 16)));
        assert!(hung.iter().all(|disk| disk.state() == DiskState::Hung));
    }
    let list = processes(&mut client).processes;
    let asking = list.iter().filter(|process| process.name == "stat").count();
    assert_eq!(asking, 4);
    let threads = list
        .iter()
        .find(|process| process.name == "socktop-agent")
        .and_then(|agent| agent.threads);
    assert!(threads <= Some(8), "{threads:?}");
}

#[test]
fn file_system_mounted_over_a_disk_is_not_shown_as_that_disk() {
    let folder = tempfile::tempdir().unwrap();
    // The shell asks where it is: not in the folder itself.
    let script = r#"python3 "$HUNG" "$FOLDER" 1 &
        until grep -q "$FOLDER/0 " /proc/self/mountinfo; do sleep 0.05; done
        unshare --mount sh -c 'mount -t tmpfs -o size=7m tmpfs "$FOLDER/0"; exec $AGENT'"#;
    let agent = start(script, folder.path());
    let mut client = Conversation::open(&agent.url());
    let sample = disks(&mut client);
    let disk = sample
        .disks
        .iter()
        .find(|disk| is_at(disk, folder.path()))
        .unwrap();
    assert_eq!(disk.state(), DiskState::Unreadable);
    assert_eq!(disk.total_bytes, None);
}
