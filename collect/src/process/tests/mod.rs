//! Tests of process details on fixture machines, and on this test's own process.

mod large;
mod live;

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socktop_proto::limits::{COMMAND_WORDS, MESSAGE_BYTES, PARTS, PATH_BYTES};
use socktop_proto::model::{ProcessDetails, ProcessState};
use socktop_proto::{Error, ErrorCode};

use crate::deadline::Outcome;
use crate::process::slow_files::{CommandLimit, SlowFiles, call};
use crate::process::{CHILDREN, CHILDREN_TEXT_BYTES, ProcessCollector, THREADS, VIEWS, fitting};
use crate::processes::fake::{Fake, Machine};
use crate::{Collected, Now, ProcessesCollector, Root};

fn collector(machine: &Machine) -> ProcessCollector {
    let mut collector = ProcessCollector::new(machine.root());
    collector.state.get_mut().reader = Some(machine.reader());
    collector
}

/// Waits for what a collector gives.
fn wait<T>(collecting: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(collecting)
}

fn collect(
    machine: &Machine,
    collector: &mut ProcessCollector,
    pid: u32,
) -> Result<Collected<ProcessDetails>, Error> {
    wait(collector.collect(pid, &|| machine.now()))
}

fn sample(machine: &Machine, collector: &mut ProcessCollector, pid: u32) -> ProcessDetails {
    match collect(machine, collector, pid).unwrap() {
        Collected::Ready(sample) => sample,
        Collected::Wait(time) => panic!("unexpected wait of {time:?}"),
    }
}

/// Reads a baseline and lets half a second pass.
fn begin(machine: &Machine, pid: u32) -> ProcessCollector {
    let mut collector = collector(machine);
    let first = collect(machine, &mut collector, pid);
    let half = Duration::from_millis(250);
    assert!(matches!(first, Ok(Collected::Wait(wait)) if wait == half));
    machine.pass(500);
    collector
}

/// A thread that has a CPU time of its own.
fn put_thread(machine: &Machine, pid: u32, thread: &Fake, children: &str) {
    let folder = format!("proc/{pid}/task/{}", thread.pid);
    machine.write(&format!("{folder}/stat"), &thread.stat());
    machine.write(&format!("{folder}/children"), children.as_bytes());
}

