//! What sysinfo leaves out of `/sys/class/hwmon`: the high limits, and all but one of the sensors that it gives one label.
//!
//! sysinfo merges sensors of the same label: two drives of one model, memory modules, the cores of two processors. Of the
//! one that is left it gives one's id and another's temperature. Such sensors are read here, and named after their devices.

use std::collections::HashMap;
use std::path::PathBuf;

use super::Reading;
use crate::Root;
use crate::parse::text;

/// A sensor of hwmon by its files.
struct Input {
    /// As sysinfo names it.
    id: String,
    /// `/sys/class/hwmon/hwmonN`.
    folder: PathBuf,
    /// N of `tempN_input`.
    number: u32,
}

/// Adds high limits and missing sensors to `readings`, and makes the labels unique.
pub(super) fn complete(readings: &mut Vec<Reading>, root: &Root) {
    let mut inputs = HashMap::new();
    for input in find_inputs(root) {
        match readings.iter_mut().find(|reading| reading.id == input.id) {
            Some(reading) => reading.high_celsius = input.celsius("max"),
            None => readings.push(input.read()),
        }
        inputs.insert(input.id.clone(), input);
    }
    for reading in readings.iter_mut() {
        if reading.label.is_empty() {
            // A thermal zone: sysinfo reads what it is called but does not say it.
            let file = format!("sys/class/thermal/{}/type", reading.id);
            reading.label = text(&root.path(file)).unwrap_or_else(|| reading.id.clone());
        }
        reading.label = joined(&[&reading.label]);
    }
    let mut by_label: HashMap<String, Vec<&mut Reading>> = HashMap::new();
    for reading in readings {
        let same = by_label.entry(reading.label.clone()).or_default();
        same.push(reading);
    }
    for same_label in by_label.into_values().filter(|same| same.len() > 1) {
        tell_apart(same_label, &inputs);
    }
}

/// Reads the sensors of one label again, each from its own files, and adds their devices' names to the label; their ids,
/// where a device has several of them.
fn tell_apart(mut same_label: Vec<&mut Reading>, inputs: &HashMap<String, Input>) {
    let device = |reading: &Reading| inputs.get(&reading.id).and_then(Input::device);
    let mut devices: Vec<_> = same_label.iter().map(|reading| device(reading)).collect();
    let sensors = devices.len();
    devices.sort_unstable();
    devices.dedup();
    let are_unique = devices.len() == sensors;
    for reading in &mut same_label {
        if let Some(input) = inputs.get(&reading.id) {
            **reading = input.read();
        }
        let name = device(reading).filter(|_| are_unique);
        let name = name.as_ref().unwrap_or(&reading.id);
        reading.label = format!("{} ({name})", joined(&[&reading.label]));
    }
}

/// Every `sys/class/hwmon/hwmon*/temp*_input`.
fn find_inputs(root: &Root) -> Vec<Input> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.path("sys/class/hwmon"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let folder = entry.path();
        let Some(hwmon) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        for file in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = file.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_prefix("temp")?.strip_suffix("_input"));
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                found.push(Input {
                    id: format!("{hwmon}_{number}"),
                    folder: folder.clone(),
                    number,
                });
            }
        }
    }
    found
}

impl Input {
    /// The sensor with the label that sysinfo would give it.
    fn read(&self) -> Reading {
        let name = text(&self.folder.join("name")).unwrap_or_default();
        let label = text(&self.file("label"));
        let model = text(&self.folder.join("device/model"));
        let number = format!("temp{}", self.number);
        let label = match (&label, &model) {
            (Some(label), Some(model)) => joined(&[&name, label, model]),
            (Some(words), None) | (None, Some(words)) => joined(&[&name, words]),
            (None, None) => joined(&[&name, &number]),
        };
        Reading {
            id: self.id.clone(),
            label,
            celsius: self.celsius("input"),
            high_celsius: self.celsius("max"),
            critical_celsius: self.celsius("crit"),
        }
    }

    fn file(&self, item: &str) -> PathBuf {
        self.folder.join(format!("temp{}_{item}", self.number))
    }

    /// The temperature in a file, which has millidegrees; unknown where there is none, or the device does not answer.
    fn celsius(&self, item: &str) -> Option<f32> {
        let millidegrees: i32 = text(&self.file(item))?.parse().ok()?;
        #[allow(clippy::cast_precision_loss)] // Sixteen million and less are exact.
        Some(millidegrees as f32 / 1000.0)
    }

    /// The name of the device that the sensor is in, such as `nvme0` or `coretemp.1`.
    fn device(&self) -> Option<String> {
        let device = std::fs::read_link(self.folder.join("device")).ok()?;
        Some(device.file_name()?.to_str()?.to_owned())
    }
}

/// Words with one space between them.
fn joined(parts: &[&str]) -> String {
    let words: Vec<_> = parts
        .iter()
        .flat_map(|part| part.split_whitespace())
        .collect();
    words.join(" ")
}
