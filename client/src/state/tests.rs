//! Tests of what a host's state makes of the link's events.

use std::sync::Arc;
use std::time::{Duration, Instant};

use socktop_proto::model::{
    Body, Cpu, Error, ErrorCode, Interface, Metrics, Process, ProcessDetails, Processes,
    SampleTime, body,
};

use super::*;
use crate::link::Security;

struct Rig {
    state: HostState,
    start: Instant,
}

impl Rig {
    fn new() -> Self {
        Self {
            state: HostState::default(),
            start: Instant::now(),
        }
    }

    fn moment(&self, ms: u64) -> Moment {
        Moment {
            instant: self.start + Duration::from_millis(ms),
            unix_ms: 1_000_000 + ms,
        }
    }

    fn reply(&mut self, ms: u64, query: Query, kind: body::Kind) {
        let now = self.moment(ms + 20);
        let at = self.moment(ms).instant;
        self.state.apply(
            Event::Reply {
                query,
                body: Arc::new(kind.into()),
                at,
                round_trip: Duration::from_millis(3),
            },
            now,
        );
    }

    fn link(&mut self, ms: u64, link: LinkState) {
        let now = self.moment(ms);
        self.state.apply(Event::State(link), now);
    }
}

fn metrics(boot_ms: u64, cpu: f32, received_bytes: u64) -> body::Kind {
    body::Kind::Metrics(Metrics {
        time: Some(SampleTime {
            unix_ms: 7,
            boot_ms: Some(boot_ms),
        }),
        cpu: Some(Cpu {
            total_percent: Some(cpu),
            ..Cpu::default()
        }),
        interfaces: vec![Interface {
            name: "eth0".to_owned(),
            received_bytes,
            transmitted_bytes: 0,
        }],
        ..Metrics::default()
    })
}

#[test]
fn a_rate_that_nothing_carries_is_unknown() {
    let mut rig = Rig::new();
    rig.reply(0, Query::Metrics, metrics(1000, 10.0, 0));
    rig.reply(500, Query::Metrics, metrics(1500, 10.0, u64::MAX));
    let rates = |rig: &Rig| rig.state.interfaces.get("eth0").unwrap().rates.last();
    assert_eq!(rates(&rig), Some(None));
    let words = "! impossible: rate of an interface";
    assert_eq!(rig.state.impossible_words().as_deref(), Some(words));
    // The same snapshot again, as agents have it in their cache.
    rig.reply(600, Query::Metrics, metrics(1500, 10.0, u64::MAX));
    assert_eq!(rig.state.impossible_words().as_deref(), Some(words));
    rig.reply(1000, Query::Metrics, metrics(2000, 10.0, u64::MAX));
    assert!(rates(&rig).flatten().is_some());
    assert_eq!(rig.state.impossible_words(), None);
}

fn process(pid: u32, started: Option<u64>) -> Process {
    Process {
        pid,
        started_boot_ms: started,
        cpu_percent: Some(1.0),
        ..Process::default()
    }
}

fn details(pid: u32, started: Option<u64>) -> body::Kind {
    body::Kind::Process(ProcessDetails {
        process: Some(process(pid, started)),
        ..ProcessDetails::default()
    })
}

const CONNECTED: LinkState = LinkState::Connected {
    dialect: Dialect::Native,
    security: Security::Tls,
};

#[test]
fn the_same_snapshot_twice_is_one_point() {
    let mut rig = Rig::new();
    rig.reply(0, Query::Metrics, metrics(1000, 10.0, 0));
    rig.reply(100, Query::Metrics, metrics(1000, 10.0, 0));
    rig.reply(500, Query::Metrics, metrics(1500, 20.0, 100));
    let cpu: Vec<_> = rig.state.cpu.newest(9).collect();
    assert_eq!(cpu, [Some(10.0), Some(20.0)]);
    let traffic = rig.state.interfaces.get("eth0").unwrap();
    let rate = traffic.rates.last().unwrap().unwrap();
    assert!((rate.received - 200.0).abs() < 0.01);
}

