//! GPUs: NVIDIA's by NVML, AMD's by libdrm and sysfs, both libraries loaded at run time.
//!
//! Drivers may take seconds to wake a card and may never answer for one that died. So each poll runs on a
//! thread of its own, for which a sample waits no longer than [`PATIENCE`]; an answer that comes later serves the
//! next sample. Where the first poll finds nothing, collection rests: no library stays loaded, nothing is tried again.

mod amd;
mod nvidia;

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use socktop_proto::model;

use super::Root;

/// How long a sample waits for the drivers.
const PATIENCE: Duration = Duration::from_millis(100);

/// What one GPU says about itself; what it does not say is unknown.
#[derive(Debug, Clone, Default, PartialEq)]
struct Reading {
    name: String,
    usage_percent: Option<u32>,
    memory_used_bytes: Option<u64>,
    memory_total_bytes: Option<u64>,
    temperature_celsius: Option<f32>,
}

/// The GPUs of one driver.
trait Driver: Send {
    /// Reads them all, in an order that stays the same.
    fn read(&mut self) -> Vec<Reading>;
}

/// Loads what there are drivers for. May take as long as a poll.
type Open = Box<dyn FnOnce() -> Vec<Box<dyn Driver>> + Send>;

type Drivers = Vec<Box<dyn Driver>>;

enum State {
    /// Nobody has asked yet.
    Unopened(Open),
    Idle(Drivers),
    /// A thread has the drivers and gives them back with what it read.
    Polling(Receiver<(Drivers, Vec<Reading>)>),
    /// There are no GPUs, or the thread that asked them died.
    Resting,
}

/// Collects GPUs.
pub(crate) struct GpuCollector {
    state: State,
    /// The names last read, for the rows of GPUs that do not answer.
    names: Vec<String>,
    /// [`PATIENCE`], but in tests: there a busy machine must make no difference.
    patience: Duration,
}

impl GpuCollector {
    /// A collector that loads the drivers when it is first asked.
    pub(crate) fn new(root: Root) -> Self {
        Self::with(Box::new(move || open(&root)))
    }

    /// A collector that never finds any.
    pub(crate) fn off() -> Self {
        Self::of(State::Resting)
    }

    fn with(open: Open) -> Self {
        Self::of(State::Unopened(open))
    }

    fn of(state: State) -> Self {
        Self {
            state,
            names: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// Reads the GPUs. Those whose driver does not answer keep their rows, with nothing known but the name.
    pub(crate) fn collect(&mut self) -> Vec<model::Gpu> {
        let answer = match std::mem::replace(&mut self.state, State::Resting) {
            State::Resting => return Vec::new(),
            State::Unopened(open) => self.poll(move || {
                let mut drivers = open();
                let readings = read_all(&mut drivers);
                (drivers, readings)
            }),
            State::Idle(mut drivers) => self.poll(move || {
                let readings = read_all(&mut drivers);
                (drivers, readings)
            }),
            State::Polling(answers) => match answers.try_recv() {
                Ok(answer) => Some(answer),
                Err(TryRecvError::Empty) => {
                    self.state = State::Polling(answers);
                    None
                }
                Err(TryRecvError::Disconnected) => None,
            },
        };
        if let Some((drivers, readings)) = answer {
            // A GPU that falls out later is no reason to stop: it may come back.
            if self.names.is_empty() && readings.is_empty() {
                return Vec::new();
            }
            self.state = State::Idle(drivers);
            if !readings.is_empty() {
                self.names = readings.iter().map(|gpu| gpu.name.clone()).collect();
                return readings.into_iter().map(sound).collect();
            }
        }
        self.names.iter().map(|name| silent(name)).collect()
    }

    /// Starts a poll and waits for it a little.
    fn poll(
        &mut self,
        poll: impl FnOnce() -> (Drivers, Vec<Reading>) + Send + 'static,
    ) -> Option<(Drivers, Vec<Reading>)> {
        let (sender, answers) = channel();
        let thread = std::thread::Builder::new()
            .name("gpu".to_owned())
            .spawn(move || {
                let _ = sender.send(poll());
            })
            .inspect_err(|error| tracing::warn!("cannot start a thread to ask the GPUs: {error}"))
            .ok()?;
        match answers.recv_timeout(self.patience) {
            Ok(answer) => {
                // It has sent the last it had to say.
                let _ = thread.join();
                Some(answer)
            }
            Err(RecvTimeoutError::Timeout) => {
                self.state = State::Polling(answers);
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}

fn open(root: &Root) -> Drivers {
    let mut drivers: Drivers = Vec::new();
    if root.is_live() {
        drivers.extend(nvidia::open().map(|driver| Box::new(driver) as Box<dyn Driver>));
    }
    drivers.extend(amd::open(root).map(|driver| Box::new(driver) as Box<dyn Driver>));
    drivers
}

fn read_all(drivers: &mut Drivers) -> Vec<Reading> {
    drivers
        .iter_mut()
        .flat_map(|driver| driver.read())
        .collect()
}

/// The row of a GPU of which only the name is known.
fn silent(name: &str) -> model::Gpu {
    model::Gpu {
        name: name.to_owned(),
        ..model::Gpu::default()
    }
}

/// A row without what cannot be true. A GPU that shares the machine's memory says that it has none.
fn sound(gpu: Reading) -> model::Gpu {
    let total = gpu.memory_total_bytes.filter(|&total| total > 0);
    #[allow(clippy::cast_precision_loss)] // At most 100.
    let usage_percent = gpu
        .usage_percent
        .filter(|&percent| percent <= 100)
        .map(|percent| percent as f32);
    model::Gpu {
        name: gpu.name,
        usage_percent,
        // The two are not read at one instant.
        memory_used_bytes: gpu
            .memory_used_bytes
            .zip(total)
            .map(|(used, total)| used.min(total)),
        memory_total_bytes: total,
        temperature_celsius: gpu
            .temperature_celsius
            .filter(|celsius| (-40.0..=150.0).contains(celsius)),
    }
}

#[cfg(test)]
mod tests;
