//! The CPU's temperature sensors: the hottest of its packages, else of its cores, by hwmon; else by thermal zones.
//!
//! The sensors are looked for once and their files kept open. Where there are none, or one has gone, the folders are not
//! searched again at each sample but after [`SEARCH_AGAIN`].
//!
//! They are read on the serving thread: the drivers that are taken here read a register, or give up by themselves where
//! firmware does not answer. Of all others only `name` and `type` are read, which no driver has to ask its device for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Now, Root};
use crate::parse::{number, text};
use crate::proc_file::{Buffer, ProcFile};

/// Drivers may be loaded and sensors plugged in later, but not often.
const SEARCH_AGAIN: Duration = Duration::from_mins(1);

/// What a CPU can have; beyond it the sensor is off or broken.
const PLAUSIBLE_MILLIDEGREES: std::ops::RangeInclusive<i32> = -40_000..=150_000;

/// hwmon drivers of CPUs, and how the labels begin that are to be preferred among their sensors, best first. Tctl of some
/// Ryzens carries an offset, so Tdie goes first. Where no label fits all sensors of the driver are taken.
const DRIVERS: [(&str, &[&str]); 6] = [
    ("coretemp", &["Package id ", "Physical id "]),
    ("k10temp", &["Tdie", "Tctl"]),
    ("zenpower", &["Tdie", "Tctl"]),
    ("k8temp", &[]),
    ("via_cputemp", &[]),
    // The other one that it may have measures power.
    ("apm_xgene", &["SoC Temperature"]),
];

/// Names of thermal zones, which are hwmon names too, best first, with `_` for `-`. Any other zone that is
/// named after the CPU (`cpu0_thermal`, `cpu_1_0_usr`) comes after them. `acpitz` is left out: on many boards it
/// is a constant.
const ZONES: [&str; 7] = [
    "x86_pkg_temp",
    "cpu_thermal",
    "soc_thermal",
    "package_thermal",
    "cpu_thermal_zone",
    "bcm2835_thermal",
    "imx_thermal_zone",
];

/// Reads the CPU's temperature.
#[derive(Debug)]
pub(crate) struct CpuTemperature {
    root: Root,
    /// Those of the best rank.
    sensors: Vec<ProcFile>,
    /// When they were last looked for (`CLOCK_BOOTTIME`).
    searched_at: Option<Duration>,
}

/// How good a sensor is: smaller is better. The kind of sensor goes first, then the label. Those of one rank measure the
/// same of several packages or cores.
type Rank = (usize, usize);

impl CpuTemperature {
    /// A thermometer that looks for its sensor when it is first read.
    pub(crate) fn new(root: Root) -> Self {
        Self {
            root,
            sensors: Vec::new(),
            searched_at: None,
        }
    }

    /// The highest temperature in °C of those that the sensors give and that are plausible.
    pub(crate) fn read(&mut self, now: Now, buffer: &mut Buffer) -> Option<f32> {
        let known = self.sensors.len();
        let hottest = read_all(&mut self.sensors, buffer);
        let is_whole = known > 0 && self.sensors.len() == known;
        let searched_lately = |at: Duration| now.boot.saturating_sub(at) < SEARCH_AGAIN;
        if is_whole || self.searched_at.is_some_and(searched_lately) {
            return hottest;
        }
        self.searched_at = Some(now.boot);
        let mut candidates = hwmon_sensors(&self.root);
        candidates.extend(thermal_zones(&self.root));
        candidates.sort();
        for same_rank in candidates.chunk_by(|(one, _), (other, _)| one == other) {
            let paths = same_rank.iter().map(|(_, path)| path.clone());
            let mut sensors: Vec<_> = paths.map(ProcFile::new).collect();
            let hottest = read_all(&mut sensors, buffer);
            if hottest.is_some() {
                self.sensors = sensors;
                return hottest;
            }
        }
        self.sensors = Vec::new();
        None
    }
}

/// The highest temperature of the sensors. Those that cannot be read are closed.
fn read_all(sensors: &mut Vec<ProcFile>, buffer: &mut Buffer) -> Option<f32> {
    let mut hottest = None;
    sensors.retain_mut(|sensor| {
        let Ok(bytes) = sensor.read(buffer) else {
            return false;
        };
        if let Some(celsius) = celsius(bytes) {
            hottest = Some(hottest.map_or(celsius, |hottest: f32| hottest.max(celsius)));
        }
        true
    });
    hottest
}

