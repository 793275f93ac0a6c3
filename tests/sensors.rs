//! Temperature sensors by sysinfo, which knows no other root than the real `/sys`: so they are put there, as root, in a mount
//! namespace of its own.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use socktop_proto::model::{Sensor, body};
use socktop_proto::{Body, ErrorCode, Query};
use socktop_tests::{Conversation, eager_agent, in_own_host, threads};

/// Covers `/sys/class` with these files: path below it and content.
fn cover_sys_class(files: &[(&str, &str)]) {
    let mount = ["-t", "tmpfs", "tmpfs", "/sys/class"];
    let status = Command::new("mount").args(mount).status();
    assert!(status.unwrap().success(), "mount over /sys/class");
    for (path, content) in files {
        let path = Path::new("/sys/class").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn row(label: &str, celsius: f32) -> Sensor {
    Sensor {
        label: label.to_owned(),
        celsius: Some(celsius),
        ..Sensor::default()
    }
}

fn sensors(client: &mut Conversation) -> Vec<Sensor> {
    let Body { kind } = client.ask(Query::Sensors);
    let Some(body::Kind::Sensors(list)) = kind else {
        panic!("instead of sensors: {kind:?}");
    };
    list.sensors
}

#[test]
fn sensors_of_hwmon_are_listed_each_with_its_own_numbers() {
    in_own_host(
        "sensors_of_hwmon_are_listed_each_with_its_own_numbers",
        || {
            cover_sys_class(&[
                ("hwmon/hwmon0/name", "coretemp\n"),
                ("hwmon/hwmon0/temp1_label", "Package id 0\n"),
                ("hwmon/hwmon0/temp1_input", "45000\n"),
                ("hwmon/hwmon0/temp1_highest", "99000\n"),
                ("hwmon/hwmon0/temp1_max", "84000\n"),
                ("hwmon/hwmon0/temp1_crit", "100000\n"),
                // Two memory modules.
                ("hwmon/hwmon1/name", "spd5118\n"),
                ("hwmon/hwmon1/temp1_input", "31000\n"),
                ("hwmon/hwmon2/name", "spd5118\n"),
                ("hwmon/hwmon2/temp1_input", "55250\n"),
                ("hwmon/hwmon2/temp1_crit", "85000\n"),
                // A drive that is asleep.
                ("hwmon/hwmon3/name", "drivetemp\n"),
                ("hwmon/hwmon3/temp1_input", ""),
                ("hwmon/hwmon3/device/model", "DISK\n"),
            ]);
            let home = tempfile::tempdir().unwrap();
            let agent = eager_agent(home.path(), "");
            let listed = sensors(&mut Conversation::open(&agent.url()));
            let package = Sensor {
                high_celsius: Some(84.0),
                critical_celsius: Some(100.0),
                ..row("coretemp Package id 0", 45.0)
            };
            let asleep = Sensor {
                celsius: None,
                ..row("drivetemp DISK", 0.0)
            };
            let second = Sensor {
                critical_celsius: Some(85.0),
                ..row("spd5118 temp1 (hwmon2_1)", 55.25)
            };
            let first = row("spd5118 temp1 (hwmon1_1)", 31.0);
            assert_eq!(listed, [package, asleep, first, second]);
        },
    );
}

#[test]
fn thermal_zones_are_listed_where_there_is_no_hwmon() {
    in_own_host("thermal_zones_are_listed_where_there_is_no_hwmon", || {
        cover_sys_class(&[
            ("thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("thermal/thermal_zone0/temp", "52095\n"),
        ]);
        let home = tempfile::tempdir().unwrap();
        let agent = eager_agent(home.path(), "");
        let listed = sensors(&mut Conversation::open(&agent.url()));
        assert_eq!(listed, [row("cpu-thermal", 52.095)]);
    });
}

#[test]
fn sensor_that_never_answers_holds_up_nothing_else() {
    in_own_host("sensor_that_never_answers_holds_up_nothing_else", || {
        cover_sys_class(&[
            ("hwmon/hwmon0/name", "slow_bus\n"),
            ("hwmon/hwmon0/temp2_input", "45000\n"),
        ]);
        // Opening it waits for a writer that never comes.
        let pipe = "/sys/class/hwmon/hwmon0/temp1_input";
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        let home = tempfile::tempdir().unwrap();
        let mut agent = eager_agent(home.path(), "");
        let mut client = Conversation::open(&agent.url());
        for round in 0..3 {
            let Body { kind } = client.ask(Query::Sensors);
            let Some(body::Kind::Error(error)) = kind else {
                panic!("instead of an error in round {round}: {kind:?}");
            };
            assert_eq!(error.code(), ErrorCode::Unavailable);
            assert!(error.message.contains("has not answered for"), "{error:?}");
            for query in [Query::Metrics, Query::Processes, Query::Host, Query::Disks] {
                let Body { kind } = client.ask(query);
                let is_answered = !matches!(kind, None | Some(body::Kind::Error(_)));
                assert!(is_answered, "{query:?} in round {round}: {kind:?}");
            }
            let threads = threads(agent.pid());
            assert!(threads <= 4, "{threads} threads in round {round}");
        }
        let status = agent.end_by(Signal::TERM);
        assert!(status.success(), "{status}");
    });
}
