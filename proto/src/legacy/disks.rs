//! Disks.

use serde::{Deserialize, Serialize};

use super::at_most::at_most;
use crate::limits::DISKS;
use crate::model;

#[derive(Debug, Serialize, Deserialize)]
pub struct Disk {
    pub name: String,
    pub total: u64,
    pub available: u64,
    #[serde(default)]
    pub temperature: Option<f32>,
    #[serde(default)]
    pub is_partition: bool,
    // Sent by this agent alone; the programs of 1.60 ignore keys that they do not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_point: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_system: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
}

/// The reply to a request for disks.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct DiskList(#[serde(deserialize_with = "at_most::<DISKS, _, _>")] pub Vec<Disk>);

/// The disks whose sizes are known: these shapes have no way to name the others.
#[must_use]
pub fn disks(disks: &model::Disks) -> Vec<Disk> {
    disks
        .disks
        .iter()
        .filter_map(|disk| {
            Some(Disk {
                name: disk
                    .name
                    .strip_prefix("/dev/")
                    .unwrap_or(&disk.name)
                    .to_owned(),
                total: disk.total_bytes?,
                available: disk.available_bytes?,
                temperature: None,
                is_partition: false,
                mount_point: disk.mount_point.clone(),
                file_system: disk.file_system.clone(),
                used: disk.used_bytes,
            })
        })
        .collect()
}

/// The model of a list of disks.
#[must_use]
pub fn disks_model(disks: Vec<Disk>) -> model::Disks {
    model::Disks {
        time: None,
        disks: disks
            .into_iter()
            .map(|disk| model::Disk {
                name: disk.name,
                mount_point: disk.mount_point,
                file_system: disk.file_system,
                total_bytes: Some(disk.total),
                used_bytes: disk.used,
                available_bytes: Some(disk.available),
                state: model::DiskState::Ok.into(),
                read_only: None,
                sizes_boot_ms: None,
            })
            .collect(),
        not_listed: None,
    }
}
