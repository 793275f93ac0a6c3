//! A host whose every number cannot be, on the screen.
//!
//! The bodies are written out field by field: a new one does not compile before it is here.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use socktop_proto::Query;
use socktop_proto::model::{
    Core, Cpu, Disk, Disks, Gpu, Interface, Load, Memory, Metrics, Process, ProcessDetails,
    Processes, SampleTime, Swap, Thread, body,
};

use crate::app::Message;
use crate::app::fixture::Stage;
use crate::link::Dialect;

const GIB: u64 = 1 << 30;

fn time() -> SampleTime {
    SampleTime {
        unix_ms: u64::MAX,
        boot_ms: Some(u64::MAX),
    }
}

fn metrics(percent: f32) -> Metrics {
    let core = |index| Core { index, percent };
    Metrics {
        time: Some(time()),
        hostname: "host".to_owned(),
        cpu: Some(Cpu {
            total_percent: Some(percent),
            cores: (0..4).map(core).collect(),
            window_ms: Some(u32::MAX),
            temperature_celsius: Some(-777.0),
        }),
        memory: Some(Memory {
            total_bytes: Some(8 * GIB),
            used_bytes: Some(u64::MAX),
            available_bytes: Some(u64::MAX),
            cache_bytes: Some(u64::MAX),
        }),
        swap: Some(Swap {
            total_bytes: Some(8 * GIB),
            used_bytes: Some(u64::MAX),
        }),
        load: Some(Load {
            one: -1.0,
            five: f32::INFINITY,
            fifteen: f32::NAN,
        }),
        interfaces: vec![Interface {
            name: "eth0".to_owned(),
            received_bytes: u64::MAX,
            transmitted_bytes: u64::MAX,
        }],
        gpus: vec![Gpu {
            name: "gpu".to_owned(),
            usage_percent: Some(percent),
            memory_used_bytes: Some(u64::MAX),
            memory_total_bytes: Some(u64::MAX),
            temperature_celsius: Some(7777.0),
        }],
    }
}

fn disks() -> Disks {
    Disks {
        time: Some(time()),
        disks: vec![Disk {
            name: "sda1".to_owned(),
            mount_point: Some("/".to_owned()),
            file_system: Some("ext4".to_owned()),
            total_bytes: Some(8 * GIB),
            used_bytes: Some(u64::MAX),
            available_bytes: Some(u64::MAX),
            state: 1,
            read_only: Some(false),
            sizes_boot_ms: Some(u64::MAX),
        }],
        not_listed: None,
    }
}

fn process(percent: f32) -> Process {
    Process {
        pid: 7,
        parent_pid: Some(1),
        user_id: Some(1),
        user: "user".to_owned(),
        name: "program".to_owned(),
        state: 99,
        threads: Some(u32::MAX),
        cpu_percent: Some(percent),
        resident_bytes: Some(u64::MAX),
        started_boot_ms: Some(u64::MAX),
        nice: Some(i32::MIN),
    }
}

fn details(percent: f32, children: Vec<ProcessDetails>) -> ProcessDetails {
    ProcessDetails {
        time: Some(time()),
        process: Some(process(percent)),
        group_id: Some(1),
        command: vec!["program".to_owned()],
        executable: Some("/bin/program".to_owned()),
        working_directory: Some("/".to_owned()),
        virtual_bytes: Some(u64::MAX),
        shared_bytes: Some(u64::MAX),
        started_unix_ms: Some(u64::MAX),
        cpu_user_us: Some(u64::MAX),
        cpu_system_us: Some(u64::MAX),
        disk_read_bytes: Some(u64::MAX),
        disk_written_bytes: Some(u64::MAX),
        descriptors: Some(u32::MAX),
        threads: vec![Thread {
            tid: 7,
            name: "thread".to_owned(),
            state: 99,
            cpu_user_us: Some(u64::MAX),
            cpu_system_us: Some(u64::MAX),
        }],
        children,
        children_total: Some(u32::MAX),
        command_cut: false,
        unanswered_ms: None,
    }
}

fn press(stage: &mut Stage, code: KeyCode) {
    let event = KeyEvent::new(code, KeyModifiers::NONE);
    stage.send(Message::Key(event));
}

/// What the numbers above would look like.
const LIES: [&str; 12] = [
    "EiB",
    "250",
    "NaN",
    "inf",
    "-0",
    "-777",
    "7777",
    "4294967295",
    "18446744073709551615",
    "584542046",
    "213503982",
    "999",
];

fn assert_honest(screen: &str, what: &str) {
    for lie in LIES {
        assert!(!screen.contains(lie), "{what} shows {lie}:\n{screen}");
    }
    assert!(
        screen.contains('–'),
        "{what} shows nothing unknown:\n{screen}"
    );
    assert!(
        screen.contains("! impossible: "),
        "{what} does not say why:\n{screen}"
    );
}

#[test]
fn numbers_that_cannot_be_are_unknown_on_the_screen_and_it_says_so() {
    for dialect in [Dialect::Native, Dialect::Text] {
        for percent in [250.0, f32::NAN, f32::INFINITY, -0.0, -3.0] {
            for (width, height) in [(200, 60), (120, 40), (80, 24)] {
                let what = format!("{width}x{height}, {dialect:?}, {percent} %");
                let mut stage = Stage::new(width, height);
                stage.connect(dialect);
                for step in 0..3 {
                    stage.pass(500);
                    let mut metrics = metrics(percent);
                    // A counter that leaps.
                    metrics.interfaces[0].received_bytes -= (3 - step) << 60;
                    stage.reply(Query::Metrics, body::Kind::Metrics(metrics));
                }
                stage.reply(Query::Disks, body::Kind::Disks(disks()));
                let list = Processes {
                    time: Some(time()),
                    processes: vec![process(percent)],
                    total: u32::MAX,
                    window_ms: Some(u32::MAX),
                    others_hidden: false,
                };
                stage.reply(Query::Processes, body::Kind::Processes(list));
                assert_honest(&stage.text(), &what);

                press(&mut stage, KeyCode::Down);
                press(&mut stage, KeyCode::Enter);
                let children = vec![details(percent, Vec::new())];
                let kind = body::Kind::Process(details(percent, children));
                stage.reply(Query::Process { pid: 7 }, kind);
                for tab in 0..3 {
                    assert_honest(&stage.text(), &format!("{what}, details, tab {tab}"));
                    press(&mut stage, KeyCode::Tab);
                }
            }
        }
    }
}