/// Millidegrees as the kernel prints them, unless no CPU can be that cold or hot. Exactly 0 is what sensors
/// that are switched off and virtual ones give.
fn celsius(bytes: &[u8]) -> Option<f32> {
    let millidegrees: i32 = number(bytes.trim_ascii())?;
    #[allow(clippy::cast_precision_loss)] // 150,000 and less are exact.
    (millidegrees != 0 && PLAUSIBLE_MILLIDEGREES.contains(&millidegrees))
        .then(|| millidegrees as f32 / 1000.0)
}

/// Inputs of `sys/class/hwmon/hwmon*` whose driver measures a CPU.
fn hwmon_sensors(root: &Root) -> Vec<(Rank, PathBuf)> {
    let mut found = Vec::new();
    for folder in folders(&root.path("sys/class/hwmon")) {
        let Some(name) = text(&folder.join("name")) else {
            continue;
        };
        let driver = DRIVERS.iter().position(|(driver, _)| *driver == name);
        let Some(base) = driver.or_else(|| Some(DRIVERS.len() + zone_place(&name)?)) else {
            continue;
        };
        let labels = driver
            .and_then(|driver| DRIVERS.get(driver))
            .map_or([].as_slice(), |(_, labels)| labels);
        for number in 1..=64 {
            let input = folder.join(format!("temp{number}_input"));
            if !input.exists() {
                continue;
            }
            let label = text(&folder.join(format!("temp{number}_label")));
            let place = labels
                .iter()
                .position(|known| label.as_ref().is_some_and(|label| label.starts_with(known)))
                .unwrap_or(labels.len());
            found.push(((base, place), input));
        }
    }
    found
}

/// Temperatures of `sys/class/thermal/thermal_zone*` that are named after the CPU. They rank below all of hwmon's.
fn thermal_zones(root: &Root) -> Vec<(Rank, PathBuf)> {
    folders(&root.path("sys/class/thermal"))
        .into_iter()
        .filter_map(|folder| {
            let rank = zone_place(&text(&folder.join("type"))?)?;
            let base = DRIVERS.len() + ZONES.len() + 1 + rank;
            Some(((base, 0), folder.join("temp")))
        })
        .collect()
}

fn zone_place(name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    ZONES
        .iter()
        .position(|zone| *zone == name)
        .or_else(|| name.starts_with("cpu").then_some(ZONES.len()))
}

