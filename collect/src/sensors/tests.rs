//! Tests with made-up readings, made-up hwmon folders, and sensors that hang.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::*;
use crate::deadline::Bounds;
use crate::fixture::{Tree, at_seconds, machine};

fn reading(label: &str, celsius: f32) -> Reading {
    Reading {
        id: "hwmon0_1".to_owned(),
        label: label.to_owned(),
        celsius: Some(celsius),
        ..Reading::default()
    }
}

fn row(label: &str, celsius: f32) -> Sensor {
    Sensor {
        label: label.to_owned(),
        celsius: Some(celsius),
        high_celsius: None,
        critical_celsius: None,
    }
}

#[test]
fn impossible_temperatures_and_limits_that_are_none_are_unknown() {
    for impossible in [f32::NAN, f32::INFINITY, -273.15, 65_261.85] {
        let all = Reading {
            high_celsius: Some(impossible),
            critical_celsius: Some(impossible),
            ..reading("nvme", impossible)
        };
        let unknown = Sensor {
            label: "nvme".to_owned(),
            ..Sensor::default()
        };
        assert_eq!(sensor(all), unknown, "{impossible}");
    }
    let unset = Reading {
        high_celsius: Some(0.0),
        critical_celsius: Some(-1.0),
        ..reading("outdoors", 0.0)
    };
    assert_eq!(sensor(unset), row("outdoors", 0.0));
    let limits = Reading {
        high_celsius: Some(84.85),
        critical_celsius: Some(94.85),
        ..reading("nvme", -5.0)
    };
    let expected = Sensor {
        high_celsius: Some(84.85),
        critical_celsius: Some(94.85),
        ..row("nvme", -5.0)
    };
    assert_eq!(sensor(limits), expected);
}

#[test]
fn long_labels_are_cut_between_characters() {
    let cut = sensor(reading(&"é".repeat(NAME_BYTES), 1.0));
    assert_eq!(cut.label, "é".repeat(NAME_BYTES / 2));
}

#[test]
fn list_is_sorted_and_has_a_limit() {
    let labels = (0..limits::SENSORS + 9).rev();
    let readings = labels.map(|number| reading(&format!("chip temp{number:03}"), 1.0));
    let sensors = model(readings.collect(), at_seconds(5));
    assert_eq!(sensors.time, Some(at_seconds(5).sample_time()));
    assert_eq!(sensors.sensors.len(), limits::SENSORS);
    assert!(
        sensors
            .sensors
            .is_sorted_by(|one, other| one.label < other.label)
    );
    assert_eq!(sensors.sensors[0].label, "chip temp000");
}

/// What is read under a root, of which sysinfo has read `by_sysinfo`.
fn completed(root: &Root, mut by_sysinfo: Vec<Reading>) -> Vec<Sensor> {
    hwmon::complete(&mut by_sysinfo, root);
    model(by_sysinfo, at_seconds(1)).sensors
}

#[test]
fn high_limit_comes_from_the_sensors_own_file() {
    let tree = Tree::new(&[
        ("sys/class/hwmon/hwmon0/name", "nvme\n"),
        ("sys/class/hwmon/hwmon0/temp1_input", "1000\n"),
        ("sys/class/hwmon/hwmon0/temp1_max", "84850\n"),
        ("sys/class/hwmon/hwmon0/temp1_crit", "1000\n"),
        ("sys/class/hwmon/hwmon0/temp2_max", "50000\n"),
    ]);
    let by_sysinfo = Reading {
        critical_celsius: Some(94.85),
        ..reading("nvme Composite", 41.5)
    };
    let expected = Sensor {
        high_celsius: Some(84.85),
        critical_celsius: Some(94.85),
        ..row("nvme Composite", 41.5)
    };
    assert_eq!(completed(&tree.root(), vec![by_sysinfo]), [expected]);
}

/// Two drives of one model, each with its folder in sysfs.
fn two_drives() -> Tree {
    let tree = Tree::new(&[]);
    for (hwmon, device, millidegrees) in
        [("hwmon3", "nvme0", "40850"), ("hwmon4", "nvme1", "71850")]
    {
        let folder = format!("sys/class/hwmon/{hwmon}");
        let files = [
            ("name", "nvme"),
            ("temp1_label", "Composite"),
            ("temp1_input", millidegrees),
            ("temp1_crit", "94850"),
        ];
        for (file, content) in files {
            tree.write(&format!("{folder}/{file}"), &format!("{content}\n"));
        }
        // With the spaces that firmware fills it up with.
        tree.write(&format!("sys/devices/{device}/model"), "SSD 990  PRO   \n");
        let target = format!("../../../devices/{device}");
        std::os::unix::fs::symlink(target, tree.path(&format!("{folder}/device"))).unwrap();
    }
    tree
}

