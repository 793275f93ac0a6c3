//! journalctl's JSON lines (systemd's "Journal JSON Format").

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use socktop_proto::model::JournalEntry;

use super::clocks::Clocks;

/// A message is cut after this many bytes.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// A line of the journal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    entry: JournalEntry,
    /// When it was received, on `CLOCK_MONOTONIC`.
    received: Option<Duration>,
}

impl Entry {
    /// Whether it was received before a time on `CLOCK_BOOTTIME`, for certain.
    pub(super) fn is_before(&self, time: Duration, clocks: &Clocks) -> bool {
        let unix = Duration::from_micros(self.entry.unix_us);
        self.received
            .is_some_and(|received| clocks.latest_boot_time(received, unix) < time)
    }

    /// As the model has it.
    pub(super) fn into_model(self) -> JournalEntry {
        self.entry
    }
}

/// The entries; lines that are none are left out, such as one that was cut.
pub(super) fn parse(output: &[u8]) -> impl Iterator<Item = Entry> {
    output
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        .filter_map(Line::entry)
}

/// The fields that are used.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Line {
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    realtime: Field,
    #[serde(rename = "__MONOTONIC_TIMESTAMP")]
    monotonic: Field,
    #[serde(rename = "PRIORITY")]
    priority: Field,
    #[serde(rename = "MESSAGE")]
    message: Field,
    #[serde(rename = "_SYSTEMD_UNIT")]
    unit: Field,
    #[serde(rename = "_PID")]
    pid: Field,
    #[serde(rename = "_COMM")]
    command: Field,
    #[serde(rename = "_UID")]
    user_id: Field,
    #[serde(rename = "_GID")]
    group_id: Field,
}

impl Line {
    fn entry(self) -> Option<Entry> {
        Some(Entry {
            received: self.monotonic.number().map(Duration::from_micros),
            entry: JournalEntry {
                unix_us: self.realtime.number()?,
                priority: self.priority.number().filter(|priority| *priority <= 7),
                message: self.message.text().unwrap_or_default(),
                unit: self.unit.text(),
                pid: self.pid.number(),
                command: self.command.text(),
                user_id: self.user_id.number(),
                group_id: self.group_id.number(),
            },
        })
    }
}

/// A field's value: a string; an array of bytes where it is no UTF-8; an array of values where it was given
/// more than once, of which the first is taken; null where it is too long for journalctl.
#[derive(Debug, Default)]
enum Field {
    #[default]
    Unknown,
    /// Only within an array.
    Byte(u8),
    Text(String),
}

impl Field {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Byte(_) | Self::Unknown => None,
        }
    }

    fn number<T: std::str::FromStr>(self) -> Option<T> {
        self.text()?.parse().ok()
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

/// Keeps no more of a value than will be shown.
struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the value of a journal field")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(cut(text)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Field, E> {
        Ok(u8::try_from(number).map_or(Field::Unknown, Field::Byte))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Field, E> {
        Ok(Field::Unknown)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Field, E> {
        Ok(Field::Unknown)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Field, E> {
        Ok(Field::Unknown)
    }

    fn visit_unit<E: Error>(self) -> Result<Field, E> {
        Ok(Field::Unknown)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Unknown)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Field, A::Error> {
        let mut bytes = Vec::new();
        let mut first = None;
        while let Some(item) = items.next_element()? {
            match item {
                // One more than is shown, to know that it was cut.
                Field::Byte(byte) if bytes.len() <= MAX_MESSAGE_BYTES => bytes.push(byte),
                Field::Text(text) if first.is_none() => first = Some(text),
                _ => {}
            }
        }
        Ok(Field::Text(first.unwrap_or_else(|| {
            let text: Cow<str> = String::from_utf8_lossy(&bytes);
            cut(&text)
        })))
    }
}

fn cut(message: &str) -> String {
    let end = message.floor_char_boundary(MAX_MESSAGE_BYTES);
    let mut shown = message.get(..end).unwrap_or_default().to_owned();
    if end < message.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &str) -> JournalEntry {
        let mut entries = parse(line.as_bytes());
        let entry = entries.next().unwrap().into_model();
        assert_eq!(entries.next(), None);
        entry
    }

    fn message(json: &str) -> String {
        one(&format!(
            r#"{{"__REALTIME_TIMESTAMP":"1","MESSAGE":{json}}}"#
        ))
        .message
    }

    #[test]
    fn all_fields_are_read() {
        let line = r#"{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1736012345678901","__MONOTONIC_TIMESTAMP":"5000000",
            "_BOOT_ID":"7f","PRIORITY":"6","MESSAGE":"Größe: 5 µm","_PID":"812","_UID":"0","_GID":"4",
            "_COMM":"sshd","_SYSTEMD_UNIT":"ssh.service"}"#
            .replace('\n', "");
        assert_eq!(
            one(&line),
            JournalEntry {
                unix_us: 1_736_012_345_678_901,
                priority: Some(6),
                message: "Größe: 5 µm".to_owned(),
                unit: Some("ssh.service".to_owned()),
                pid: Some(812),
                command: Some("sshd".to_owned()),
                user_id: Some(0),
                group_id: Some(4),
            }
        );
        let entry = parse(line.as_bytes()).next().unwrap();
        let never_slept = Clocks {
            monotonic: Duration::from_secs(10),
            boot: Duration::from_secs(10),
            unix: Duration::from_secs(1_736_012_350),
        };
        assert!(entry.is_before(Duration::from_secs(6), &never_slept));
        assert!(!entry.is_before(Duration::from_secs(5), &never_slept));
    }

    #[test]
    fn message_fields_of_every_json_type_are_read() {
        assert_eq!(message("[104,105,255]"), "hi\u{fffd}");
        assert_eq!(message(r#"["first","second"]"#), "first");
        assert_eq!(message("[[104,105],[1]]"), "hi");
        assert_eq!(message(r#"["valid",[255,104]]"#), "valid");
        assert_eq!(message("null"), "");
        assert_eq!(message("true"), "");
        assert_eq!(message("-1.5"), "");
        assert_eq!(message("[300,[],{},-1]"), "");
        assert_eq!(message("{}"), "");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(MAX_MESSAGE_BYTES);
        let cut = message(&format!("\"x{long}\""));
        assert!(cut.len() <= MAX_MESSAGE_BYTES + '…'.len_utf8());
        assert!(cut.ends_with("ä…"));
        let bytes = vec!["255"; MAX_MESSAGE_BYTES + 1].join(",");
        assert!(message(&format!("[{bytes}]")).ends_with("\u{fffd}…"));
    }

    #[test]
    fn unknown_or_impossible_values_are_left_out() {
        let entry = one(r#"{"__REALTIME_TIMESTAMP":"1","PRIORITY":"12","_PID":"-4","_UID":"x"}"#);
        let expected = JournalEntry {
            unix_us: 1,
            ..JournalEntry::default()
        };
        assert_eq!(entry, expected);
        let output = b"{\"MESSAGE\":\"without a time\"}\n[]\n{\"__REALTIME_TIM";
        assert_eq!(parse(output).count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes).count();
        }

        #[test]
        fn any_message_is_parsed_and_bounded(text: String, times in 1_usize..3000) {
            let json = serde_json::to_string(&text.repeat(times)).unwrap();
            prop_assert!(message(&json).len() <= MAX_MESSAGE_BYTES + '…'.len_utf8());
        }
    }
}
