//! A process's lines in the journal.

use serde::{Deserialize, Serialize};

use super::at_most::at_most;
use super::unix_ms;
use crate::limits::JOURNAL_ENTRIES;
use crate::model;

#[derive(Debug, Serialize, Deserialize)]
pub struct Journal {
    #[serde(deserialize_with = "at_most::<JOURNAL_ENTRIES, _, _>")]
    pub entries: Vec<JournalEntry>,
    pub total_count: u32,
    pub truncated: bool,
    #[serde(default)]
    pub notice: Option<String>,
    /// Seconds since the Unix epoch.
    pub cached_at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct JournalEntry {
    /// RFC 3339.
    pub timestamp: String,
    #[serde(default)]
    pub timestamp_us: Option<u64>,
    pub priority: String,
    pub message: String,
    pub unit: Option<String>,
    pub pid: Option<u32>,
    pub comm: Option<String>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

/// Names of the journal's priorities, 0 to 7.
const PRIORITIES: [&str; 8] = [
    "Emergency",
    "Alert",
    "Critical",
    "Error",
    "Warning",
    "Notice",
    "Info",
    "Debug",
];

impl From<&model::Journal> for Journal {
    fn from(journal: &model::Journal) -> Self {
        Self {
            entries: journal.entries.iter().map(JournalEntry::from).collect(),
            total_count: u32::try_from(journal.entries.len()).unwrap_or(u32::MAX),
            truncated: journal.truncated,
            notice: journal.notice.clone(),
            cached_at: unix_ms(journal.time) / 1000,
        }
    }
}

impl From<Journal> for model::Journal {
    fn from(journal: Journal) -> Self {
        Self {
            time: None,
            entries: journal
                .entries
                .into_iter()
                .map(model::JournalEntry::from)
                .collect(),
            truncated: journal.truncated,
            notice: journal.notice,
        }
    }
}

impl From<&model::JournalEntry> for JournalEntry {
    fn from(entry: &model::JournalEntry) -> Self {
        let timestamp = i64::try_from(entry.unix_us)
            .ok()
            .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
            .unwrap_or_default();
        let priority = entry
            .priority
            .and_then(|level| PRIORITIES.get(level as usize));
        Self {
            timestamp: timestamp.to_string(),
            timestamp_us: Some(entry.unix_us),
            // journald's own default for lines without one.
            priority: (*priority.unwrap_or(&"Info")).to_owned(),
            message: entry.message.clone(),
            unit: entry.unit.clone(),
            pid: entry.pid,
            comm: entry.command.clone(),
            uid: entry.user_id,
            gid: entry.group_id,
        }
    }
}

impl From<JournalEntry> for model::JournalEntry {
    fn from(entry: JournalEntry) -> Self {
        let parsed = || {
            let timestamp: jiff::Timestamp = entry.timestamp.parse().ok()?;
            u64::try_from(timestamp.as_microsecond()).ok()
        };
        Self {
            unix_us: entry.timestamp_us.or_else(parsed).unwrap_or_default(),
            priority: PRIORITIES
                .iter()
                .zip(0..)
                .find(|(name, _)| **name == entry.priority)
                .map(|(_, level)| level),
            message: entry.message,
            unit: entry.unit,
            pid: entry.pid,
            command: entry.comm,
            user_id: entry.uid,
            group_id: entry.gid,
        }
    }
}
