//! The screens, as pictures of text and roles.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use socktop_proto::Query;
use socktop_proto::model::{Error, ErrorCode, Host, Metrics, ProcessDetails, SampleTime, body};

use crate::app::Message;
use crate::app::fixture::{Stage, details, host, journal, metrics, picture_of};
use crate::app::screens::picker::{Entry, Picker};

fn press(stage: &mut Stage, code: KeyCode) {
    let event = KeyEvent::new(code, KeyModifiers::NONE);
    stage.send(Message::Key(event));
}

fn typed(stage: &mut Stage, text: &str) {
    for character in text.chars() {
        press(stage, KeyCode::Char(character));
    }
}

/// A picture of each size that people have.
fn at_each_size(name: &str, make: impl Fn(u16, u16) -> Stage) {
    for (width, height) in [(200, 60), (120, 40), (80, 24), (20, 6)] {
        let stage = make(width, height);
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), stage.picture());
    }
}

#[test]
fn connecting() {
    at_each_size("connecting", Stage::new);
}

#[test]
fn live() {
    at_each_size("live", Stage::rich);
}

#[test]
fn a_containers_uptime_is_its_own_and_not_its_hosts() {
    let mut stage = Stage::rich(120, 40);
    let started_boot_ms = Some(1_818_000);
    stage.reply(
        Query::Host,
        body::Kind::Host(Host {
            started_boot_ms,
            ..host()
        }),
    );
    let time = SampleTime {
        unix_ms: 1_750_005_539_000,
        boot_ms: Some(5_539_000),
    };
    stage.reply(
        Query::Metrics,
        body::Kind::Metrics(Metrics {
            time: Some(time),
            ..metrics(1, 2)
        }),
    );
    let text = stage.text();
    assert!(text.contains("up 01:02:01"), "{text}");
}

#[test]
fn sixty_four_cores() {
    at_each_size("cores", |width, height| {
        let mut stage = Stage::rich(width, height);
        stage.run(2, 64);
        stage
    });
}

#[test]
fn lost() {
    at_each_size("lost", |width, height| {
        let mut stage = Stage::rich(width, height);
        stage.lose();
        stage.pass(12_300);
        stage
    });
}

#[test]
fn published_agent() {
    at_each_size("published", Stage::published);
}

#[test]
fn help() {
    at_each_size("help", |width, height| {
        let mut stage = Stage::rich(width, height);
        press(&mut stage, KeyCode::Char('?'));
        stage
    });
}

#[test]
fn filter() {
    at_each_size("filter", |width, height| {
        let mut stage = Stage::rich(width, height);
        typed(&mut stage, "/post");
        stage
    });
}

#[test]
fn selected_row() {
    let mut stage = Stage::rich(80, 24);
    for _ in 0..7 {
        press(&mut stage, KeyCode::Down);
    }
    insta::assert_snapshot!("selected-80x24", stage.picture());
}

fn open_details(stage: &mut Stage) -> u32 {
    press(stage, KeyCode::Down);
    press(stage, KeyCode::Enter);
    let pid = stage.app.host.watch.as_ref().unwrap().identity.pid;
    let list = stage.app.host.processes.value().unwrap();
    let process = list.processes.iter().find(|process| process.pid == pid);
    let process = process.unwrap().clone();
    for step in 0..9_u8 {
        stage.pass(500);
        let mut process = process.clone();
        process.cpu_percent = process.cpu_percent.map(|_| f32::from(step) * 2.0);
        stage.reply(
            Query::Process { pid },
            body::Kind::Process(details(process)),
        );
    }
    stage.reply(Query::Journal { pid }, body::Kind::Journal(journal()));
    pid
}

#[test]
fn process_details() {
    at_each_size("details", |width, height| {
        let mut stage = Stage::rich(width, height);
        open_details(&mut stage);
        stage
    });
}

/// What the tab `back` tabs before the first says of a process whose details are changed by `change`.
fn details_text(back: usize, change: impl Fn(&mut ProcessDetails)) -> String {
    let mut stage = Stage::rich(120, 40);
    let pid = open_details(&mut stage);
    for _ in 0..back {
        press(&mut stage, KeyCode::BackTab);
    }
    let watch = stage.app.host.watch.as_ref().unwrap();
    let mut told = watch.details.value().unwrap().clone();
    change(&mut told);
    stage.pass(500);
    stage.reply(Query::Process { pid }, body::Kind::Process(told));
    stage.text()
}

