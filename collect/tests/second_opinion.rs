//! The readers of this machine's kernel against those of sysinfo.
//!
//! What moves is read before and after sysinfo reads it, and sysinfo's number has to lie between the two, or within a
//! tolerance that the comparison states. Something may come and go between the two readings, so a comparison may be made
//! [`ATTEMPTS`] times: a reader that is wrong agrees in none of them. What cannot be compared is printed with the reason,
//! and something has to be compared in each test.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use socktop_collect::{
    Collected, DisksCollector, MetricsCollector, MetricsOptions, Now, ProcessesCollector, Root,
};
use socktop_proto::model::{Disk, DiskState, Disks, Interface, Metrics, Process, Processes};
use sysinfo::{Networks, ProcessRefreshKind, ProcessesToUpdate, System, Users};

/// How often a comparison of what moves is made before it fails.
const ATTEMPTS: usize = 10;

/// By how much memory and space on disks may go up and down again between two readings.
const TOLERANCE_BYTES: u64 = 64 << 20;

/// Makes a comparison until it agrees.
fn assert_agrees(mut compare: impl FnMut() -> Result<(), String>) {
    let mut failures = Vec::new();
    for _ in 0..ATTEMPTS {
        match compare() {
            Ok(()) => return,
            Err(failure) => failures.push(failure),
        }
    }
    panic!("{}", failures.join("\n"));
}

/// Checks that `theirs` lies between our two readings, or as near as `tolerance`.
fn between(what: &str, ours: [Option<u64>; 2], theirs: u64, tolerance: u64) -> Result<(), String> {
    let [Some(one), Some(other)] = ours else {
        return Err(format!("{what}: unknown to us, {theirs} to sysinfo"));
    };
    let least = one.min(other).saturating_sub(tolerance);
    let most = one.max(other).saturating_add(tolerance);
    if (least..=most).contains(&theirs) {
        Ok(())
    } else {
        Err(format!("{what}: {one} and {other}, {theirs} by sysinfo"))
    }
}

/// Collects, and waits where time has to pass first.
fn settle<T>(mut collect: impl FnMut() -> Collected<T>) -> T {
    loop {
        match collect() {
            Collected::Ready(sample) => return sample,
            Collected::Wait(time) => sleep(time),
        }
    }
}

/// Reads metrics, what `theirs` reads, and metrics again.
fn metrics_around<T>(mut theirs: impl FnMut() -> T) -> impl FnMut() -> ([Metrics; 2], T) {
    let options = MetricsOptions {
        gpu: false,
        temperature: false,
    };
    let mut collector = MetricsCollector::new(Root::default(), options);
    move || {
        // The second reading waits for its window if the first has just been made.
        settle(|| collector.collect(Now::read()));
        sleep(Duration::from_millis(300));
        let before = settle(|| collector.collect(Now::read()));
        let theirs = theirs();
        ([before, settle(|| collector.collect(Now::read()))], theirs)
    }
}

#[test]
fn memory_and_swap_are_sysinfos() {
    let mut system = System::new().unwrap();
    let mut read = metrics_around(|| {
        system.refresh_memory();
        [
            system.total_memory(),
            system.available_memory(),
            system.used_memory(),
            system.total_swap(),
            system.used_swap(),
        ]
    });
    assert_agrees(|| {
        let (ours, [total, available, used, swap_total, swap_used]) = read();
        let memory = ours.each_ref().map(|sample| sample.memory.unwrap());
        let swap = ours.each_ref().map(|sample| sample.swap.unwrap());
        between("memory", memory.map(|it| it.total_bytes), total, 0)?;
        let ours = memory.map(|it| it.available_bytes);
        between("memory available", ours, available, TOLERANCE_BYTES)?;
        let ours = memory.map(|it| it.used_bytes);
        between("memory in use", ours, used, TOLERANCE_BYTES)?;
        between("swap", swap.map(|it| it.total_bytes), swap_total, 0)?;
        let ours = swap.map(|it| it.used_bytes);
        between("swap in use", ours, swap_used, TOLERANCE_BYTES)
    });
}