#[test]
fn an_arrival_is_dated_by_both_clocks() {
    let mut rig = Rig::new();
    rig.reply(500, Query::Metrics, metrics(1000, 10.0, 0));
    assert_eq!(rig.state.newest(), Some(rig.moment(500)));
    assert_eq!(rig.state.round_trip, Some(Duration::from_millis(3)));
}

#[test]
fn a_lost_link_leaves_a_gap_and_keeps_the_samples() {
    let mut rig = Rig::new();
    rig.link(0, CONNECTED);
    rig.reply(0, Query::Metrics, metrics(1000, 10.0, 0));
    let lost = LinkState::Lost {
        since: rig.start,
        reason: String::new(),
        retry_at: rig.start,
        question: None,
    };
    rig.link(3000, lost.clone());
    rig.link(4000, lost);
    assert!(rig.state.metrics.value().is_some());
    rig.link(5000, CONNECTED);
    rig.reply(5000, Query::Metrics, metrics(6000, 20.0, 1_000_000));
    let cpu: Vec<_> = rig.state.cpu.newest(9).collect();
    assert_eq!(cpu, [Some(10.0), None, Some(20.0)]);
    let traffic = rig.state.interfaces.get("eth0").unwrap();
    assert_eq!(traffic.rates.last(), Some(None));
}

#[test]
fn another_dialect_forgets_the_facts_of_the_last_agent() {
    let mut rig = Rig::new();
    rig.link(0, CONNECTED);
    rig.reply(0, Query::Host, body::Kind::Host(Host::default()));
    rig.link(10, CONNECTED);
    assert!(rig.state.host.value().is_some());
    rig.link(
        20,
        LinkState::Connected {
            dialect: Dialect::Text,
            security: Security::Plain,
        },
    );
    assert!(rig.state.host.value().is_none());
    assert!(rig.state.is_published_agent());
}

fn facts(hostname: &str, agent_version: &str) -> body::Kind {
    body::Kind::Host(Host {
        hostname: hostname.to_owned(),
        kernel: Some("6.1".to_owned()),
        agent_version: agent_version.to_owned(),
        ..Host::default()
    })
}

/// A host that was known, and lost, and that answers again: with everything but metrics still the last connection's.
fn reconnected(boot_ms: u64) -> Rig {
    let mut rig = Rig::new();
    rig.link(0, CONNECTED);
    rig.reply(0, Query::Host, facts("pi4", "1"));
    rig.reply(0, Query::Metrics, metrics(100_000, 10.0, 0));
    rig.reply(0, Query::Disks, body::Kind::Disks(Disks::default()));
    rig.reply(
        0,
        Query::Processes,
        body::Kind::Processes(Processes::default()),
    );
    let identity = Identity::from(&process(7, Some(50)));
    rig.state.watch = Some(Watch::new(identity, String::new()));
    rig.reply(0, Query::Process { pid: 7 }, details(7, Some(50)));
    rig.link(
        3000,
        LinkState::Lost {
            since: rig.start,
            reason: String::new(),
            retry_at: rig.start,
            question: None,
        },
    );
    rig.link(60_000, CONNECTED);
    rig.reply(60_000, Query::Metrics, metrics(boot_ms, 20.0, 0));
    rig
}

/// CPU's history, whether disks and processes are known, and whether the process that is looked at has details and ended.
fn known(state: &HostState) -> (Vec<Option<f32>>, bool, bool, bool) {
    let watch = state.watch.as_ref().unwrap();
    assert_eq!(
        state.disks.value().is_some(),
        state.processes.value().is_some()
    );
    (
        state.cpu.newest(9).collect(),
        state.disks.value().is_some(),
        watch.details.value().is_some(),
        watch.ended.is_some(),
    )
}

#[test]
fn the_same_agent_keeps_what_it_said_when_it_comes_back() {
    let mut rig = reconnected(160_000);
    rig.reply(60_000, Query::Host, facts("pi4", "1"));
    let history = vec![Some(10.0), None, Some(20.0)];
    assert_eq!(known(&rig.state), (history, true, true, false));
}

