//! This test's own process, read by the collector.

use super::*;

/// Collects from the running system, and waits for as long as the collector demands.
fn live<T>(mut collect: impl FnMut() -> Result<Collected<T>, Error>) -> T {
    loop {
        match collect().unwrap() {
            Collected::Ready(sample) => return sample,
            Collected::Wait(time) => std::thread::sleep(time),
        }
    }
}

#[test]
fn details_of_this_process_match_its_row_in_the_list() {
    let own = std::process::id();
    let mut all = ProcessesCollector::new(Root::default());
    let collector = ProcessCollector::new(Root::default());
    let list = live(|| all.collect(&Now::read));
    let details = live(|| wait(collector.collect(own, &Now::read)));
    let listed = list.processes.iter().find(|row| row.pid == own).unwrap();
    let detailed = details.process.as_ref().unwrap();
    assert_eq!(detailed.name, listed.name);
    assert_eq!(detailed.user, listed.user);
    assert_eq!(detailed.user_id, Some(rustix::process::geteuid().as_raw()));
    assert_eq!(detailed.parent_pid, listed.parent_pid);
    assert_eq!(detailed.started_boot_ms, listed.started_boot_ms);
    let exe = std::env::current_exe().unwrap();
    assert_eq!(details.executable.as_deref(), exe.to_str());
    assert_eq!(detailed.name, exe.file_name().unwrap().to_str().unwrap());
    assert_eq!(details.command, std::env::args().collect::<Vec<_>>());
    assert_eq!(
        details.working_directory.as_deref(),
        std::env::current_dir().unwrap().to_str()
    );
    assert!(details.threads.iter().any(|thread| thread.tid == own));
    // Standard input, output and error, and `/proc`.
    assert!(details.descriptors >= Some(4));
    assert!(details.virtual_bytes > detailed.resident_bytes);
    assert!(details.disk_read_bytes.is_some() && details.disk_written_bytes.is_some());
    let now = Now::read().unix.as_millis();
    let age = now - u128::from(details.started_unix_ms.unwrap());
    assert!(age < 3_600_000, "{age} ms");
}

#[test]
fn zombie_is_found_and_thread_id_is_not() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    let collector = ProcessCollector::new(Root::default());
    let details = loop {
        let details = live(|| wait(collector.collect(pid, &Now::read)));
        if details.process.as_ref().unwrap().state() == ProcessState::Zombie {
            break details;
        }
    };
    assert_eq!(details.executable, None);
    assert_eq!(details.command, [""; 0]);
    child.wait().unwrap();
    let error = wait(collector.collect(pid, &Now::read)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    // The harness runs this in a thread that is not the first.
    let thread = rustix::thread::gettid().as_raw_nonzero().get();
    let thread = u32::try_from(thread).unwrap();
    let error = wait(collector.collect(thread, &Now::read)).unwrap_err();
    let process = std::process::id();
    assert!(
        error
            .message
            .contains(&format!("a thread of process {process}")),
        "{}",
        error.message
    );
}
