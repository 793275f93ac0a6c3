//! Accuracy of CPU usage: however many clients ask, each reading of a busy process is that process's CPU time by the
//! kernel's accounting, over the window that the reading names.

#![cfg(test)]

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::sched_getaffinity;
use rustix::time::{ClockId, clock_gettime};
use socktop_proto::Query;
use socktop_proto::model::{Metrics, Processes, body};
use socktop_tests::{
    Background, Conversation, Server, clean_command, free_port, our_program, wait_for,
};

/// How long the clients ask.
const TIME: Duration = Duration::from_secs(20);

/// Each client's pause between two requests.
const CADENCES_MS: [u64; 5] = [100, 250, 700, 2000, 5000];

/// Readings over less time than this may be off by what the kernel's own clock ticks.
const MEANINGFUL_WINDOW_MS: u32 = 250;

/// Points of one core.
const TOLERANCE: f64 = 5.0;

/// All processes together, percent of the machine: they are not read all at one moment, so the sum of
/// what they used may be over by a trifle.
const MOST: f32 = 100.5;

/// Between two looks at the kernel's account.
const LOOK: Duration = Duration::from_millis(2);

/// A single-threaded process that does nothing but run, on one CPU.
struct BusyLoop {
    program: Background,
    /// The kernel's account of it, oldest first: when (`CLOCK_BOOTTIME`), and its CPU time so far.
    /// Seconds, both.
    account: Mutex<Vec<(f64, f64)>>,
}

impl BusyLoop {
    fn start(cpu: usize) -> Self {
        let program = Background::start(
            std::process::Command::new("taskset")
                .args(["--cpu-list", &cpu.to_string()])
                .args(["sh", "-c", "while :; do :; done"]),
        );
        let comm = format!("/proc/{}/comm", program.pid());
        wait_for("a busy loop", || {
            fs::read_to_string(&comm).ok().filter(|name| name == "sh\n")
        });
        Self {
            program,
            account: Mutex::default(),
        }
    }

    fn look(&self) {
        let path = format!("/proc/{}/schedstat", self.program.pid());
        let schedstat = fs::read_to_string(path).unwrap();
        let now = clock_gettime(ClockId::Boottime);
        let now = Duration::new(
            now.tv_sec.try_into().unwrap(),
            now.tv_nsec.try_into().unwrap(),
        );
        let ran_ns: u64 = schedstat.split(' ').next().unwrap().parse().unwrap();
        assert!(ran_ns > 0, "this kernel keeps no account in schedstat");
        let ran = Duration::from_nanos(ran_ns);
        let mut account = self.account.lock().unwrap();
        account.push((now.as_secs_f64(), ran.as_secs_f64()));
    }

    /// CPU time at a moment of the account.
    fn cpu_time(&self, at: f64) -> f64 {
        let account = self.account.lock().unwrap();
        let after = account.partition_point(|(when, _)| *when < at);
        let (from, to) = (account[after - 1], account[after]);
        from.1 + (to.1 - from.1) * (at - from.0) / (to.0 - from.0)
    }

    /// CPU usage over the `window_ms` up to `end_ms` of `CLOCK_BOOTTIME`: percent of one core.
    fn usage(&self, end_ms: u64, window_ms: u32) -> f64 {
        let end = Duration::from_millis(end_ms).as_secs_f64();
        let window = Duration::from_millis(window_ms.into()).as_secs_f64();
        (self.cpu_time(end) - self.cpu_time(end - window)) / window * 100.0
    }
}

/// Sets its flag when it goes, be it by a panic.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The readings that one client received.
#[derive(Default)]
struct Readings {
    metrics: Vec<Metrics>,
    processes: Vec<Processes>,
}

fn ask_for(time: Duration, url: &str, cadence: Duration) -> Readings {
    let mut agent = Conversation::open(url);
    let mut readings = Readings::default();
    let end = Instant::now() + time;
    while Instant::now() < end {
        match agent.ask(Query::Processes).kind {
            Some(body::Kind::Processes(list)) => readings.processes.push(list),
            other => panic!("no process list: {other:?}"),
        }
        match agent.ask(Query::Metrics).kind {
            Some(body::Kind::Metrics(metrics)) => readings.metrics.push(metrics),
            other => panic!("no metrics: {other:?}"),
        }
        thread::sleep(cadence);
    }
    readings
}