#[test]
fn an_agent_of_another_version_does_not_keep_the_last_ones_samples() {
    let mut rig = reconnected(160_000);
    rig.reply(60_000, Query::Host, facts("pi4", "2"));
    // What it said before it told its version is its own.
    assert!(rig.state.metrics.value().is_some());
    assert_eq!(known(&rig.state), (vec![], false, false, false));
}

#[test]
fn another_host_or_another_boot_does_not_keep_the_last_ones_samples() {
    let mut rig = reconnected(160_000);
    rig.reply(60_000, Query::Host, facts("pi5", "1"));
    assert_eq!(known(&rig.state), (vec![], false, true, true));

    // Up for longer than it was when it was lost, and yet not for as long as it was lost.
    let rig = reconnected(120_000);
    assert_eq!(known(&rig.state), (vec![Some(20.0)], false, true, true));
}

#[test]
fn an_error_is_kept_until_a_sample_comes() {
    let mut rig = Rig::new();
    rig.reply(0, Query::Metrics, metrics(1000, 10.0, 0));
    let error = Error::new(ErrorCode::Unavailable, "reading /proc/stat failed");
    rig.reply(500, Query::Metrics, body::Kind::Error(error));
    assert!(rig.state.metrics.error.is_some() && rig.state.metrics.value().is_some());
    rig.reply(900, Query::Metrics, metrics(1900, 10.0, 0));
    assert_eq!(rig.state.metrics.error, None);
}

#[test]
fn a_reply_of_another_kind_or_process_is_ignored() {
    let mut rig = Rig::new();
    rig.state.watch = Some(Watch::new(Identity::from(&process(7, None)), String::new()));
    rig.reply(0, Query::Disks, metrics(1000, 10.0, 0));
    rig.reply(0, Query::Process { pid: 8 }, details(8, None));
    rig.reply(0, Query::Process { pid: 7 }, details(8, None));
    assert!(rig.state.disks.value().is_none());
    assert!(rig.state.watch.unwrap().details.value().is_none());
    let mut empty = HostState::default();
    empty.reply(Query::Host, Arc::new(Body { kind: None }), rig_moment());
    assert!(empty.host.value().is_none());
}

fn rig_moment() -> Moment {
    Rig::new().moment(0)
}

#[test]
fn a_watched_process_ends_by_error_by_reuse_of_its_pid_or_by_the_list() {
    let not_found = body::Kind::Error(Error::new(ErrorCode::NotFound, "no process 7"));
    let reused = details(7, Some(99));
    let list = body::Kind::Processes(Processes {
        processes: vec![process(1, Some(1))],
        total: 1,
        ..Processes::default()
    });
    for (query, end) in [
        (Query::Process { pid: 7 }, not_found),
        (Query::Process { pid: 7 }, reused),
        (Query::Processes, list),
    ] {
        let mut rig = Rig::new();
        let identity = Identity::from(&process(7, Some(50)));
        rig.state.watch = Some(Watch::new(identity, String::new()));
        rig.reply(0, Query::Process { pid: 7 }, details(7, Some(50)));
        assert_eq!(rig.state.watch.as_ref().unwrap().ended, None);
        rig.reply(600, query, end);
        let watch = rig.state.watch.as_ref().unwrap();
        assert_eq!(watch.ended, Some(rig.moment(600)));
        let kept = watch.details.value().unwrap().process.as_ref().unwrap();
        assert_eq!(kept.started_boot_ms, Some(50));
    }
}

#[test]
fn a_list_that_is_not_whole_says_nothing_about_an_end() {
    let mut rig = Rig::new();
    rig.state.watch = Some(Watch::new(Identity::from(&process(7, None)), String::new()));
    let list = body::Kind::Processes(Processes {
        processes: vec![process(1, None)],
        total: 2,
        ..Processes::default()
    });
    rig.reply(0, Query::Processes, list);
    assert_eq!(rig.state.watch.unwrap().ended, None);
}

#[test]
fn a_percentage_of_nothing_or_of_less_than_the_part_is_unknown() {
    assert_eq!(percent(1, 0), None);
    assert_eq!(percent(3, 2), None);
    assert_eq!(percent(2, 2), Some(100.0));
    assert_eq!(percent(1, 4), Some(25.0));
}
