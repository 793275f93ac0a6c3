//! While processes come and go, the list equals a full scan without any caching.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use socktop_proto::model::{Process, ProcessState};

use super::{Collected, Fake, Machine, collect, collector, ms};
use crate::Window;
use crate::processes::cpu_time::ticks;
use crate::processes::fake::NICE;

/// What happens to a process. The numbers choose which one, and how.
#[derive(Debug, Clone)]
enum Event {
    Run { who: usize, ms: u64, state: u8 },
    Grow { who: usize, pages: u64 },
    Exec { who: usize, name: u8 },
    Thread { who: usize, threads: u32 },
    Fork { who: usize },
    Exit { who: usize },
    Reap { who: usize },
    Look { after_ms: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0..64_usize;
    prop_oneof![
        (who.clone(), 0..300_u64, any::<u8>()).prop_map(|(who, ms, state)| Event::Run {
            who,
            ms,
            state
        }),
        (who.clone(), 0..1000_u64).prop_map(|(who, pages)| Event::Grow { who, pages }),
        (who.clone(), any::<u8>()).prop_map(|(who, name)| Event::Exec { who, name }),
        (who.clone(), 1..5_u32).prop_map(|(who, threads)| Event::Thread { who, threads }),
        who.clone().prop_map(|who| Event::Fork { who }),
        who.clone().prop_map(|who| Event::Exit { who }),
        who.prop_map(|who| Event::Reap { who }),
        (0..3000_u64).prop_map(|after_ms| Event::Look { after_ms }),
        (0..300_u64).prop_map(|after_ms| Event::Look { after_ms }),
    ]
}

/// Names that share their first 15 bytes, and short ones.
const NAMES: [&str; 4] = [
    "a-program-with-one-name",
    "a-program-with-another",
    "short",
    "b) R 1 (",
];

/// The machine and what is true of it.
struct World {
    machine: Machine,
    processes: BTreeMap<u32, Fake>,
    next_pid: u32,
    /// How long the shortest run takes: each time longer, so that no two processes' clocks agree.
    shortest: Duration,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            machine: Machine::new(),
            processes: BTreeMap::new(),
            next_pid: 2,
            shortest: Duration::from_micros(10),
        };
        let mut init = Fake::new(1, "init");
        init.parent = 0;
        world.put(init);
        world
    }

    fn put(&mut self, fake: Fake) {
        self.machine.put(&fake);
        self.processes.insert(fake.pid, fake);
    }

    fn run(&mut self, fake: &mut Fake) {
        self.shortest += Duration::from_nanos(1);
        fake.cpu += self.shortest;
    }

    /// Any process but init; only a running one can change.
    fn someone(&mut self, who: usize, zombie: bool) -> Option<Fake> {
        let is_one = |fake: &&Fake| fake.pid != 1 && (fake.state == 'Z') == zombie;
        let those: Vec<&Fake> = self.processes.values().filter(is_one).collect();
        let mut fake = those[who.checked_rem(those.len())?].clone();
        self.run(&mut fake);
        Some(fake)
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Run {
                who,
                ms: time,
                state,
            } => {
                if let Some(mut fake) = self.someone(who, false) {
                    fake.cpu += ms(time);
                    fake.state = ['R', 'S', 'D', 'T'][usize::from(state % 4)];
                    self.put(fake);
                }
            }
            Event::Grow { who, pages } => {
                if let Some(mut fake) = self.someone(who, false) {
                    fake.resident_pages = pages;
                    self.put(fake);
                }
            }
            Event::Exec { who, name } => {
                if let Some(mut fake) = self.someone(who, false) {
                    let name = NAMES[usize::from(name) % NAMES.len()].as_bytes();
                    fake.comm = name[..name.len().min(15)].to_vec();
                    fake.exe = Some(name.to_vec());
                    fake.threads = 1;
                    fake.faults += 1;
                    self.put(fake);
                }
            }
            Event::Thread { who, threads } => {
                if let Some(mut fake) = self.someone(who, false) {
                    fake.threads = threads;
                    self.put(fake);
                }
            }
            Event::Fork { who } => self.fork(who),
            Event::Exit { who } => {
                if let Some(mut fake) = self.someone(who, false) {
                    fake.state = 'Z';
                    fake.resident_pages = 0;
                    self.orphan_children(fake.pid);
                    self.put(fake);
                }
            }
            Event::Reap { who } => {
                if let Some(fake) = self.someone(who, true) {
                    self.machine.remove(fake.pid);
                    self.processes.remove(&fake.pid);
                }
            }
            Event::Look { .. } => {}
        }
    }

    fn fork(&mut self, who: usize) {
        let parent = self.someone(who, false).unwrap_or_else(|| {
            let mut init = self.processes[&1].clone();
            self.run(&mut init);
            init
        });
        let mut child = parent.clone();
        self.put(parent);
        // Few pids, so that they are used again soon.
        let free = |pid: &u32| !self.processes.contains_key(pid);
        let pids = (self.next_pid..12).chain(2..self.next_pid);
        if let Some(pid) = pids.into_iter().find(free) {
            self.next_pid = pid + 1;
            child.parent = child.pid;
            child.pid = pid;
            child.state = 'S';
            child.threads = 1;
            child.cpu = Duration::ZERO;
            // Some have to wait for a CPU.
            if !who.is_multiple_of(4) {
                self.run(&mut child);
            }
            // In whole ticks, as the kernel gives it.
            child.started = ticks(u64::try_from(self.machine.now().boot.as_millis()).unwrap() / 10);
            self.put(child);
        }
    }

    /// They do not run for it.
    fn orphan_children(&mut self, pid: u32) {
        let children = self.processes.values().filter(|child| child.parent == pid);
        for mut child in children.cloned().collect::<Vec<_>>() {
            child.parent = 1;
            self.put(child);
        }
    }

    /// A list with everything read anew, with shares since the counters of a window.
    fn naive(&self, window: &Window<BTreeMap<u32, Fake>>) -> Vec<Process> {
        let now = self.machine.now().boot;
        let baseline = window.baseline(now).unwrap();
        let page_bytes = u64::try_from(rustix::param::page_size()).unwrap();
        let row = |fake: &Fake| {
            let before = baseline.value.get(&fake.pid);
            let before = before.filter(|before| before.started == fake.started);
            let ran = fake
                .cpu
                .saturating_sub(before.map_or(Duration::ZERO, |before| before.cpu));
            let window = now.saturating_sub(baseline.at);
            let share = ran.as_secs_f64() / window.as_secs_f64() / 4.0;
            #[expect(clippy::cast_possible_truncation)]
            let cpu_percent = (share * 100.0).min(100.0) as f32;
            let whole = fake.exe.as_ref().unwrap_or(&fake.comm);
            Process {
                pid: fake.pid,
                parent_pid: Some(fake.parent),
                user_id: Some(rustix::process::geteuid().as_raw()),
                user: String::new(),
                name: String::from_utf8_lossy(whole).into_owned(),
                state: state(fake.state).into(),
                threads: Some(fake.threads),
                cpu_percent: Some(cpu_percent),
                resident_bytes: Some(fake.resident_pages * page_bytes),
                started_boot_ms: u64::try_from(fake.started.as_millis()).ok(),
                nice: Some(NICE),
            }
        };
        self.processes.values().map(row).collect()
    }
}

