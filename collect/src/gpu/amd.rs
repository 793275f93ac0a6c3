//! AMD GPUs by libdrm, and by the `amdgpu` driver's files in sysfs where the library is missing, may not open the
//! card, or has no answer.

use std::path::{Path, PathBuf};

use super::{Driver, Reading};
use crate::Root;
use crate::parse::text;

const VENDOR: &str = "0x1002";

/// The AMD cards of this machine.
pub(super) struct Amd {
    cards: Vec<Card>,
}

struct Card {
    /// `sys/class/drm/cardN/device`.
    folder: PathBuf,
    name: String,
    #[cfg(target_pointer_width = "64")]
    library: Option<library::Device>,
}

/// Looks for cards, and loads the library only where there is one.
pub(super) fn open(root: &Root) -> Option<Amd> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root.path("sys/class/drm"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_card(path))
        .map(|path| path.join("device"))
        .filter(|device| text(&device.join("vendor")).as_deref() == Some(VENDOR))
        .collect();
    folders.sort();
    (!folders.is_empty()).then(|| Amd {
        cards: folders
            .into_iter()
            .map(|folder| Card {
                name: name(&folder),
                #[cfg(target_pointer_width = "64")]
                library: library::Device::open(root, &folder),
                folder,
            })
            .collect(),
    })
}

/// `card0`, but not `card0-HDMI-A-1` and `renderD128`.
fn is_card(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str()?.strip_prefix("card"))
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

/// The marketing name, by device and revision.
fn name(folder: &Path) -> String {
    let device = hexadecimal(&folder.join("device"));
    #[cfg(target_pointer_width = "64")]
    if let Some(name) =
        device
            .zip(hexadecimal(&folder.join("revision")))
            .and_then(|(device, revision)| {
                libdrm_amdgpu_sys::AMDGPU::find_device_name(device, revision)
            })
    {
        return name;
    }
    match device {
        Some(device) => format!("AMD GPU {device:#06x}"),
        None => "AMD GPU".to_owned(),
    }
}

fn hexadecimal(file: &Path) -> Option<u32> {
    u32::from_str_radix(text(file)?.strip_prefix("0x")?, 16).ok()
}

impl Driver for Amd {
    fn read(&mut self) -> Vec<Reading> {
        self.cards.iter().map(Card::read).collect()
    }
}

impl Card {
    fn read(&self) -> Reading {
        let mut reading = Reading {
            name: self.name.clone(),
            ..Reading::default()
        };
        // A card that sleeps would be woken by being asked.
        if text(&self.folder.join("power/runtime_status")).as_deref() == Some("suspended") {
            return reading;
        }
        #[cfg(target_pointer_width = "64")]
        if let Some(library) = &self.library {
            library.read(&mut reading);
        }
        let number = |file: &str| text(&self.folder.join(file))?.parse().ok();
        reading.usage_percent = reading
            .usage_percent
            .or_else(|| number("gpu_busy_percent").and_then(|n: u64| u32::try_from(n).ok()));
        reading.memory_total_bytes = reading
            .memory_total_bytes
            .or_else(|| number("mem_info_vram_total"));
        reading.memory_used_bytes = reading
            .memory_used_bytes
            .or_else(|| number("mem_info_vram_used"));
        reading.temperature_celsius = reading.temperature_celsius.or_else(|| self.temperature());
        reading
    }

    /// The edge sensor, which all of them have.
    fn temperature(&self) -> Option<f32> {
        let hwmon = std::fs::read_dir(self.folder.join("hwmon"))
            .ok()?
            .find_map(|entry| Some(entry.ok()?.path()))?;
        millidegrees(text(&hwmon.join("temp1_input"))?.parse().ok()?)
    }
}

/// 0 is what a sensor gives that is off.
fn millidegrees(value: i32) -> Option<f32> {
    #[allow(clippy::cast_precision_loss)] // Degrees are small.
    (value != 0).then(|| value as f32 / 1000.0)
}

/// libdrm does not compile where pointers have 32 bits.
#[cfg(target_pointer_width = "64")]
mod library {
    use std::fs::File;
    use std::path::Path;

    use libdrm_amdgpu_sys::AMDGPU::AmdgpuDeviceHandle;
    use libdrm_amdgpu_sys::AMDGPU::SENSOR_INFO::SENSOR_TYPE;
    use libdrm_amdgpu_sys::LibDrmAmdgpu;

    use super::{Reading, Root, millidegrees};

    /// A card that the library has opened.
    pub(super) struct Device(AmdgpuDeviceHandle);

