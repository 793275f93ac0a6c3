//! NVIDIA GPUs by the driver's own library, NVML.

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;

use super::{Driver, Reading};

/// The library, initialised.
pub(super) struct Nvidia {
    nvml: Nvml,
    /// By index: a GPU that failed does not even give its name.
    names: Vec<String>,
}

/// Loads the library, where it is installed and finds its driver.
pub(super) fn open() -> Option<Nvidia> {
    let nvml = Nvml::init()
        .inspect_err(|error| tracing::debug!("no NVIDIA GPUs: {error}"))
        .ok()?;
    let names = Vec::new();
    Some(Nvidia { nvml, names })
}

impl Driver for Nvidia {
    fn read(&mut self) -> Vec<Reading> {
        let known = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let count = self.nvml.device_count().unwrap_or(known);
        (0..count.max(known)).map(|index| self.gpu(index)).collect()
    }
}

impl Nvidia {
    fn gpu(&mut self, index: u32) -> Reading {
        let device = self.nvml.device_by_index(index).ok();
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let name = match device.as_ref().and_then(|device| device.name().ok()) {
            Some(name) => name,
            None => self
                .names
                .get(place)
                .cloned()
                .unwrap_or_else(|| format!("NVIDIA GPU {index}")),
        };
        if place == self.names.len() {
            self.names.push(name.clone());
        }
        let Some(device) = device else {
            return Reading {
                name,
                ..Reading::default()
            };
        };
        let memory = device.memory_info().ok();
        #[allow(clippy::cast_precision_loss)] // Degrees are small.
        let celsius = |degrees: u32| degrees as f32;
        Reading {
            name,
            usage_percent: device.utilization_rates().ok().map(|rates| rates.gpu),
            memory_used_bytes: memory.as_ref().map(|memory| memory.used),
            memory_total_bytes: memory.as_ref().map(|memory| memory.total),
            temperature_celsius: device.temperature(TemperatureSensor::Gpu).ok().map(celsius),
        }
    }
}
