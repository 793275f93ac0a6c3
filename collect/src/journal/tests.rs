//! Tests with a script in journalctl's place.

use super::*;
use crate::fixture::Tree;

/// A collector that runs a shell script.
struct Fake {
    folder: Tree,
    collector: JournalCollector,
}

const SYSTEM_JOURNAL: &str = "var/log/journal/7f00000000000000000000000000001f/system.journal";

fn fake(script: &str) -> Fake {
    let folder = Tree::new(&[("script", script), (SYSTEM_JOURNAL, "")]);
    let path = folder.path("journalctl");
    // A program that was just written may still be open in a child of another test, and then cannot be run.
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/journalctl");
    std::os::unix::fs::symlink(program, &path).unwrap();
    let mut collector = JournalCollector::new(folder.root());
    collector.program = path.into();
    // The machine that runs the tests may be busy.
    collector.deadline = Duration::from_mins(1);
    Fake { folder, collector }
}

/// A script that prints `count` lines, the newest a second old and each a second older than the one before.
fn printing(count: u64) -> String {
    let newest = Clocks::read();
    let line = |n| {
        let us = |time: Duration| time.saturating_sub(Duration::from_secs(n)).as_micros();
        let (unix, monotonic) = (us(newest.unix), us(newest.monotonic));
        format!(
            r#"{{"__REALTIME_TIMESTAMP":"{unix}","__MONOTONIC_TIMESTAMP":"{monotonic}","MESSAGE":"{n}"}}"#
        )
    };
    let lines: Vec<_> = (1..=count).map(line).collect();
    format!("cat <<'END'\n{}\nEND", lines.join("\n"))
}

async fn read(script: &str) -> Result<Journal, Error> {
    fake(script).collector.read(812, None, Now::read()).await
}

