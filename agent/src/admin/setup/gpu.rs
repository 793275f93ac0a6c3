//! `socktop-agent setup --gpu`: a drop-in for the service that lets it reach this machine's GPUs.
//!
//! It cannot be shipped: systemd does not start a service whose groups do not all exist.

use std::fmt::Write;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::atomic_file;

/// Groups that GPUs' devices belong to.
const GROUPS: [&str; 2] = ["render", "video"];

/// A drop-in that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{attempt} {path}: {source}; run it as root, while /etc can be written")]
pub struct GpuError {
    attempt: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Writes the drop-in for the GPUs and groups found below `root`, or removes it where there is no GPU. Returns
/// a message for the user.
///
/// # Errors
/// Where the drop-in can be neither written nor removed.
pub fn allow_gpus(root: &Path) -> Result<String, GpuError> {
    let folder = root.join("etc/systemd/system/socktop-agent.service.d");
    let path = folder.join("gpu.conf");
    let failed = |attempt| {
        let path = path.clone();
        move |source| GpuError {
            attempt,
            path,
            source,
        }
    };
    let devices = devices(root);
    if devices.is_empty() {
        atomic_file::remove_draft(&path);
        return match fs::remove_file(&path) {
            Ok(()) => Ok(format!(
                "This machine has no GPU in /dev: removed {}. To apply it, run: {APPLY}",
                path.display()
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok("This machine has no GPU in /dev: nothing to do.".to_owned())
            }
            Err(error) => Err(failed("removing")(error)),
        };
    }
    atomic_file::make_folder(&folder, 0o755).map_err(failed("making the folder of"))?;
    atomic_file::write(&path, &drop_in(&devices, &groups(root)), 0o644)
        .map_err(failed("writing"))?;
    Ok(format!(
        "Wrote {}: {}. To apply it, run: {APPLY}",
        path.display(),
        devices.join(" ")
    ))
}

const APPLY: &str = "systemctl daemon-reload && systemctl try-restart socktop-agent.service";

fn drop_in(devices: &[String], groups: &[&str]) -> String {
    let mut text = "# Written by 'socktop-agent setup --gpu' for this machine's GPUs: run it again when they change.\n\
                    [Service]\nPrivateDevices=no\n"
        .to_owned();
    if !groups.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "SupplementaryGroups={}", groups.join(" "));
    }
    for device in devices {
        let _ = writeln!(text, "DeviceAllow={device} rw");
    }
    text
}

/// `/dev/dri/*` and `/dev/nvidia*`, without folders, in the order of their names.
fn devices(root: &Path) -> Vec<String> {
    let mut devices = Vec::new();
    for (folder, prefix) in [("dev/dri", ""), ("dev", "nvidia")] {
        let Ok(entries) = fs::read_dir(root.join(folder)) else {
            continue;
        };
        let names = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.starts_with(prefix))
            .map(|name| format!("/{folder}/{name}"));
        devices.extend(names);
    }
    devices.sort();
    devices
}

/// Those of [`GROUPS`] that `group(5)` below `root` has.
fn groups(root: &Path) -> Vec<&'static str> {
    let text = fs::read_to_string(root.join("etc/group")).unwrap_or_default();
    let exists = |group: &str| {
        text.lines()
            .any(|line| line.split(':').next() == Some(group))
    };
    GROUPS.into_iter().filter(|group| exists(group)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_in_names_the_existing_devices_and_groups() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for folder in ["dev/dri/by-path", "dev/nvidia-caps", "etc"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for device in [
            "dri/renderD128",
            "dri/card1",
            "nvidia0",
            "nvidiactl",
            "null",
        ] {
            fs::write(root.join("dev").join(device), "").unwrap();
        }
        fs::write(
            root.join("etc/group"),
            "root:x:0:\nvideo:x:44:pi\nrenderers:x:5:\n",
        )
        .unwrap();
        let message = allow_gpus(root).unwrap();
        assert!(message.contains("daemon-reload"), "{message}");
        let path = root.join("etc/systemd/system/socktop-agent.service.d/gpu.conf");
        let text = fs::read_to_string(&path).unwrap();
        let settings: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            settings,
            [
                "[Service]",
                "PrivateDevices=no",
                "SupplementaryGroups=video",
                "DeviceAllow=/dev/dri/card1 rw",
                "DeviceAllow=/dev/dri/renderD128 rw",
                "DeviceAllow=/dev/nvidia0 rw",
                "DeviceAllow=/dev/nvidiactl rw",
            ]
        );

        fs::remove_dir_all(root.join("dev")).unwrap();
        assert!(allow_gpus(root).unwrap().contains("removed"));
        assert!(!path.exists());
        assert!(allow_gpus(root).unwrap().contains("nothing to do"));
    }

    #[test]
    fn unwritable_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("dev/dri/")).unwrap();
        fs::write(root.path().join("dev/dri/card0"), "").unwrap();
        fs::write(root.path().join("etc"), "in the way").unwrap();
        let error = allow_gpus(root.path()).unwrap_err().to_string();
        assert!(
            error.contains("gpu.conf") && error.contains("root"),
            "{error}"
        );
    }
}
