//! Details of processes on machines of files, and of this test's own process.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use socktop_proto::model::{ProcessDetails, ProcessState};
use socktop_proto::{Error, ErrorCode};

use super::super::processes::fake::{Fake, Machine};
use super::super::{Collected, Now, ProcessesCollector, Root};
use super::{ProcessCollector, VIEWS};

fn collector(machine: &Machine) -> ProcessCollector {
    let mut collector = ProcessCollector::new(machine.root());
    collector.reader = Some(machine.reader());
    collector
}

fn collect(
    machine: &Machine,
    collector: &mut ProcessCollector,
    pid: u32,
) -> Result<Collected<ProcessDetails>, Error> {
    collector.collect(pid, &|| machine.now())
}

fn sample(machine: &Machine, collector: &mut ProcessCollector, pid: u32) -> ProcessDetails {
    match collect(machine, collector, pid).unwrap() {
        Collected::Ready(sample) => sample,
        Collected::Wait(time) => panic!("told to wait {time:?}"),
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
fn everything_is_told() {
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
fn what_may_not_be_read_is_unknown() {
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
fn children_are_found_without_lists_of_them() {
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
fn a_process_that_is_not_there_is_not_found() {
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
fn a_thread_is_no_process() {
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
fn a_pid_that_is_used_again_begins_anew() {
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

#[test]
fn a_process_that_is_replaced_while_it_is_read_is_not_found() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "old"));
    let mut collector = begin(&machine, 70);
    let mut new = Fake::new(70, "new");
    new.started = machine.now().boot;
    let (path, stat) = (machine.path("proc/70/stat"), new.stat());
    let readings = std::sync::atomic::AtomicU32::new(0);
    if let Some(reader) = &mut collector.reader {
        // By the second reading of its clock it has gone.
        reader.cpu_clock = Some(Box::new(move |_| {
            if readings.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
                fs::write(&path, &stat).unwrap();
            }
            Some(1)
        }));
    }
    let error = collect(&machine, &mut collector, 70).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[test]
fn the_counters_of_a_bounded_number_of_processes_are_kept() {
    let machine = Machine::new();
    let last = 100 + u32::try_from(VIEWS).unwrap();
    for pid in 100..=last {
        machine.put(&Fake::new(pid, "process"));
    }
    let mut collector = begin(&machine, 100);
    for pid in 101..=last {
        assert!(matches!(
            collect(&machine, &mut collector, pid),
            Ok(Collected::Wait(_))
        ));
    }
    assert_eq!(collector.views.len(), VIEWS);
    machine.pass(500);
    assert!(matches!(
        collect(&machine, &mut collector, 100),
        Ok(Collected::Wait(_))
    ));
    sample(&machine, &mut collector, last);
}

/// Collects from the running system, waiting as told.
fn live<T>(mut collect: impl FnMut() -> Result<Collected<T>, Error>) -> T {
    loop {
        match collect().unwrap() {
            Collected::Ready(sample) => return sample,
            Collected::Wait(time) => std::thread::sleep(time),
        }
    }
}

#[test]
fn this_process_is_told_as_the_list_tells_it() {
    let own = std::process::id();
    let mut all = ProcessesCollector::new(Root::default());
    let mut collector = ProcessCollector::new(Root::default());
    let list = live(|| all.collect(&Now::read));
    let details = live(|| collector.collect(own, &Now::read));
    let listed = list.processes.iter().find(|row| row.pid == own).unwrap();
    let told = details.process.as_ref().unwrap();
    assert_eq!(told.name, listed.name);
    assert_eq!(told.user, listed.user);
    assert_eq!(told.user_id, Some(rustix::process::geteuid().as_raw()));
    assert_eq!(told.parent_pid, listed.parent_pid);
    assert_eq!(told.started_boot_ms, listed.started_boot_ms);
    let exe = std::env::current_exe().unwrap();
    assert_eq!(details.executable.as_deref(), exe.to_str());
    assert_eq!(told.name, exe.file_name().unwrap().to_str().unwrap());
    assert_eq!(details.command, std::env::args().collect::<Vec<_>>());
    assert_eq!(
        details.working_directory.as_deref(),
        std::env::current_dir().unwrap().to_str()
    );
    assert!(details.threads.iter().any(|thread| thread.tid == own));
    // Standard input, output and error, and `/proc`.
    assert!(details.descriptors >= Some(4));
    assert!(details.virtual_bytes > told.resident_bytes);
    assert!(details.disk_read_bytes.is_some() && details.disk_written_bytes.is_some());
    let now = Now::read().unix.as_millis();
    let age = now - u128::from(details.started_unix_ms.unwrap());
    assert!(age < 3_600_000, "{age} ms");
}

#[test]
fn a_zombie_and_a_threads_id_are_told_apart_from_the_living() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    let mut collector = ProcessCollector::new(Root::default());
    let details = loop {
        let details = live(|| collector.collect(pid, &Now::read));
        if details.process.as_ref().unwrap().state() == ProcessState::Zombie {
            break details;
        }
    };
    assert_eq!(details.executable, None);
    assert_eq!(details.command, [""; 0]);
    child.wait().unwrap();
    let error = collector.collect(pid, &Now::read).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    // The harness runs this in a thread that is not the first.
    let thread = rustix::thread::gettid().as_raw_nonzero().get();
    let error = collector
        .collect(u32::try_from(thread).unwrap(), &Now::read)
        .unwrap_err();
    let process = std::process::id();
    assert!(
        error
            .message
            .contains(&format!("a thread of process {process}")),
        "{}",
        error.message
    );
}
