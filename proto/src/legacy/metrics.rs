//! Metrics and GPUs.

use serde::{Deserialize, Serialize};

use super::at_most::{at_most, at_most_or_null};
use super::{required, unix_ms};
use crate::limits::{CORES, GPUS, INTERFACES};
use crate::model::{self, SampleTime};

#[derive(Debug, Serialize, Deserialize)]
pub struct Metrics {
    #[serde(default)]
    pub sampled_at_ms: Option<u64>,
    pub cpu_total: f32,
    #[serde(deserialize_with = "at_most::<CORES, _, _>")]
    pub cpu_per_core: Vec<f32>,
    pub mem_total: u64,
    pub mem_used: u64,
    pub swap_total: u64,
    pub swap_used: u64,
    pub hostname: String,
    #[serde(default)]
    pub cpu_temp_c: Option<f32>,
    // Neither of the empty lists was ever filled in this reply, and the client of 1.60 demands both.
    #[serde(skip_deserializing)]
    pub disks: [(); 0],
    #[serde(deserialize_with = "at_most::<INTERFACES, _, _>")]
    pub networks: Vec<Network>,
    #[serde(skip_deserializing)]
    pub top_processes: [(); 0],
    #[serde(default, deserialize_with = "at_most_or_null::<GPUS, _, _>")]
    pub gpus: Option<Vec<Gpu>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Network {
    pub name: String,
    pub received: u64,
    pub transmitted: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Gpu {
    pub name: Option<String>,
    #[serde(rename = "utilization_gpu_pct", alias = "utilization", default)]
    pub usage: Option<f32>,
    #[serde(rename = "mem_used_bytes", alias = "mem_used", default)]
    pub memory_used: Option<u64>,
    #[serde(rename = "mem_total_bytes", alias = "mem_total", default)]
    pub memory_total: Option<u64>,
    #[serde(rename = "temp_c", alias = "temp", default)]
    pub temperature: Option<f32>,
}

impl TryFrom<&model::Metrics> for Metrics {
    type Error = model::Error;

    fn try_from(metrics: &model::Metrics) -> Result<Self, model::Error> {
        let cpu = required(metrics.cpu.as_ref(), "CPU usage")?;
        let memory = required(metrics.memory, "memory")?;
        let swap = required(metrics.swap, "swap")?;
        let mem_total = required(memory.total_bytes, "memory size")?;
        let swap_total = required(swap.total_bytes, "swap size")?;
        Ok(Self {
            sampled_at_ms: Some(unix_ms(metrics.time)),
            cpu_total: required(cpu.total_percent, "CPU usage")?,
            cpu_per_core: cpu.cores.iter().map(|core| core.percent).collect(),
            mem_total,
            // The client of 1.60 panics where more is used than there is.
            mem_used: required(memory.used_bytes, "memory use")?.min(mem_total),
            swap_total,
            swap_used: required(swap.used_bytes, "swap use")?.min(swap_total),
            hostname: metrics.hostname.clone(),
            cpu_temp_c: cpu.temperature_celsius,
            disks: [],
            networks: metrics
                .interfaces
                .iter()
                .map(|interface| Network {
                    name: interface.name.clone(),
                    received: interface.received_bytes,
                    transmitted: interface.transmitted_bytes,
                })
                .collect(),
            top_processes: [],
            gpus: (!metrics.gpus.is_empty()).then(|| metrics.gpus.iter().map(Gpu::from).collect()),
        })
    }
}

impl From<Metrics> for model::Metrics {
    fn from(metrics: Metrics) -> Self {
        let cores = metrics.cpu_per_core.iter().zip(0..);
        Self {
            time: metrics.sampled_at_ms.map(|unix_ms| SampleTime {
                unix_ms,
                boot_ms: None,
            }),
            hostname: metrics.hostname,
            cpu: Some(model::Cpu {
                total_percent: Some(metrics.cpu_total),
                cores: cores
                    .map(|(&percent, index)| model::Core { index, percent })
                    .collect(),
                window_ms: None,
                temperature_celsius: metrics.cpu_temp_c,
            }),
            memory: Some(model::Memory {
                total_bytes: Some(metrics.mem_total),
                used_bytes: Some(metrics.mem_used),
                available_bytes: metrics.mem_total.checked_sub(metrics.mem_used),
                cache_bytes: None,
            }),
            swap: Some(model::Swap {
                total_bytes: Some(metrics.swap_total),
                used_bytes: Some(metrics.swap_used),
            }),
            load: None,
            interfaces: metrics
                .networks
                .into_iter()
                .map(|network| model::Interface {
                    name: network.name,
                    received_bytes: network.received,
                    transmitted_bytes: network.transmitted,
                })
                .collect(),
            gpus: metrics
                .gpus
                .into_iter()
                .flatten()
                .map(model::Gpu::from)
                .collect(),
        }
    }
}

impl From<&model::Gpu> for Gpu {
    fn from(gpu: &model::Gpu) -> Self {
        // The client of 1.60 panics at a GPU without memory and at one that uses more than it has.
        let memory_total = gpu.memory_total_bytes.filter(|&total| total > 0);
        Self {
            name: Some(gpu.name.clone()),
            usage: gpu.usage_percent,
            memory_used: memory_total
                .and_then(|total| gpu.memory_used_bytes.map(|used| used.min(total))),
            memory_total,
            temperature: gpu.temperature_celsius,
        }
    }
}

impl From<Gpu> for model::Gpu {
    fn from(gpu: Gpu) -> Self {
        Self {
            name: gpu.name.unwrap_or_default(),
            usage_percent: gpu.usage,
            memory_used_bytes: gpu.memory_used,
            memory_total_bytes: gpu.memory_total,
            temperature_celsius: gpu.temperature,
        }
    }
}