fn by_name(interfaces: &[Interface]) -> BTreeMap<&str, &Interface> {
    let named = interfaces.iter().map(|it| (it.name.as_str(), it));
    named.collect()
}

#[test]
fn interfaces_and_their_counters_are_sysinfos() {
    let mut read = metrics_around(|| {
        let networks = Networks::new_with_refreshed_list().unwrap();
        let interface = |(name, data): (&std::ffi::OsString, &sysinfo::NetworkData)| {
            let counters = [data.total_received(), data.total_transmitted()];
            (name.to_str().unwrap().to_owned(), counters)
        };
        // A file of the bonding driver sysinfo takes for an interface.
        let is_interface = |name| Path::new("/sys/class/net").join(name).is_dir();
        let interfaces = networks.iter().filter(|(name, _)| is_interface(*name));
        interfaces.map(interface).collect::<BTreeMap<_, _>>()
    });
    assert_agrees(|| {
        let ([before, after], theirs) = read();
        let (before, after) = (by_name(&before.interfaces), by_name(&after.interfaces));
        let names: Vec<_> = theirs.keys().map(String::as_str).collect();
        for ours in [&before, &after] {
            let ours: Vec<_> = ours.keys().copied().collect();
            if ours != names || ours.is_empty() {
                return Err(format!("{ours:?}, {names:?} by sysinfo"));
            }
        }
        for (name, [received, transmitted]) in theirs {
            let ours = [before[name.as_str()], after[name.as_str()]];
            let (in_, out) = (format!("{name} in"), format!("{name} out"));
            between(&in_, ours.map(|it| Some(it.received_bytes)), received, 0)?;
            let ours = ours.map(|it| Some(it.transmitted_bytes));
            between(&out, ours, transmitted, 0)?;
        }
        Ok(())
    });
}

/// Why sysinfo does not list a disk, where it does not.
fn not_in_sysinfo(disk: &Disk) -> Option<&'static str> {
    let ignored = ["tmpfs", "nfs", "nfs4", "cifs", "squashfs", "iso9660"];
    let mount_point = disk.mount_point.as_deref().unwrap_or_default();
    if disk
        .file_system
        .as_deref()
        .is_some_and(|it| ignored.contains(&it))
    {
        Some("its type is one that sysinfo leaves out")
    } else if ["/sys", "/proc", "/run"]
        .iter()
        .any(|it| mount_point.starts_with(it))
    {
        Some("its mount point is one that sysinfo leaves out")
    } else if disk.state() != DiskState::Ok {
        Some("it does not answer us")
    } else {
        None
    }
}

/// Compares the disks that both list, by mount point and type. How many these are.
fn compare_disks(ours: &[Disks; 2], theirs: &sysinfo::Disks) -> Result<usize, String> {
    let mut compared = 0;
    for disk in &ours[0].disks {
        let is_it = |other: &&Disk| other.mount_point == disk.mount_point;
        let again = ours[1].disks.iter().find(is_it).ok_or("a disk has gone")?;
        if let Some(reason) = not_in_sysinfo(disk) {
            println!("not compared, {reason}: {disk:?}");
            continue;
        }
        let mount_point = disk.mount_point.as_deref().map(Path::new);
        // The last one is mounted over the others.
        let found = theirs.iter().rfind(|it| {
            Some(it.mount_point()) == mount_point
                && it.file_system().to_str() == disk.file_system.as_deref()
        });
        let found = found.ok_or_else(|| format!("sysinfo has no {disk:?}"))?;
        let what = format!("{disk:?}");
        let both = [disk, again];
        between(&what, both.map(|it| it.total_bytes), found.total_space(), 0)?;
        let available = both.map(|it| it.available_bytes);
        between(&what, available, found.available_space(), TOLERANCE_BYTES)?;
        if disk.read_only != Some(found.is_read_only()) {
            return Err(format!("{what}: read-only {}", found.is_read_only()));
        }
        compared += 1;
    }
    Ok(compared)
}