    impl Device {
        /// Opens the card's render node, which needs no privileges but the group `render`.
        pub(super) fn open(root: &Root, folder: &Path) -> Option<Self> {
            if !root.is_live() {
                return None;
            }
            let node = std::fs::read_dir(folder.join("drm"))
                .ok()?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .find(|name| name.starts_with("renderD"))?;
            let node = root.path("dev/dri").join(node);
            let library = LibDrmAmdgpu::new()
                .inspect_err(|error| tracing::debug!("AMD GPUs without libdrm_amdgpu: {error}"))
                .ok()?;
            let file = File::options()
                .read(true)
                .write(true)
                .open(&node)
                .inspect_err(|error| tracing::debug!("cannot open {}: {error}", node.display()))
                .ok()?;
            let (device, _, _) = library
                .init_amdgpu_device_handle(file)
                .inspect_err(|error| {
                    tracing::debug!("libdrm_amdgpu refuses {}: {error}", node.display());
                })
                .ok()?;
            Some(Self(device))
        }

        /// Fills in what the library knows.
        pub(super) fn read(&self, reading: &mut Reading) {
            let sensor = |sensor| self.0.sensor_info(sensor).ok();
            reading.usage_percent = sensor(SENSOR_TYPE::GPU_LOAD);
            reading.temperature_celsius = sensor(SENSOR_TYPE::GPU_TEMP)
                .and_then(|value| i32::try_from(value).ok())
                .and_then(millidegrees);
            if let Ok(memory) = self.0.memory_info() {
                reading.memory_total_bytes = Some(memory.vram.total_heap_size);
                reading.memory_used_bytes = Some(memory.vram.heap_usage);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// What is not a card must be refused, not crash: the library's error path is C.
        #[test]
        fn file_other_than_a_card_is_refused() {
            let Ok(library) = LibDrmAmdgpu::new() else {
                return; // Not installed here.
            };
            let file = File::open("/dev/null").unwrap();
            assert!(library.init_amdgpu_device_handle(file).is_err());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Tree;

    const CARD: &str = "sys/class/drm/card1/device";

    fn tree() -> Tree {
        let tree = Tree::new(&[
            ("sys/class/drm/card0/device/vendor", "0x8086\n"),
            ("sys/class/drm/card1-HDMI-A-1/device/vendor", "0x1002\n"),
            ("sys/class/drm/renderD129/device/vendor", "0x1002\n"),
        ]);
        for (file, content) in [
            ("vendor", "0x1002\n"),
            ("device", "0x73bf\n"),
            ("revision", "0xc1\n"),
            ("gpu_busy_percent", "17\n"),
            ("mem_info_vram_total", "17163091968\n"),
            ("mem_info_vram_used", "1051111424\n"),
            ("hwmon/hwmon4/temp1_input", "48000\n"),
            ("power/runtime_status", "active\n"),
        ] {
            tree.write(&format!("{CARD}/{file}"), content);
        }
        tree
    }

    #[test]
    fn a_cards_files_are_read() {
        let tree = tree();
        let mut amd = open(&tree.root()).unwrap();
        assert_eq!(amd.cards.len(), 1);
        let reading = amd.read().remove(0);
        assert_eq!(reading.usage_percent, Some(17));
        assert_eq!(reading.memory_total_bytes, Some(17_163_091_968));
        assert_eq!(reading.memory_used_bytes, Some(1_051_111_424));
        assert_eq!(reading.temperature_celsius, Some(48.0));
        #[cfg(target_pointer_width = "64")]
        assert_eq!(reading.name, "AMD Radeon RX 6800 XT");
        #[cfg(target_pointer_width = "32")]
        assert_eq!(reading.name, "AMD GPU 0x73bf");
    }

    #[test]
    fn missing_file_leaves_the_other_values() {
        let tree = tree();
        let mut amd = open(&tree.root()).unwrap();
        tree.write(&format!("{CARD}/gpu_busy_percent"), "");
        std::fs::remove_file(tree.path(&format!("{CARD}/mem_info_vram_used"))).unwrap();
        tree.write(&format!("{CARD}/hwmon/hwmon4/temp1_input"), "0\n");
        let reading = amd.read().remove(0);
        assert_eq!(reading.usage_percent, None);
        assert_eq!(reading.memory_total_bytes, Some(17_163_091_968));
        assert_eq!(reading.memory_used_bytes, None);
        assert_eq!(reading.temperature_celsius, None);
    }

    #[test]
    fn suspended_card_is_not_woken() {
        let tree = tree();
        tree.write(&format!("{CARD}/power/runtime_status"), "suspended\n");
        let reading = open(&tree.root()).unwrap().read().remove(0);
        assert_eq!(reading.usage_percent, None);
        assert!(reading.name.starts_with("AMD"));
    }

    #[test]
    fn unknown_card_is_named_by_its_number() {
        let tree = tree();
        tree.write(&format!("{CARD}/device"), "0xfffe\n");
        assert_eq!(open(&tree.root()).unwrap().cards[0].name, "AMD GPU 0xfffe");
    }

    #[test]
    fn driver_is_none_without_a_card() {
        assert!(open(&Tree::new(&[]).root()).is_none());
    }
}