fn state(letter: char) -> ProcessState {
    match letter {
        'R' => ProcessState::Running,
        'S' => ProcessState::Sleeping,
        'D' => ProcessState::DiskSleep,
        'T' => ProcessState::Stopped,
        'Z' => ProcessState::Zombie,
        other => panic!("{other}"),
    }
}

/// Scales shares that add up to more than the machine, which random counters may do.
fn scaled(mut rows: Vec<Process>) -> Vec<Process> {
    let sum: f32 = rows.iter().filter_map(|row| row.cpu_percent).sum();
    if sum > 100.0 {
        for row in &mut rows {
            row.cpu_percent = row.cpu_percent.map(|share| share * 100.0 / sum);
        }
    }
    rows
}

/// All but the shares, which are compared apart.
fn without_shares(rows: &[Process]) -> Vec<Process> {
    let blank = |row: &Process| Process {
        cpu_percent: None,
        ..row.clone()
    };
    rows.iter().map(blank).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn list_equals_a_full_scan(events in proptest::collection::vec(event(), 1..120)) {
        let mut world = World::new();
        let mut collector = collector(&world.machine);
        let mut window = Window::default();
        for event in &events {
            world.happen(event);
            let Event::Look { after_ms } = *event else { continue };
            world.machine.pass(after_ms);
            let now = world.machine.now().boot;
            match collect(&world.machine, &mut collector).unwrap() {
                Collected::Wait(_) => prop_assert!(window.baseline(now).is_none()),
                Collected::Ready(sample) => {
                    let naive = scaled(world.naive(&window));
                    prop_assert_eq!(without_shares(&sample.processes), without_shares(&naive));
                    for (row, naive) in sample.processes.iter().zip(&naive) {
                        let (share, naive) = (row.cpu_percent.unwrap(), naive.cpu_percent.unwrap());
                        prop_assert!((share - naive).abs() < 0.01, "{} {} {}", row.pid, share, naive);
                    }
                    collector.recycle(sample);
                }
            }
            window.record(now, world.processes.clone());
        }
    }
}
