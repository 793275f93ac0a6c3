//! journalctl's JSON lines (systemd's "Journal JSON Format").

use std::time::Duration;

use serde_json::{Map, Value};
use socktop_proto::model::JournalEntry;

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
    /// Whether it was received before a time.
    pub(super) fn is_before(&self, since: Option<Duration>) -> bool {
        self.received
            .zip(since)
            .is_some_and(|(received, since)| received < since)
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
        .filter_map(|line| serde_json::from_slice(line).ok())
        .filter_map(|fields: Map<String, Value>| entry(&fields))
}

fn entry(fields: &Map<String, Value>) -> Option<Entry> {
    let text = |name: &str| fields.get(name).and_then(text);
    Some(Entry {
        received: number(text("__MONOTONIC_TIMESTAMP")).map(Duration::from_micros),
        entry: JournalEntry {
            unix_us: number(text("__REALTIME_TIMESTAMP"))?,
            priority: number(text("PRIORITY")).filter(|priority| *priority <= 7),
            message: cut(text("MESSAGE").unwrap_or_default()),
            unit: text("_SYSTEMD_UNIT"),
            pid: number(text("_PID")),
            command: text("_COMM"),
            user_id: number(text("_UID")),
            group_id: number(text("_GID")),
        },
    })
}

fn number<T: std::str::FromStr>(text: Option<String>) -> Option<T> {
    text?.parse().ok()
}

/// A field's text. What is no UTF-8 comes as an array of bytes; a field that was given more than once as
/// an array of values, of which the first is taken; one that is too long as null.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => bytes(items)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .or_else(|| match items.first()? {
                Value::Array(items) => Some(String::from_utf8_lossy(&bytes(items)?).into_owned()),
                Value::String(text) => Some(text.clone()),
                _ => None,
            }),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

fn bytes(items: &[Value]) -> Option<Vec<u8>> {
    items
        .iter()
        .map(|item| u8::try_from(item.as_u64()?).ok())
        .collect()
}

fn cut(mut message: String) -> String {
    if message.len() > MAX_MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        message.push('…');
    }
    message
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
        assert!(entry.is_before(Some(Duration::from_secs(6))));
        assert!(!entry.is_before(Some(Duration::from_secs(5))));
        assert!(!entry.is_before(None));
    }

    #[test]
    fn messages_of_every_shape() {
        assert_eq!(message("[104,105,255]"), "hi\u{fffd}");
        assert_eq!(message(r#"["first","second"]"#), "first");
        assert_eq!(message("[[104,105],[1]]"), "hi");
        assert_eq!(message("null"), "");
        assert_eq!(message("{}"), "");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(MAX_MESSAGE_BYTES);
        let cut = message(&format!("\"x{long}\""));
        assert!(cut.len() <= MAX_MESSAGE_BYTES + '…'.len_utf8());
        assert!(cut.ends_with("ä…"));
    }

    #[test]
    fn what_is_unknown_or_absurd_is_left_out() {
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
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = parse(&bytes).count();
        }

        #[test]
        fn any_message_is_survived_and_bounded(text: String, times in 1_usize..3000) {
            let json = serde_json::to_string(&text.repeat(times)).unwrap();
            prop_assert!(message(&json).len() <= MAX_MESSAGE_BYTES + '…'.len_utf8());
        }
    }
}