#[test]
fn drives_of_one_model_are_listed_each_with_its_own_temperature() {
    let tree = two_drives();
    let drive = |device: &str, celsius| Sensor {
        critical_celsius: Some(94.85),
        ..row(&format!("nvme Composite SSD 990 PRO ({device})"), celsius)
    };
    let expected = [drive("nvme0", 40.85), drive("nvme1", 71.85)];
    // As sysinfo merges them: the id of one, the temperature of the other.
    let merged = Reading {
        id: "hwmon4_1".to_owned(),
        ..reading("nvme Composite SSD 990  PRO", 40.85)
    };
    assert_eq!(completed(&tree.root(), vec![merged]), expected);
    assert_eq!(completed(&tree.root(), Vec::new()), expected);
}

#[test]
fn sensors_of_one_label_without_different_devices_are_named_by_their_files() {
    let tree = Tree::new(&[
        ("sys/class/hwmon/hwmon1/name", "spd5118\n"),
        ("sys/class/hwmon/hwmon1/temp1_input", "30000\n"),
        ("sys/class/hwmon/hwmon2/name", "spd5118\n"),
        ("sys/class/hwmon/hwmon2/temp1_input", "n/a\n"),
    ]);
    let silent = Sensor {
        celsius: None,
        ..row("spd5118 temp1 (hwmon2_1)", 0.0)
    };
    let expected = [row("spd5118 temp1 (hwmon1_1)", 30.0), silent];
    assert_eq!(completed(&tree.root(), Vec::new()), expected);
}

#[test]
fn thermal_zones_are_named_by_their_types() {
    let tree = Tree::new(&[
        ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
        ("sys/class/thermal/thermal_zone1/type", "gpu-thermal\n"),
        ("sys/class/thermal/thermal_zone2/type", "gpu-thermal\n"),
    ]);
    let zone = |number: u32, celsius| Reading {
        id: format!("thermal_zone{number}"),
        ..reading("", celsius)
    };
    let zones = vec![zone(0, 50.0), zone(1, 51.0), zone(2, 52.0), zone(3, 53.0)];
    let expected = [
        row("cpu-thermal", 50.0),
        row("gpu-thermal (thermal_zone1)", 51.0),
        row("gpu-thermal (thermal_zone2)", 52.0),
        row("thermal_zone3", 53.0),
    ];
    assert_eq!(completed(&tree.root(), zones), expected);
}

#[tokio::test]
async fn sensors_of_machines_are_listed() {
    let pi4 = SensorsCollector::new(machine("pi4")).collect().await;
    let critical_celsius = Some(110.0);
    let soc = Sensor {
        critical_celsius,
        ..row("cpu_thermal temp1", 48.686)
    };
    assert_eq!(pi4.unwrap().sensors, [soc]);
    let server = SensorsCollector::new(machine("x86-server")).collect().await;
    let server = server.unwrap().sensors;
    assert_eq!(server.len(), 7, "{server:?}");
    assert!(server.iter().all(|sensor| sensor.celsius.is_some()));
    let none = SensorsCollector::new(machine("container")).collect().await;
    assert_eq!(none.unwrap().sensors, []);
}

#[tokio::test]
async fn this_machines_sensors_have_unique_labels() {
    let sensors = SensorsCollector::new(Root::default()).collect().await;
    let sensors = sensors.unwrap().sensors;
    assert!(
        sensors.is_sorted_by(|one, other| one.label < other.label),
        "{sensors:?}"
    );
    assert!(sensors.iter().all(|sensor| !sensor.label.is_empty()));
}

#[tokio::test]
async fn hung_sensor_is_an_error_once_and_its_late_reading_serves_the_next_sample() {
    let (answer, answers) = channel();
    let answers = Mutex::new(answers);
    let reads = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&reads);
    let read_all: ReadAll = Arc::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        vec![reading("slow", answers.lock().recv().unwrap())]
    });
    let bounds = Bounds {
        deadline: Duration::from_millis(50),
        ..deadline::SENSORS
    };
    let collector = SensorsCollector::with(read_all, Helpers::new(bounds));
    for _ in 0..2 {
        let error = collector.collect().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable);
        assert!(error.message.contains("has not answered for"), "{error:?}");
    }
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    answer.send(45.0).unwrap();
    while collector.read.lock().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let late = collector.collect().await.unwrap();
    assert_eq!(late.sensors, [row("slow", 45.0)]);
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}