#[test]
fn a_command_line_that_is_not_answered_is_told_in_words() {
    let text = details_text(0, |details| {
        details.command.clear();
        details.unanswered_ms = Some(12_345);
    });
    assert!(text.contains("no answer for 12 s"), "{text}");
    let text = details_text(0, |details| {
        details.command.clear();
        details.unanswered_ms = Some(0);
    });
    assert!(text.contains("not read: too many"), "{text}");
}

#[test]
fn threads_and_children_that_are_not_described_are_counted() {
    let all = |details: &mut ProcessDetails| {
        details.children_total = Some(10_000);
        details.process.as_mut().unwrap().threads = Some(12_000);
    };
    let text = details_text(2, all);
    assert!(text.contains("Children 10000"), "{text}");
    assert!(text.contains("and 9999 more"), "{text}");
    let text = details_text(3, all);
    assert!(text.contains("Threads 12000"), "{text}");
    assert!(text.contains("and 11988 more"), "{text}");
}

#[test]
fn processes_that_are_hidden_from_the_agent_are_told_of() {
    let mut stage = Stage::rich(120, 40);
    let mut list = stage.app.host.processes.value().unwrap().clone();
    assert!(!stage.text().contains("hidden"));
    list.processes.truncate(1);
    list.total = 1;
    list.others_hidden = true;
    stage.pass(2000);
    stage.reply(Query::Processes, body::Kind::Processes(list));
    let text = stage.text();
    assert!(text.contains("1 · others are hidden (hidepid)"), "{text}");
    assert!(text.contains("CAP_SYS_PTRACE"), "{text}");
}

#[test]
fn process_journal_of_an_ended_process() {
    at_each_size("ended", |width, height| {
        let mut stage = Stage::rich(width, height);
        let pid = open_details(&mut stage);
        press(&mut stage, KeyCode::BackTab);
        let error = Error::new(ErrorCode::NotFound, "no process");
        stage.error(Query::Process { pid }, error);
        stage
    });
}

#[test]
fn each_view_alone() {
    for (view, key) in ["cpu", "network", "disks", "processes"]
        .into_iter()
        .zip('2'..)
    {
        let mut stage = Stage::rich(80, 24);
        typed(&mut stage, &key.to_string());
        insta::assert_snapshot!(format!("view-{view}"), stage.picture());
    }
}

#[test]
fn compact_layout_on_a_large_terminal() {
    let mut stage = Stage::rich(120, 40);
    stage.app.settings.compact = true;
    insta::assert_snapshot!("compact-120x40", stage.picture());
}

#[test]
fn picker() {
    let entry = |name: &str, detail: &str, saved| Entry {
        name: name.to_owned(),
        detail: detail.to_owned(),
        saved,
    };
    let own = entry("this machine", "without an agent and without a port", false);
    let with = vec![entry("pi4", "wss://pi4.lan:8443/ws", true), own.clone()];
    for (name, entries) in [("picker", with), ("picker-empty", vec![own])] {
        let mut picker = Picker::new(entries);
        let area = Rect::new(0, 0, 80, 12);
        picker.area = area;
        let mut buffer = Buffer::empty(area);
        crate::ui::screens::picker::draw(&mut buffer, &picker, true);
        insta::assert_snapshot!(name, picture_of(&buffer));
    }
}

#[test]
fn old_numbers_are_marked_when_an_agent_answers_no_more() {
    let mut stage = Stage::rich(120, 40);
    assert!(!stage.text().contains("old"));
    stage.pass(2_600);
    assert!(stage.text().contains("2 s old"));
}

#[test]
fn a_failed_request_is_reported_in_its_pane() {
    let mut stage = Stage::rich(120, 40);
    let error = Error::new(ErrorCode::Unavailable, "reading /proc/mounts failed");
    stage.error(Query::Disks, error);
    assert!(stage.text().contains("reading /proc/mounts failed"));
}

#[test]
fn without_colours_there_are_none() {
    let mut stage = Stage::rich(120, 40);
    stage.app.settings.color = false;
    stage.lose();
    for cell in stage.draw().content() {
        let colors = (cell.fg, cell.bg);
        assert_eq!(colors, Default::default(), "{}", cell.symbol());
    }
}
