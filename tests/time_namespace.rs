//! Hosts whose clocks and kernel files differ from those of the machine below: a time namespace, and files bound over
//! `/proc` as lxcfs does. What the agent reports is consistent with them. Needs root; uses namespaces of its own.

#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::time::{ClockId, clock_gettime};
use socktop_proto::model::{Metrics, Process, Processes, SampleTime, body};
use socktop_proto::{Body, Query};
use socktop_tests::{
    Background, Conversation, Server, Terminal, USUAL_SIZE, clean_command, eager_agent,
    eager_agent_below, in_own_host, our_program, wait_for,
};

/// How much earlier than the machine a host in a time namespace says to have been started.
const AHEAD_SECONDS: u64 = 40_000_000;

/// The kernel gives the start of a process in ticks of 10 ms.
const TICK_MS: u64 = 10;

fn boot_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap();
    seconds * 1000 + u64::try_from(now.tv_nsec).unwrap() / 1_000_000
}

fn list(client: &mut Conversation) -> (SampleTime, Vec<Process>) {
    let Body { kind } = client.ask(Query::Processes);
    let Some(body::Kind::Processes(Processes {
        time, processes, ..
    })) = kind
    else {
        panic!("instead of the list: {kind:?}");
    };
    (time.unwrap(), processes)
}

fn metrics(client: &mut Conversation) -> Metrics {
    let Body { kind } = client.ask(Query::Metrics);
    let Some(body::Kind::Metrics(metrics)) = kind else {
        panic!("instead of metrics: {kind:?}");
    };
    metrics
}

/// An agent in a time namespace of its own.
fn shifted_agent(home: &Path) -> Server {
    let mut unshare = clean_command(Path::new("unshare"), home);
    unshare.args(["--time", "--boottime", &AHEAD_SECONDS.to_string()]);
    let agent = eager_agent_below(&mut unshare, home, "");
    let offsets = fs::read_to_string(format!("/proc/{}/timens_offsets", agent.pid())).unwrap();
    assert!(
        offsets.contains(&AHEAD_SECONDS.to_string()),
        "it is in a time namespace: {offsets}"
    );
    agent
}

#[test]
fn ages_and_rates_are_correct_in_a_time_namespace() {
    in_own_host("ages_and_rates_are_correct_in_a_time_namespace", || {
        let home = tempfile::tempdir().unwrap();
        let sleeper = Background::start(Command::new("sleep").arg("1000000"));
        let born_before = boot_ms();
        let agent = shifted_agent(home.path());
        let mut client = Conversation::open(&agent.url());
        for _ in 0..5 {
            let before = boot_ms();
            let (time, processes) = list(&mut client);
            let after = boot_ms();
            let here = AHEAD_SECONDS * 1000;
            let sampled = time.boot_ms.unwrap();
            assert!(
                (before + here..=after + here).contains(&sampled),
                "sampled at {sampled} between {before} and {after}, {here} ms ahead"
            );
            for process in &processes {
                let started = process.started_boot_ms.unwrap();
                assert!(started <= sampled, "{process:?} of the future of {sampled}");
                assert!(started >= here, "{process:?} older than the machine");
                let percent = process.cpu_percent.unwrap_or(0.0);
                assert!((0.0..=100.0).contains(&percent), "{process:?}");
            }
            let sleeper = processes.iter().find(|row| row.pid == sleeper.pid());
            let age = sampled - sleeper.unwrap().started_boot_ms.unwrap();
            let youngest = before.saturating_sub(born_before);
            assert!(
                age + TICK_MS >= youngest,
                "{age} ms old, {youngest} at least"
            );
            assert!(
                age <= after + TICK_MS,
                "{age} ms old, and the machine {after}"
            );

            let metrics = metrics(&mut client);
            let cpu = metrics.cpu.unwrap();
            let percent = cpu.total_percent.unwrap();
            assert!((0.0..=100.0).contains(&percent), "CPU {percent} %");
            let window = u64::from(cpu.window_ms.unwrap());
            assert!(window <= boot_ms() - born_before, "a window of {window} ms");
        }
    });
}