#[test]
fn all_details_are_read() {
    let machine = Machine::new();
    let mut process = Fake::new(70, "a-program-with-");
    process.cmdline = b"/opt/a-program-with-more\0-v\0two words\0".to_vec();
    process.exe = Some(b"/opt/a-program-with-more".to_vec());
    process.threads = 2;
    process.started = Duration::from_mins(15);
    machine.put(&process);
    symlink("/var/lib", machine.path("proc/70/cwd")).unwrap();
    machine.write("proc/70/statm", b"10 5 3 1 0 2 0\n");
    machine.write(
        "proc/70/io",
        b"rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\n",
    );
    for descriptor in ["0", "1", "10"] {
        machine.write(&format!("proc/70/fd/{descriptor}"), b"");
    }
    let mut worker = Fake::new(74, "worker");
    worker.state = 'R';
    worker.cpu = Duration::from_millis(50);
    put_thread(&machine, 70, &process, "71 ");
    put_thread(&machine, 70, &worker, "72 73 ");
    for child in [71, 72] {
        let mut child = Fake::new(child, "child");
        child.parent = 70;
        machine.put(&child);
    }
    let mut collector = begin(&machine, 70);
    process.cpu += Duration::from_millis(500);
    machine.put(&process);
    let details = sample(&machine, &mut collector, 70);

    let row = details.process.clone().unwrap();
    assert_eq!(row.name, "a-program-with-more");
    assert_eq!(row.cpu_percent, Some(25.0));
    assert_eq!(row.threads, Some(2));
    let page_bytes = u64::try_from(rustix::param::page_size()).unwrap();
    let expected = ProcessDetails {
        time: Some(machine.now().sample_time()),
        process: details.process.clone(),
        group_id: Some(rustix::process::getegid().as_raw()),
        command: ["/opt/a-program-with-more", "-v", "two words"]
            .map(str::to_owned)
            .into(),
        executable: Some("/opt/a-program-with-more".to_owned()),
        working_directory: Some("/var/lib".to_owned()),
        virtual_bytes: Some(10 * page_bytes),
        shared_bytes: Some(3 * page_bytes),
        started_unix_ms: Some(1_700_000_900_000),
        cpu_user_us: Some(750_000),
        cpu_system_us: Some(750_000),
        disk_read_bytes: Some(4096),
        disk_written_bytes: Some(8192),
        descriptors: Some(3),
        threads: details.threads.clone(),
        children: details.children.clone(),
        children_total: Some(3),
        command_cut: false,
        unanswered_ms: None,
    };
    assert_eq!(details, expected);

    let [main, second] = &details.threads[..] else {
        panic!("{:?}", details.threads)
    };
    assert_eq!((main.tid, &*main.name), (70, "a-program-with-more"));
    assert_eq!((second.tid, &*second.name), (74, "worker"));
    assert_eq!(second.state(), ProcessState::Running);
    assert_eq!(
        (second.cpu_user_us, second.cpu_system_us),
        (Some(20_000), Some(30_000))
    );

    // 73 is gone by the time it is read.
    let pids = |child: &ProcessDetails| child.process.as_ref().map(|row| row.pid);
    assert_eq!(
        details.children.iter().filter_map(pids).collect::<Vec<_>>(),
        [71, 72]
    );
    let child = details.children[0].process.as_ref().unwrap();
    assert_eq!((child.cpu_percent, &*child.name), (Some(0.0), "child"));
}

#[test]
fn unreadable_values_are_unknown() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "process"));
    let details = sample(&machine, &mut begin(&machine, 70), 70);
    assert_eq!(details.executable, None);
    assert_eq!(details.working_directory, None);
    assert_eq!(details.virtual_bytes, None);
    assert_eq!(details.disk_read_bytes, None);
    assert_eq!(details.disk_written_bytes, None);
    assert_eq!(details.descriptors, None);
}

#[test]
fn children_are_found_without_a_children_file() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "process"));
    let mut child = Fake::new(71, "child");
    child.parent = 70;
    machine.put(&child);
    machine.put(&Fake::new(72, "other"));
    put_thread(&machine, 70, &Fake::new(70, "process"), "");
    fs::remove_file(machine.path("proc/70/task/70/children")).unwrap();
    let details = sample(&machine, &mut begin(&machine, 70), 70);
    assert_eq!(details.children.len(), 1);
    assert_eq!(details.children[0].process.as_ref().unwrap().pid, 71);
}

#[test]
fn child_that_moves_between_threads_is_listed_once() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "process"));
    let mut child = Fake::new(71, "child");
    child.parent = 70;
    machine.put(&child);
    // The first thread had it when it was read, and has ended when the second is read.
    put_thread(&machine, 70, &Fake::new(70, "process"), "71 ");
    put_thread(&machine, 70, &Fake::new(74, "worker"), "71 ");
    let details = sample(&machine, &mut begin(&machine, 70), 70);
    assert_eq!(details.children.len(), 1);
    assert_eq!(details.children_total, Some(1));
}

#[test]
fn missing_process_is_not_found() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "process"));
    let mut collector = begin(&machine, 70);
    for pid in [0, 7, u32::MAX] {
        let error = collect(&machine, &mut collector, pid).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound);
        assert!(
            error
                .message
                .starts_with(&format!("process {pid} not found"))
        );
    }
    sample(&machine, &mut collector, 70);
    machine.remove(70);
    let error = collect(&machine, &mut collector, 70).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[test]
