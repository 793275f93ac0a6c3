//! The host's temperature sensors: by sysinfo, and by [`hwmon`] what sysinfo leaves out.
//!
//! sysinfo reads `/sys/class/hwmon`, and `/sys/class/thermal` where there is no hwmon. It reads the real `/sys` and knows no
//! other root, so of a fixture there are only the sensors that [`hwmon`] reads by itself.
//!
//! Of sysinfo's numbers two are shown: `temperature()`, which is `tempN_input`, and `critical()`, which is `tempN_crit`. Its
//! `max()` is no limit but the highest temperature seen (`tempN_highest`, or the highest that sysinfo has read itself); the
//! high limit, `tempN_max`, it does not read.
//!
//! A driver may ask its device (a drive, a chip on a slow bus), which may take long or never answer. So a helper thread
//! reads, and a sample waits for it no longer than [`SENSORS`](deadline::SENSORS) says. What comes later serves the next
//! sample.

mod hwmon;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use socktop_proto::limits::{self, NAME_BYTES};
use socktop_proto::model::{Sensor, Sensors};
use socktop_proto::{Error, ErrorCode};
use sysinfo::Components;

use super::deadline::{self, Call, Helpers, Outcome};
use super::{MAX_WINDOW, Now, Root};

/// What temperatures and limits can be, in °C. Drives of NVM Express give, for a limit that they do not have, 65261.85
/// or -273.15.
const PLAUSIBLE_CELSIUS: std::ops::RangeInclusive<f32> = -100.0..=200.0;

/// A sensor as it was read. What it does not say is unknown.
#[derive(Debug, Clone, Default, PartialEq)]
struct Reading {
    /// Its files: `hwmon2_1` are `tempN_…` with N = 1 in `/sys/class/hwmon/hwmon2`; or a thermal zone's folder.
    id: String,
    label: String,
    celsius: Option<f32>,
    high_celsius: Option<f32>,
    critical_celsius: Option<f32>,
}

/// Reads all sensors, which may take any time.
type ReadAll = Arc<dyn Fn() -> Vec<Reading> + Send + Sync>;

/// Collects temperature sensors.
pub struct SensorsCollector {
    read_all: ReadAll,
    helpers: Helpers<()>,
    /// What was read and no sample has shown yet, and when.
    read: Arc<Mutex<Option<(Instant, Sensors)>>>,
}

impl SensorsCollector {
    /// A collector of the sensors under `root`.
    #[must_use]
    pub fn new(root: Root) -> Self {
        let helpers = Helpers::new(deadline::SENSORS).with_library_stacks();
        Self::with(Arc::new(move || read_all(&root)), helpers)
    }

    fn with(read_all: ReadAll, helpers: Helpers<()>) -> Self {
        Self {
            read_all,
            helpers,
            read: Arc::default(),
        }
    }

    /// Reads all sensors, at most [`SENSORS`](limits::SENSORS) of them, ascending by label.
    ///
    /// What was read too late for the last sample is given first, unless it is older than a minute.
    ///
    /// # Errors
    /// `Unavailable`, where a sensor does not answer in time: the others are behind it.
    pub async fn collect(&self) -> Result<Sensors, Error> {
        let late = self.read.lock().take();
        if let Some((read_at, sensors)) = late
            && read_at.elapsed() <= MAX_WINDOW
        {
            return Ok(sensors);
        }
        let (read_all, read) = (Arc::clone(&self.read_all), Arc::clone(&self.read));
        let call = Call {
            key: (),
            user: None,
            make: Box::new(move || {
                let sensors = model(read_all(), Now::read());
                *read.lock() = Some((Instant::now(), sensors));
            }),
        };
        let outcomes = self.helpers.run(vec![call]).await;
        if let Some((_, sensors)) = self.read.lock().take() {
            return Ok(sensors);
        }
        let message = match outcomes.first() {
            Some(Outcome::Hung(time)) => {
                let seconds = time.as_secs_f64();
                format!("a temperature sensor has not answered for {seconds:.1} s; ask again later")
            }
            _ => "reading the temperature sensors failed: no thread for it, or the thread ended early"
                .to_owned(),
        };
        Err(Error::new(ErrorCode::Unavailable, message))
    }
}

fn read_all(root: &Root) -> Vec<Reading> {
    let mut readings = if root.is_live() {
        listed_by_sysinfo()
    } else {
        Vec::new()
    };
    hwmon::complete(&mut readings, root);
    readings
}

/// The sensors that sysinfo finds. Listing them reads them.
fn listed_by_sysinfo() -> Vec<Reading> {
    let Ok(components) = Components::new_with_refreshed_list() else {
        // `hwmon` reads those that are missing.
        return Vec::new();
    };
    let reading = |component: &sysinfo::Component| Reading {
        id: component.id().unwrap_or_default().to_owned(),
        label: component.label().to_owned(),
        celsius: component.temperature(),
        high_celsius: None,
        critical_celsius: component.critical(),
    };
    components.iter().map(reading).collect()
}

/// The list as it is sent.
fn model(readings: Vec<Reading>, now: Now) -> Sensors {
    let mut sensors: Vec<_> = readings.into_iter().map(sensor).collect();
    sensors.sort_by(|one, other| one.label.cmp(&other.label));
    sensors.truncate(limits::SENSORS);
    Sensors {
        time: Some(now.sample_time()),
        sensors,
    }
}

/// A sensor without what cannot be true.
fn sensor(mut reading: Reading) -> Sensor {
    let plausible = |celsius: &f32| PLAUSIBLE_CELSIUS.contains(celsius);
    // Zero is what drivers give for a limit that nobody has set.
    let is_limit = |celsius: &f32| *celsius > 0.0 && plausible(celsius);
    let end = reading.label.floor_char_boundary(NAME_BYTES);
    reading.label.truncate(end);
    Sensor {
        label: reading.label,
        celsius: reading.celsius.filter(plausible),
        high_celsius: reading.high_celsius.filter(is_limit),
        critical_celsius: reading.critical_celsius.filter(is_limit),
    }
}
