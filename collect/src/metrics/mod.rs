//! Metrics, all that changes fast: CPU, temperature, memory, swap, load, interfaces, GPUs, each read once per sample.
//!
//! The files of `/proc` that are read here wait for no other process and no device: the kernel's counters are added up
//! while they are read. GPUs are asked on a helper thread.

use std::time::Duration;

use socktop_proto::model::{Cpu, Gpu, Memory, Metrics, Swap};

use super::cpu::{CpuTimes, CpuUsage};
use super::gpu::GpuCollector;
use super::host::hostname;
use super::temperature::CpuTemperature;
use super::{Collected, MIN_WINDOW, Now, Root, Window, load, memory, network};
use crate::parse::text;
use crate::proc_file::{Buffer, ProcFile};

/// What may be left out of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsOptions {
    /// Whether to look for GPUs.
    pub gpu: bool,
    /// Whether to read the CPU's temperature.
    pub temperature: bool,
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self {
            gpu: true,
            temperature: true,
        }
    }
}

/// Collects metrics. It keeps its files open and the readings that CPU percentages are taken from.
pub struct MetricsCollector {
    root: Root,
    stat: ProcFile,
    meminfo: ProcFile,
    net_dev: ProcFile,
    loadavg: ProcFile,
    cpu: Window<CpuTimes>,
    thermometer: Option<CpuTemperature>,
    gpus: GpuCollector,
    buffer: Buffer,
}

impl MetricsCollector {
    /// A collector of the system below `root`.
    #[must_use]
    pub fn new(root: Root, options: MetricsOptions) -> Self {
        let file = |path: &str| ProcFile::new(root.path(path));
        Self {
            stat: file("proc/stat"),
            meminfo: file("proc/meminfo"),
            net_dev: file("proc/net/dev"),
            loadavg: file("proc/loadavg"),
            cpu: Window::default(),
            thermometer: options
                .temperature
                .then(|| CpuTemperature::new(root.clone())),
            gpus: if options.gpu {
                GpuCollector::new(root.clone())
            } else {
                GpuCollector::off()
            },
            buffer: Buffer::default(),
            root,
        }
    }

    /// Reads the GPUs, and waits for their drivers a little.
    pub async fn gpus(&mut self) -> Vec<Gpu> {
        self.gpus.collect().await
    }

    /// Reads a sample without GPUs, or the first of the two readings of `/proc/stat` that one needs. What cannot be
    /// read is unknown in it.
    pub fn collect(&mut self, now: Now) -> Collected<Metrics> {
        let times = self
            .stat
            .read(&mut self.buffer)
            .ok()
            .and_then(CpuTimes::parse);
        let (usage, window) = match times {
            Some(times) => {
                let baseline = self.cpu.baseline(now.boot);
                let usage = baseline.map(|older| {
                    let window = now.boot.saturating_sub(older.at);
                    (times.since(&older.value, window), window)
                });
                self.cpu.record(now.boot, times);
                match usage {
                    Some((usage, window)) => (usage, Some(window)),
                    None => return Collected::Wait(self.cpu.wait(now.boot).unwrap_or(MIN_WINDOW)),
                }
            }
            // Waiting would not make it readable.
            None => (CpuUsage::default(), None),
        };
        Collected::Ready(self.sample(now, usage, window))
    }

    fn sample(&mut self, now: Now, usage: CpuUsage, window: Option<Duration>) -> Metrics {
        let buffer = &mut self.buffer;
        let (memory, swap) = match self.meminfo.read(buffer) {
            Ok(meminfo) => memory::parse(meminfo, || {
                text(&self.root.path("proc/sys/vm/min_free_kbytes"))?
                    .parse()
                    .ok()
            }),
            Err(_) => (Memory::default(), Swap::default()),
        };
        let load = self.loadavg.read(buffer).ok().and_then(load::parse);
        let interfaces = self
            .net_dev
            .read(buffer)
            .map_or_else(|_| Vec::new(), network::parse);
        let temperature_celsius = self
            .thermometer
            .as_mut()
            .and_then(|thermometer| thermometer.read(now, buffer));
        Metrics {
            time: Some(now.sample_time()),
            hostname: hostname(&self.root),
            cpu: Some(Cpu {
                total_percent: usage.total_percent,
                cores: usage.cores,
                window_ms: window.and_then(|window| u32::try_from(window.as_millis()).ok()),
                temperature_celsius,
            }),
            memory: Some(memory),
            swap: Some(swap),
            load,
            interfaces,
            gpus: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
