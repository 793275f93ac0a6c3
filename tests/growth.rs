//! Cost of a request on a host with n, 2n and 4n of something: at most proportional, counted in user instructions of
//! the whole agent. Needs root and callgrind; uses namespaces of its own.

#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use socktop_proto::Query;
use socktop_tests::{CountedAgent, Hostile, can_count_instructions, in_own_host, skip};

/// What the second step may cost of what the first did: it adds twice as many. Quadratic growth costs four times as much.
const STEP: f64 = 2.4;

/// What a request may cost now and then for other reasons.
const SLACK: f64 = 200_000.0;

/// A host with more and more of something: `grow` gets the number there should be, and the number there are.
fn assert_cost_grows_in_proportion(
    test: &str,
    n: usize,
    mut grow: impl FnMut(usize, usize) -> Query,
) {
    if !can_count_instructions() {
        skip(test, "callgrind of valgrind is not installed");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mut agent = CountedAgent::start(home.path());
    let mut before = 0;
    let costs = [n, 2 * n, 4 * n].map(|count| {
        let query = grow(count, before);
        before = count;
        let cost = agent.count(query);
        println!("{test}: {cost} instructions at {count}");
        f64::from(u32::try_from(cost).unwrap())
    });
    let [once, twice, four_times] = costs;
    let (first, second) = ((twice - once).max(0.0), four_times - twice);
    assert!(
        second <= STEP * first + SLACK,
        "from {n} to {}: {first} instructions more, from there to {}: {second} more",
        2 * n,
        4 * n
    );
}

/// Puts `file` over `path`.
fn bind(file: &Path, path: &str) {
    let status = Command::new("mount")
        .arg("--bind")
        .arg(file)
        .arg(path)
        .status();
    assert!(
        status.unwrap().success(),
        "bind {} over {path}",
        file.display()
    );
}

fn mounts_grow_in_proportion(test: &str, kind: &str, n: usize) {
    in_own_host(test, || {
        let folder = tempfile::tempdir().unwrap();
        let mut mounts = Vec::new();
        assert_cost_grows_in_proportion(test, n, |count, before| {
            let place = folder.path().join(count.to_string());
            let more = (count - before).to_string();
            mounts.push(Hostile::start(
                "mounts",
                &[place.to_str().unwrap(), kind, &more],
            ));
            Query::Disks
        });
    });
}

#[test]
fn disks_grow_with_mounts_of_memory() {
    mounts_grow_in_proportion("disks_grow_with_mounts_of_memory", "tmpfs", 150);
}

#[test]
fn disks_grow_with_mounts_of_one_folder() {
    mounts_grow_in_proportion("disks_grow_with_mounts_of_one_folder", "bind", 150);
}

#[test]
fn disks_grow_with_overlays() {
    mounts_grow_in_proportion("disks_grow_with_overlays", "overlay", 200);
}

#[test]
fn metrics_grow_with_cpus() {
    let test = "metrics_grow_with_cpus";
    in_own_host(test, || {
        let folder = tempfile::tempdir().unwrap();
        let [stat, online] = ["stat", "online"].map(|name| folder.path().join(name));
        let mut round = 0;
        let mut write = |cpus: usize| {
            round += 1;
            let line = format!(
                "{} 0 {} {} 0 0 0 0 0 0",
                500 + round,
                300 + round,
                9000 + round
            );
            let mut lines = format!("cpu  {line}\n");
            for cpu in 0..cpus {
                writeln!(lines, "cpu{cpu} {line}").unwrap();
            }
            lines.push_str("ctxt 1\nbtime 1700000000\nprocesses 1\n");
            fs::write(&stat, lines).unwrap();
            fs::write(&online, format!("0-{}\n", cpus - 1)).unwrap();
        };
        write(128);
        bind(&stat, "/proc/stat");
        bind(&online, "/sys/devices/system/cpu/online");
        assert_cost_grows_in_proportion(test, 128, |count, _| {
            write(count);
            Query::Metrics
        });
    });
}

#[test]
fn metrics_grow_with_interfaces() {
    let test = "metrics_grow_with_interfaces";
    in_own_host(test, || {
        // From so many on: gzip costs more a byte until the chains that it searches are full.
        assert_cost_grows_in_proportion(test, 200, |count, before| {
            for number in before..count {
                let name = format!("br{number}");
                let added = Command::new("ip")
                    .args(["link", "add", &name, "type", "bridge"])
                    .status();
                assert!(added.unwrap().success(), "add {name}");
            }
            Query::Metrics
        });
    });
}

#[test]
fn the_list_grows_with_processes() {
    let test = "the_list_grows_with_processes";
    in_own_host(test, || {
        let mut processes = Vec::new();
        assert_cost_grows_in_proportion(test, 200, |count, before| {
            let more = (count - before).to_string();
            processes.push(Hostile::start("many_children", &[&more]));
            Query::Processes
        });
    });
}

#[test]
fn the_list_grows_with_users() {
    let test = "the_list_grows_with_users";
    in_own_host(test, || {
        let folder = tempfile::tempdir().unwrap();
        let passwd = folder.path().join("passwd");
        let write = |users: usize| {
            let mut lines = String::from("root:x:0:0:root:/root:/bin/sh\n");
            for number in 0..users {
                let id = 100_000 + number;
                writeln!(lines, "user{number}:x:{id}:{id}::/:/bin/false").unwrap();
            }
            fs::write(&passwd, lines).unwrap();
        };
        write(1);
        bind(&passwd, "/etc/passwd");
        let mut processes = Vec::new();
        assert_cost_grows_in_proportion(test, 150, |count, before| {
            write(count);
            let first = (100_000 + before).to_string();
            let more = (count - before).to_string();
            processes.push(Hostile::start("many_users", &[&first, &more]));
            Query::Processes
        });
    });
}

#[test]
fn details_grow_with_children() {
    let test = "details_grow_with_children";
    in_own_host(test, || {
        let mut parent = None;
        assert_cost_grows_in_proportion(test, 100, |count, _| {
            let it = parent.insert(Hostile::start("many_children", &[&count.to_string()]));
            Query::Process { pid: it.pid() }
        });
    });
}

#[test]
fn details_grow_with_threads() {
    let test = "details_grow_with_threads";
    in_own_host(test, || {
        let mut parent = None;
        assert_cost_grows_in_proportion(test, 200, |count, _| {
            let it = parent.insert(Hostile::start("many_threads", &[&count.to_string()]));
            Query::Process { pid: it.pid() }
        });
    });
}
