//! GPUs: NVIDIA's by NVML, AMD's by libdrm and sysfs, both libraries loaded at run time.
//!
//! Drivers may take seconds to wake a card and may never answer for one that died. So each poll is made by a helper thread,
//! for which a sample waits no longer than [`GPUS`] says; an answer that comes later serves the next sample. What opens and
//! closes a driver, which may take as long, is done there too. Where the first poll finds nothing, collection rests: no
//! library stays loaded, nothing is tried again.

mod amd;
mod nvidia;

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use socktop_proto::model;

use super::deadline::{Call, GPUS, Helpers, Outcome};
use super::{MAX_WINDOW, Root};

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

/// What the helper thread and the collector share. It is locked for moments only, never while a driver is asked.
struct Cards {
    holder: Holder,
    /// What was read and no sample has shown yet, and when.
    readings: Option<(Instant, Vec<Reading>)>,
}

/// The state of the drivers.
enum Holder {
    /// Not opened: no request has come yet.
    Unopened(Open),
    Idle(Drivers),
    /// A helper thread; where none is at work any more, they are gone: there are no GPUs, or a driver panicked.
    Thread,
}

/// Collects GPUs.
pub(crate) struct GpuCollector {
    cards: Arc<Mutex<Cards>>,
    /// `None`: there are no GPUs, or their driver panicked.
    helpers: Option<Helpers<()>>,
    /// The names last read, for the rows of GPUs that do not answer.
    names: Vec<String>,
}

impl GpuCollector {
    /// A collector that loads the drivers when it is first asked.
    pub(crate) fn new(root: Root) -> Self {
        let open = Holder::Unopened(Box::new(move || open(&root)));
        Self::of(open, Some(Helpers::new(GPUS).with_library_stacks()))
    }

    /// A collector that never finds any.
    pub(crate) fn off() -> Self {
        Self::of(Holder::Thread, None)
    }

    fn of(holder: Holder, helpers: Option<Helpers<()>>) -> Self {
        let cards = Cards {
            holder,
            readings: None,
        };
        Self {
            cards: Arc::new(Mutex::new(cards)),
            helpers,
            names: Vec::new(),
        }
    }

    /// Reads the GPUs. Those whose driver does not answer keep their rows, with nothing known but the name.
    pub(crate) async fn collect(&mut self) -> Vec<model::Gpu> {
        match self.readings().await {
            // A GPU that falls out later is no reason to stop: it may come back.
            Some(readings) if readings.is_empty() && self.names.is_empty() => self.helpers = None,
            Some(readings) if !readings.is_empty() => {
                self.names = readings.iter().map(|gpu| gpu.name.clone()).collect();
                return readings.into_iter().map(sound).collect();
            }
            Some(_) | None => {}
        }
        self.names.iter().map(|name| silent(name)).collect()
    }

    /// What a poll gave that came too late for the last sample, unless that was long ago; else what one gives now.
    async fn readings(&mut self) -> Option<Vec<Reading>> {
        let helpers = self.helpers.as_ref()?;
        if let Some((read_at, late)) = self.cards.lock().readings.take()
            && read_at.elapsed() <= MAX_WINDOW
        {
            return Some(late);
        }
        let cards = Arc::clone(&self.cards);
        let poll = Call {
            key: (),
            user: None,
            make: Box::new(move || poll(&cards)),
        };
        let outcomes = helpers.run(vec![poll]).await;
        let mut cards = self.cards.lock();
        // A thread that could not be started has left the drivers where they were.
        if outcomes == [Outcome::NotMade] && matches!(cards.holder, Holder::Thread) {
            self.helpers = None;
        }
        cards.readings.take().map(|(_, readings)| readings)
    }
}

impl Drop for GpuCollector {
    fn drop(&mut self) {
        let is_open = matches!(self.cards.lock().holder, Holder::Idle(_));
        if let (Some(helpers), true) = (&self.helpers, is_open) {
            let cards = Arc::clone(&self.cards);
            helpers.start(Call {
                key: (),
                user: None,
                make: Box::new(move || drop(take(&cards))),
            });
        }
    }
}

/// Asks all drivers, and puts them back with what they said.
fn poll(cards: &Mutex<Cards>) {
    let (mut drivers, is_first) = match take(cards) {
        Holder::Unopened(open) => (open(), true),
        Holder::Idle(drivers) => (drivers, false),
        Holder::Thread => return,
    };
    let readings = read_all(&mut drivers);
    let is_of_use = !(is_first && readings.is_empty());
    // Closed here where they are not: a library may take its time for that, too.
    let drivers = is_of_use.then_some(drivers);
    let mut cards = cards.lock();
    if let Some(drivers) = drivers {
        cards.holder = Holder::Idle(drivers);
    }
    cards.readings = Some((Instant::now(), readings));
}

fn take(cards: &Mutex<Cards>) -> Holder {
    std::mem::replace(&mut cards.lock().holder, Holder::Thread)
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