/// Checks that each disk of sysinfo is listed by us. A disk is listed once, wherever else it is mounted.
fn find_all(ours: &Disks, theirs: &sysinfo::Disks) -> Result<(), String> {
    let on_device = |it: &&sysinfo::Disk| it.name().as_encoded_bytes().starts_with(b"/dev/");
    for disk in theirs.iter().filter(on_device) {
        let is_it = |our: &Disk| {
            our.total_bytes == Some(disk.total_space())
                && our.file_system.as_deref() == disk.file_system().to_str()
        };
        if disk.mount_point().is_file() {
            println!("not compared, a file is bound there: {disk:?}");
        } else if !ours.disks.iter().any(is_it) {
            return Err(format!("we have no {disk:?}"));
        }
    }
    Ok(())
}

#[test]
fn disks_and_their_sizes_are_sysinfos() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let mut collector = DisksCollector::new(Root::default());
    let mut collect = || runtime.block_on(collector.collect(Now::read())).unwrap();
    assert_agrees(|| {
        let before = collect();
        let theirs = sysinfo::Disks::new_with_refreshed_list().unwrap();
        let ours = [before, collect()];
        find_all(&ours[0], &theirs)?;
        let compared = compare_disks(&ours, &theirs)?;
        if compared == 0 {
            return Err(format!("nothing to compare: {theirs:?} by sysinfo"));
        }
        Ok(())
    });
}

/// Reads the process list, what sysinfo lists, and the list again.
fn processes_around(collector: &mut ProcessesCollector) -> ([Processes; 2], BTreeSet<u32>) {
    let mut collect = || settle(|| collector.collect(&Now::read).unwrap());
    let before = collect();
    let mut system = System::new().unwrap();
    let kind = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let theirs = system.processes().keys().map(|pid| pid.as_u32()).collect();
    ([before, collect()], theirs)
}

fn identities(list: &Processes) -> BTreeSet<(u32, Option<u64>)> {
    let identity = |it: &Process| (it.pid, it.started_boot_ms);
    list.processes.iter().map(identity).collect()
}

#[test]
fn processes_and_their_number_are_sysinfos() {
    let mut collector = ProcessesCollector::new(Root::default());
    assert_agrees(|| {
        let (ours, theirs) = processes_around(&mut collector);
        for list in &ours {
            assert_eq!(usize::try_from(list.total), Ok(list.processes.len()));
        }
        let [before, after] = ours.each_ref().map(identities);
        // They lived all the time.
        let missing: Vec<_> = before
            .intersection(&after)
            .filter(|(pid, _)| !theirs.contains(pid))
            .collect();
        // Only one that began and ended between our readings is known to sysinfo alone.
        let ours: BTreeSet<_> = before.union(&after).map(|(pid, _)| *pid).collect();
        let unknown: Vec<_> = theirs.difference(&ours).collect();
        if before.is_empty() || !missing.is_empty() || !unknown.is_empty() {
            return Err(format!(
                "sysinfo has no {missing:?}, we have no {unknown:?}"
            ));
        }
        let count = |list: &BTreeSet<_>| u64::try_from(list.len()).ok();
        let theirs = u64::try_from(theirs.len()).unwrap();
        between("processes", [count(&before), count(&after)], theirs, 2)
    });
}

#[test]
fn users_of_processes_are_sysinfos() {
    let users = Users::new_with_refreshed_list().unwrap();
    let mut names: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for user in &users {
        names.entry(**user.id()).or_default().insert(user.name());
    }
    let mut collector = ProcessesCollector::new(Root::default());
    let list = settle(|| collector.collect(&Now::read).unwrap());
    let mut compared = 0;
    let mut unknown_to_sysinfo = BTreeSet::new();
    for process in &list.processes {
        let Some(uid) = process.user_id else {
            println!("not compared, it has just ended: {process:?}");
            continue;
        };
        match names.get(&uid) {
            Some(names) => {
                assert!(
                    names.contains(process.user.as_str()),
                    "{process:?}: {names:?}"
                );
                compared += 1;
            }
            None => drop(unknown_to_sysinfo.insert((uid, &process.user))),
        }
    }
    println!(
        "not compared, sysinfo reads neither users without a shell nor a name service: {unknown_to_sysinfo:?}"
    );
    assert!(compared > 0);
}