/// What is in a folder; nothing where it cannot be read.
fn folders(parent: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Tree, at_seconds, machine};
    use super::*;

    fn first_reading(root: Root) -> Option<f32> {
        CpuTemperature::new(root).read(at_seconds(1), &mut Buffer::default())
    }

    #[test]
    fn expected_sensor_is_chosen_on_every_machine() {
        for (name, celsius) in [
            ("pi2", Some(44.388)),
            ("pi3", Some(56.224)),
            ("pi4", Some(48.686)),
            ("pi4-32bit", Some(52.095)),
            ("pi5", Some(52.35)),
            ("x86-server", Some(41.0)),
            ("container", None),
        ] {
            assert_eq!(first_reading(machine(name)), celsius, "{name}");
        }
    }

    #[test]
    fn tdie_precedes_tctl_and_a_named_driver_precedes_a_zone() {
        let tree = Tree::new(&[
            ("sys/class/hwmon/hwmon0/name", "acpitz\n"),
            ("sys/class/hwmon/hwmon0/temp1_input", "27800\n"),
            ("sys/class/hwmon/hwmon1/name", "k10temp\n"),
            ("sys/class/hwmon/hwmon1/temp1_label", "Tctl\n"),
            ("sys/class/hwmon/hwmon1/temp1_input", "77000\n"),
            ("sys/class/hwmon/hwmon1/temp2_label", "Tdie\n"),
            ("sys/class/hwmon/hwmon1/temp2_input", "50000\n"),
            ("sys/class/thermal/thermal_zone0/type", "soc-thermal\n"),
            ("sys/class/thermal/thermal_zone0/temp", "30000\n"),
        ]);
        assert_eq!(first_reading(tree.root()), Some(50.0));
    }

    /// A hwmon folder with sensors: label and millidegrees.
    fn hwmon(tree: &Tree, folder: &str, driver: &str, sensors: &[(&str, &str)]) {
        tree.write(&format!("sys/class/hwmon/{folder}/name"), driver);
        for ((label, input), number) in sensors.iter().zip(1..) {
            tree.write(
                &format!("sys/class/hwmon/{folder}/temp{number}_label"),
                label,
            );
            tree.write(
                &format!("sys/class/hwmon/{folder}/temp{number}_input"),
                input,
            );
        }
    }

    #[test]
    fn ampere_altra_uses_its_soc_sensor() {
        let tree = Tree::new(&[]);
        hwmon(
            &tree,
            "hwmon0",
            "apm_xgene\n",
            &[("SoC Temperature\n", "38000\n")],
        );
        assert_eq!(first_reading(tree.root()), Some(38.0));
    }

    #[test]
    fn hottest_core_is_used_without_a_package_sensor() {
        let tree = Tree::new(&[]);
        let cores = [
            ("Core 0\n", "41000\n"),
            ("Core 1\n", "55000\n"),
            ("Core 2\n", "62000\n"),
            ("Core 9\n", "40000\n"),
        ];
        hwmon(&tree, "hwmon0", "coretemp\n", &cores);
        assert_eq!(first_reading(tree.root()), Some(62.0));
    }

    #[test]
    fn hottest_package_is_used_and_cores_are_not_read() {
        let tree = Tree::new(&[]);
        let first = [("Package id 0\n", "45000\n"), ("Core 0\n", "99000\n")];
        let second = [("Package id 1\n", "88000\n"), ("Core 0\n", "99000\n")];
        hwmon(&tree, "hwmon0", "coretemp\n", &first);
        hwmon(&tree, "hwmon1", "coretemp\n", &second);
        let mut buffer = Buffer::default();
        let mut thermometer = CpuTemperature::new(tree.root());
        assert_eq!(thermometer.read(at_seconds(1), &mut buffer), Some(88.0));
        tree.write("sys/class/hwmon/hwmon0/temp1_input", "91000\n");
        assert_eq!(thermometer.read(at_seconds(2), &mut buffer), Some(91.0));
        // One that fails for a moment hides no other.
        tree.write("sys/class/hwmon/hwmon0/temp1_input", "0\n");
        assert_eq!(thermometer.read(at_seconds(3), &mut buffer), Some(88.0));
    }

    #[test]
    fn thermal_zone_of_the_cpu_is_used_without_hwmon() {
        let mut files = vec![
            ("sys/class/thermal/thermal_zone0/type", "gpu-thermal\n"),
            ("sys/class/thermal/thermal_zone0/temp", "30000\n"),
        ];
        assert_eq!(first_reading(Tree::new(&files).root()), None);
        files.extend([
            ("sys/class/thermal/thermal_zone1/type", "cpu0-thermal\n"),
            ("sys/class/thermal/thermal_zone1/temp", "61000\n"),
        ]);
        assert_eq!(first_reading(Tree::new(&files).root()), Some(61.0));
    }

    #[test]
    fn implausible_sensor_is_skipped() {
        for nonsense in ["0\n", "-273000\n", "255000\n", "n/a\n", "", "99999999999\n"] {
            let tree = Tree::new(&[
                ("sys/class/hwmon/hwmon0/name", "coretemp\n"),
                ("sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n"),
                ("sys/class/hwmon/hwmon0/temp1_input", nonsense),
                ("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n"),
                ("sys/class/thermal/thermal_zone0/temp", "-5000\n"),
            ]);
            assert_eq!(first_reading(tree.root()), Some(-5.0), "{nonsense:?}");
        }
    }

    #[test]
    fn vanished_sensor_is_searched_again_after_a_pause() {
        let tree = Tree::new(&[]);
        let mut buffer = Buffer::default();
        let mut thermometer = CpuTemperature::new(tree.root());
        assert_eq!(thermometer.read(at_seconds(1), &mut buffer), None);
        tree.write("sys/class/hwmon/hwmon3/name", "cpu_thermal\n");
        tree.write("sys/class/hwmon/hwmon3/temp1_input", "40000\n");
        assert_eq!(thermometer.read(at_seconds(60), &mut buffer), None);
        assert_eq!(thermometer.read(at_seconds(61), &mut buffer), Some(40.0));
        tree.write("sys/class/hwmon/hwmon3/temp1_input", "41500\n");
        assert_eq!(thermometer.read(at_seconds(62), &mut buffer), Some(41.5));
    }
}