#[tokio::test]
async fn journalctl_is_limited_to_one_process_and_this_boot() {
    let fake = fake(r#"echo "$@" >"$(dirname "$0")/arguments""#);
    let journal = fake.collector.read(812, None, Now::read()).await.unwrap();
    let arguments = std::fs::read_to_string(fake.folder.path("arguments")).unwrap();
    for argument in [
        "--boot",
        "--reverse",
        "--output=json",
        "--lines=101",
        "_PID=812",
    ] {
        assert!(
            arguments.split_whitespace().any(|given| given == argument),
            "{arguments}"
        );
    }
    assert_eq!(journal.entries, []);
    assert_eq!(
        journal.notice.as_deref(),
        Some("Process 812 wrote nothing to the journal.")
    );
}

#[tokio::test]
async fn last_hundred_lines_are_returned_and_truncation_is_marked() {
    let journal = read(&printing(100)).await.unwrap();
    assert_eq!((journal.entries.len(), journal.truncated), (100, false));
    assert_eq!(journal.entries[0].message, "1");
    assert_eq!(journal.notice, None);
    let journal = read(&printing(101)).await.unwrap();
    assert_eq!((journal.entries.len(), journal.truncated), (100, true));
}

#[tokio::test]
async fn long_lines_are_returned_up_to_the_size_limit() {
    let long = format!(r#""MESSAGE":"{}"#, "x".repeat(10_000));
    let script = printing(30).replace(r#""MESSAGE":""#, &long);
    let journal = read(&script).await.unwrap();
    assert_eq!((journal.entries.len(), journal.truncated), (13, true));
    assert!(journal.entries[0].message.ends_with("x1"));
}

#[tokio::test]
async fn lines_older_than_the_process_are_left_out() {
    // The host may have booted less than ten seconds ago.
    let now = Now::read();
    let started = now.boot.saturating_sub(Duration::from_millis(3500));
    let journal = fake(&printing(10))
        .collector
        .read(812, Some(started), now)
        .await
        .unwrap();
    let messages: Vec<_> = journal.entries.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(messages, ["1", "2", "3"]);
    assert!(!journal.truncated);
}

#[tokio::test]
async fn missing_journal_is_a_clear_error() {
    let fake = fake("echo 'No journal files were opened.' >&2; exit 1");
    std::fs::remove_dir_all(fake.folder.path("var/log/journal")).unwrap();
    let journal = fake.collector.read(812, None, Now::read()).await.unwrap();
    assert!(journal.notice.unwrap().contains("no journal"));
}

#[tokio::test]
async fn missing_journalctl_is_a_clear_error() {
    let mut collector = JournalCollector::new(Tree::new(&[]).root());
    collector.program = "/nonexistent/journalctl".into();
    let journal = collector.read(1, None, Now::read()).await.unwrap();
    assert!(journal.notice.unwrap().contains("not installed"));
}

#[tokio::test]
async fn journalctl_failure_is_an_error_with_its_reason() {
    let error = read("echo 'Failed to add match: Invalid argument' >&2; exit 1")
        .await
        .unwrap_err();
    assert!(error.message.contains("Invalid argument"), "{error:?}");
    assert!(error.message.contains("812"), "{error:?}");
    assert!(read("exit 3").await.is_err());
}

#[tokio::test]
async fn endless_output_is_cut_off() {
    let line = format!(
        "{{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\"{}\"}}",
        "x".repeat(60_000)
    );
    let journal = read(&format!("while :; do echo '{line}'; done"))
        .await
        .unwrap();
    assert!(journal.truncated);
    assert_ne!(journal.entries, []);
    let script = format!(
        "while :; do echo 'endless complaint' >&2; done &\n{}\nwait",
        printing(1)
    );
    let journal = read(&script).await.unwrap();
    assert_eq!(journal.entries.len(), 1);
}

#[tokio::test]
async fn hung_journalctl_times_out_and_counts_until_it_has_ended() {
    let mut fake = fake("exec sleep 1000");
    fake.collector.deadline = Duration::from_millis(500);
    let turns = Arc::clone(&fake.collector.turns.lock().1);
    let error = fake.collector.read(812, None, Now::read()).await;
    // Nothing can have waited for its end yet: this is the only thread that does.
    assert_eq!(turns.available_permits(), MAX_AT_ONCE - 1);
    assert!(error.unwrap_err().message.contains("did not answer"));
    while turns.available_permits() < MAX_AT_ONCE {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// How long the host had slept when the process started.
const SLEPT_MS: u64 = 3_600_000;

#[tokio::test]
async fn first_lines_of_a_process_are_kept_after_a_suspend() {
    // It wrote a line as soon as it had started; journalctl takes its time to print it.
    let mut fake = fake("");
    let script = fake.folder.path("script");
    let clocks = Clocks::read();
    let line = format!(
        r#"{{"__REALTIME_TIMESTAMP":"{}","__MONOTONIC_TIMESTAMP":"{}","MESSAGE":"first"}}"#,
        clocks.unix.as_micros(),
        clocks.monotonic.as_micros()
    );
    std::fs::write(script, format!("sleep 1; echo '{line}'")).unwrap();
    fake.collector.clocks = || {
        let clocks = Clocks::read();
        let boot = clocks.boot + Duration::from_millis(SLEPT_MS);
        Clocks { boot, ..clocks }
    };
    // The kernel gives it in ticks, rounded down.
    let started = clocks.boot + Duration::from_millis(SLEPT_MS - 10);
    let now = Now {
        boot: Now::read().boot + Duration::from_millis(SLEPT_MS),
        ..Now::read()
    };
    let journal = fake.collector.read(812, Some(started), now).await.unwrap();
    let messages: Vec<_> = journal.entries.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(messages, ["first"]);
}

#[tokio::test]
async fn at_most_two_journalctl_run_at_once() {
    let fake = fake(
        r#"folder="$(dirname "$0")"
        mkdir "$folder/one" 2>/dev/null && turn=one || { mkdir "$folder/two" && turn=two; } || touch "$folder/three"
        sleep 0.02
        rmdir "$folder/$turn""#,
    );
    let read = || fake.collector.read(812, None, Now::read());
    let journals = tokio::join!(read(), read(), read(), read());
    assert!(journals.0.is_ok() && journals.1.is_ok() && journals.2.is_ok() && journals.3.is_ok());
    assert!(!fake.folder.path("three").exists());
}

#[tokio::test]
async fn configured_number_of_journalctl_runs_is_the_limit() {
    let fake = fake(
        r#"folder="$(dirname "$0")"
        mkdir "$folder/one" 2>/dev/null || touch "$folder/two"
        sleep 0.02
        rmdir "$folder/one""#,
    );
    fake.collector.limit(1);
    let read = || fake.collector.read(812, None, Now::read());
    let again = async {
        // A reload that changes nothing lets no more of them run.
        fake.collector.limit(1);
        read().await
    };
    let journals = tokio::join!(read(), again, read());
    assert!(journals.0.is_ok() && journals.1.is_ok() && journals.2.is_ok());
    assert!(!fake.folder.path("two").exists());
}