/// The first two CPUs that this process may run on.
fn two_cpus() -> [usize; 2] {
    let allowed = sched_getaffinity(None).unwrap();
    let mut cpus = (0..1024).filter(|&cpu| allowed.is_set(cpu));
    [(); 2].map(|()| cpus.next().expect("this test needs two CPUs"))
}

/// How much too much a process list says of each loop, points of one core.
fn errors(list: &Processes, window_ms: u32, loops: &[BusyLoop; 2]) -> [f64; 2] {
    let end_ms = list
        .time
        .and_then(|time| time.boot_ms)
        .expect("and when it was read");
    let cores = u32::try_from(thread::available_parallelism().unwrap().get()).unwrap();
    loops.each_ref().map(|busy| {
        let pid = busy.program.pid();
        let process = list
            .processes
            .iter()
            .find(|process| process.pid == pid)
            .unwrap();
        let percent = process
            .cpu_percent
            .expect("every reading has its CPU usage");
        f64::from(percent) * f64::from(cores) - busy.usage(end_ms, window_ms)
    })
}

fn assert_at_most_all(metrics: &Metrics) {
    let cpu = metrics.cpu.as_ref().unwrap();
    let total = cpu.total_percent.expect("every reading has its CPU usage");
    assert!(total <= 100.0, "{total} % of the machine");
    for core in &cpu.cores {
        assert!(
            core.percent <= 100.0,
            "{} % of core {}",
            core.percent,
            core.index
        );
    }
}

/// Asks an agent in all cadences at once while both loops run, and compares.
fn compare(agent: &Server, loops: &[BusyLoop; 2]) {
    let over = AtomicBool::new(false);
    // The account begins before the first reading does, whose times are rounded to milliseconds.
    loops.iter().for_each(BusyLoop::look);
    thread::sleep(LOOK);
    let readings = thread::scope(|scope| {
        let _over = SetAtEnd(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                loops.iter().for_each(BusyLoop::look);
                thread::sleep(LOOK);
            }
        });
        let clients = CADENCES_MS.map(|ms| {
            let url = agent.url();
            scope.spawn(move || ask_for(TIME, &url, Duration::from_millis(ms)))
        });
        let readings = clients.map(|client| client.join().unwrap());
        // The last reading's end lies before the account's.
        loops.iter().for_each(BusyLoop::look);
        readings
    });

    let mut worst = 0.0_f64;
    let mut compared = 0;
    let (mut shortest_ms, mut longest_ms) = (u32::MAX, 0);
    for (readings, cadence) in readings.iter().zip(CADENCES_MS) {
        readings.metrics.iter().for_each(assert_at_most_all);
        for list in &readings.processes {
            let total: f32 = list
                .processes
                .iter()
                .filter_map(|process| process.cpu_percent)
                .sum();
            assert!(
                total <= MOST,
                "all processes together used {total} % of the machine"
            );
            let window_ms = list
                .window_ms
                .expect("a process list says what time it covers");
            shortest_ms = shortest_ms.min(window_ms);
            longest_ms = longest_ms.max(window_ms);
            if window_ms < MEANINGFUL_WINDOW_MS {
                continue;
            }
            for error in errors(list, window_ms, loops) {
                compared += 1;
                worst = worst.max(error.abs());
                assert!(
                    error.abs() <= TOLERANCE,
                    "the client that asks every {cadence} ms got {error:+.1} points of a core \
                     too much, over {window_ms} ms"
                );
            }
        }
    }
    println!(
        "{compared} readings compared, over {shortest_ms} to {longest_ms} ms each; the worst was off \
         by {worst:.2} points of a core"
    );
    assert!(
        compared > 100,
        "only {compared} readings had a window that means something"
    );
}

#[test]
fn every_reading_matches_the_processs_cpu_time() {
    let program = our_program("socktop-agent");
    let home = tempfile::tempdir().unwrap();
    let loops = two_cpus().map(BusyLoop::start);
    // As installed, and with no sample shared: then windows are as short as they get.
    for ttl_ms in ["1000", "0"] {
        let port = free_port();
        let agent = Server::start(
            clean_command(&program, home.path())
                .args(["--port", &port.to_string()])
                .env("SOCKTOP_AGENT_PROCESSES_TTL_MS", ttl_ms),
            port,
        );
        compare(&agent, &loops);
    }
}