fn thread_id_is_not_found_as_a_process() {
    let machine = Machine::new();
    machine.put(&Fake::new(71, "thread"));
    machine.write("proc/71/status", b"Name:\tthread\nTgid:\t70\nPid:\t71\n");
    let error = collect(&machine, &mut collector(&machine), 71).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    assert!(
        error.message.contains("a thread of process 70"),
        "{}",
        error.message
    );
}

#[test]
fn reused_pid_starts_with_new_counters() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "old"));
    let mut collector = begin(&machine, 70);
    sample(&machine, &mut collector, 70);
    let mut new = Fake::new(70, "new");
    new.started = machine.now().boot;
    machine.put(&new);
    assert!(matches!(
        collect(&machine, &mut collector, 70),
        Ok(Collected::Wait(_))
    ));
}

/// Lets another process, whose command line is a secret, get the pid of `replaced` when its clock is read next.
fn replace(machine: &Machine, collector: &mut ProcessCollector, replaced: &Fake) {
    let mut stranger = Fake::new(replaced.pid, "stranger");
    stranger.parent = replaced.parent;
    stranger.started = machine.now().boot;
    let folder = machine.path(&format!("proc/{}", replaced.pid));
    let has_ended = AtomicBool::new(false);
    let pid = replaced.pid;
    if let Some(reader) = &mut collector.state.get_mut().reader {
        reader.cpu_clock = Some(Box::new(move |read| {
            if read == pid && !has_ended.swap(true, Ordering::Relaxed) {
                fs::remove_dir_all(&folder).unwrap();
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join("stat"), stranger.stat()).unwrap();
                fs::write(folder.join("cmdline"), "secret\0").unwrap();
            }
            Some(1)
        }));
    }
}

#[test]
fn a_process_that_is_replaced_while_it_is_read_is_not_found() {
    let machine = Machine::new();
    let old = Fake::new(70, "old");
    machine.put(&old);
    let mut collector = begin(&machine, 70);
    replace(&machine, &mut collector, &old);
    let error = collect(&machine, &mut collector, 70).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[test]
fn child_row_has_no_values_of_another_process() {
    let machine = Machine::new();
    let parent = Fake::new(70, "parent");
    machine.put(&parent);
    put_thread(&machine, 70, &parent, "71 72 ");
    let child = |pid| {
        let mut child = Fake::new(pid, "child");
        child.parent = 70;
        child.cmdline = b"child\0".to_vec();
        child
    };
    machine.put(&child(71));
    machine.put(&child(72));
    let mut collector = begin(&machine, 70);
    replace(&machine, &mut collector, &child(71));
    let details = sample(&machine, &mut collector, 70);
    let rows: Vec<_> = details
        .children
        .iter()
        .map(|child| (child.process.as_ref().unwrap().pid, child.command.concat()))
        .collect();
    assert_eq!(rows, [(72, "child".to_owned())]);
    assert_eq!(details.children_total, Some(2));
}

#[test]
fn slow_files_are_not_read_from_a_reused_pid() {
    let machine = Machine::new();
    let mut stranger = Fake::new(70, "stranger");
    stranger.cmdline = b"secret\0".to_vec();
    machine.put(&stranger);
    let reader = machine.reader();
    let started = |seconds| (70, seconds * rustix::param::clock_ticks_per_second());
    let read = |process| (call(reader.proc.dir(), process, None, CommandLimit::WHOLE).make)();
    assert_ne!(read(started(1)), SlowFiles::default());
    assert_eq!(read(started(2)), SlowFiles::default());
}

#[test]
fn hung_process_is_shown_without_its_command_line() {
    let mut details = ProcessDetails::default();
    SlowFiles::add(Outcome::Hung(Duration::from_secs(12)), &mut details);
    assert_eq!(details.unanswered_ms, Some(12_000));
    let mut details = ProcessDetails::default();
    SlowFiles::add(Outcome::NotMade, &mut details);
    assert_eq!(details.unanswered_ms, Some(0));
}