#[test]
fn a_start_has_the_same_date_in_a_time_namespace() {
    in_own_host("a_start_has_the_same_date_in_a_time_namespace", || {
        let homes = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [plain_home, shifted_home] = &homes;
        let agents = [
            eager_agent(plain_home.path(), ""),
            shifted_agent(shifted_home.path()),
        ];
        let sleeper = Background::start(Command::new("sleep").arg("1000000"));
        let dates = agents.map(|agent| {
            let mut client = Conversation::open(&agent.url());
            let Body { kind } = client.ask(Query::Process { pid: sleeper.pid() });
            let Some(body::Kind::Process(details)) = kind else {
                panic!("instead of details: {kind:?}");
            };
            details.started_unix_ms.unwrap()
        });
        let [plain, shifted] = dates;
        // Between the two the clock may have been set, a little.
        assert!(plain.abs_diff(shifted) < 2000, "{plain} and {shifted}");
    });
}

/// A command that binds `files` over the places of their names, in a mount namespace of its own, and goes on as the command
/// that is given to it.
fn behind_files(home: &Path, files: &[(&str, &str)]) -> Command {
    let mut script = String::from("set -e\n");
    for (number, (place, text)) in files.iter().enumerate() {
        let file = home.join(format!("bound{number}"));
        fs::write(&file, text).unwrap();
        writeln!(script, "mount --bind '{}' '{place}'", file.display()).unwrap();
    }
    script += "exec \"$@\"";
    let mut command = clean_command(Path::new("unshare"), home);
    command.args(["--mount", "sh", "-c", &script, "sh"]);
    command
}

#[test]
fn uptime_is_what_the_host_shows() {
    in_own_host("uptime_is_what_the_host_shows", || {
        let home = tempfile::tempdir().unwrap();
        let mut command = behind_files(home.path(), &[("/proc/uptime", "3721.00 7000.00\n")]);
        command.arg(our_program("socktop")).arg("--demo");
        let mut terminal = Terminal::start(&command, USUAL_SIZE);
        terminal.wait_for("a host", |screen| {
            screen.contains("CPU%") && !screen.contains("waiting")
        });
        // As lxcfs gives it in a container.
        terminal.wait_for("its uptime", |screen| screen.contains("up 01:02:"));
        terminal.send("q");
        assert!(terminal.wait_for_end().success());
    });
}

#[test]
fn memory_is_what_the_host_shows() {
    in_own_host("memory_is_what_the_host_shows", || {
        let home = tempfile::tempdir().unwrap();
        let meminfo = "MemTotal: 524288 kB\nMemFree: 262144 kB\nMemAvailable: 393216 kB\nBuffers: 0 kB\n\
                       Cached: 131072 kB\nSReclaimable: 0 kB\nShmem: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n";
        let mut command = behind_files(home.path(), &[("/proc/meminfo", meminfo)]);
        let agent = eager_agent_below(&mut command, home.path(), "");
        let memory = metrics(&mut Conversation::open(&agent.url()))
            .memory
            .unwrap();
        assert_eq!(memory.total_bytes, Some(512 << 20));
    });
}

#[test]
fn shares_of_processes_are_of_the_cpus_that_the_host_shows() {
    in_own_host(
        "shares_of_processes_are_of_the_cpus_that_the_host_shows",
        || {
            let homes = [(); 2].map(|()| tempfile::tempdir().unwrap());
            let [plain_home, bound_home] = &homes;
            // As lxcfs leaves it: /proc/stat is the container's, and this file the machine's.
            let mut command = behind_files(
                bound_home.path(),
                &[("/sys/devices/system/cpu/online", "0-63\n")],
            );
            let agents = [
                eager_agent(plain_home.path(), ""),
                eager_agent_below(&mut command, bound_home.path(), ""),
            ];
            let busy = Background::start(Command::new("sh").args(["-c", "while :; do :; done"]));
            let mut clients = agents
                .each_ref()
                .map(|agent| Conversation::open(&agent.url()));
            // Each agent takes its own window, so the two are alike at most.
            let (plain, bound) = wait_for("the busy process", || {
                let shares = clients.each_mut().map(|client| {
                    let (_, processes) = list(client);
                    let busy = processes.iter().find(|row| row.pid == busy.pid())?;
                    busy.cpu_percent.filter(|percent| *percent > 0.0)
                });
                let [plain, bound] = shares;
                plain.zip(bound)
            });
            assert!(
                (plain / 4.0..plain * 4.0).contains(&bound),
                "{plain} % of the CPUs that there are, and {bound} % where another file says 64"
            );
        },
    );
}
