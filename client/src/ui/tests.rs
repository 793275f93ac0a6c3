//! The screens, as pictures; and that no state at any size can break them.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use socktop_proto::Query;
use socktop_proto::model::{
    Core, Cpu, Disk, Disks, Error, ErrorCode, Gpu, Host, Interface, Journal, JournalEntry, Load,
    Memory, Metrics, Process, ProcessDetails, Processes, SampleTime, Swap, Thread, body,
};

use crate::actions::View;
use crate::app::Message;
use crate::app::fixture::{Stage, details, host, journal, metrics, text_of};
use crate::app::screens::picker::{Entry, Picker};
use crate::link::Dialect;

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
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), stage.text());
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
        insta::assert_snapshot!(format!("view-{view}"), stage.text());
    }
}

#[test]
fn compact_layout_on_a_large_terminal() {
    let mut stage = Stage::rich(120, 40);
    stage.app.settings.compact = true;
    insta::assert_snapshot!("compact-120x40", stage.text());
}

#[test]
fn picker() {
    let entry = |name: &str, detail: &str, saved| Entry {
        name: name.to_owned(),
        detail: detail.to_owned(),
        saved,
    };
    let own = entry(
        "this machine",
        "an agent inside this program, no port open",
        false,
    );
    let with = vec![entry("pi4", "wss://pi4.lan:8443/ws", true), own.clone()];
    for (name, entries) in [("picker", with), ("picker-empty", vec![own])] {
        let mut picker = Picker::new(entries);
        let area = Rect::new(0, 0, 80, 12);
        picker.area = area;
        let mut buffer = Buffer::empty(area);
        crate::ui::screens::picker::draw(&mut buffer, &picker, true);
        insta::assert_snapshot!(name, text_of(&buffer, area));
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
fn what_failed_is_said_in_its_pane() {
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

fn number() -> impl Strategy<Value = f32> {
    prop_oneof![
        Just(f32::NAN),
        Just(f32::INFINITY),
        Just(f32::NEG_INFINITY),
        Just(-1.0),
        Just(f32::MAX),
        0.0_f32..200.0
    ]
}

fn size() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        Just(None),
        Just(Some(0)),
        Just(Some(u64::MAX)),
        any::<u64>().prop_map(Some)
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("漢字かな混じり".to_owned()),
        Just("שלום עולם".to_owned()),
        Just("e\u{301}\u{301}\u{301}\u{200D}\u{1F468}\u{200D}\u{1F469}".to_owned()),
        Just("x".repeat(300)),
        any::<String>()
    ]
}

prop_compose! {
    fn process()(
        pid in 0_u32..9, name in name(), user in name(), state in -3..12, cpu in prop::option::of(number()),
        resident_bytes in size(), started_boot_ms in size(), threads in any::<Option<u32>>(),
    ) -> Process {
        Process { pid, name, user, state, threads, cpu_percent: cpu, resident_bytes, started_boot_ms, ..Process::default() }
    }
}

prop_compose! {
    fn any_metrics()(
        times in prop::option::of((0_u64..5, size())), hostname in name(), total in prop::option::of(number()),
        cores in prop::collection::vec((any::<u32>(), number()), 0..300),
        celsius in prop::option::of(number()), sizes in prop::collection::vec(size(), 8), load in number(),
        interfaces in prop::collection::vec((name(), 0_u64..9, any::<u64>()), 0..6),
        gpus in prop::collection::vec((name(), number(), size(), size()), 0..4),
    ) -> Metrics {
        Metrics {
            time: times.map(|(unix_ms, boot_ms)| SampleTime { unix_ms, boot_ms }),
            hostname,
            cpu: Some(Cpu {
                total_percent: total,
                cores: cores.into_iter().map(|(index, percent)| Core { index, percent }).collect(),
                window_ms: None,
                temperature_celsius: celsius,
            }),
            memory: Some(Memory {
                total_bytes: sizes[0], used_bytes: sizes[1], available_bytes: sizes[2], cache_bytes: sizes[3],
            }),
            swap: Some(Swap { total_bytes: sizes[4], used_bytes: sizes[5] }),
            load: Some(Load { one: load, five: load, fifteen: load }),
            interfaces: interfaces.into_iter().map(|(name, received_bytes, transmitted_bytes)| Interface {
                name, received_bytes, transmitted_bytes,
            }).collect(),
            gpus: gpus.into_iter().map(|(name, number, used, total)| Gpu {
                name, usage_percent: Some(number), memory_used_bytes: used, memory_total_bytes: total,
                temperature_celsius: Some(number),
            }).collect(),
        }
    }
}

prop_compose! {
    fn disks()(disks in prop::collection::vec((name(), name(), size(), size(), size(), -1..5), 0..8)) -> Disks {
        let disk = |(name, mount, total_bytes, used_bytes, available_bytes, state)| Disk {
            name, mount_point: Some(mount), file_system: None, total_bytes, used_bytes, available_bytes, state,
            read_only: None, sizes_boot_ms: used_bytes,
        };
        Disks { time: None, disks: disks.into_iter().map(disk).collect(), not_listed: None }
    }
}

prop_compose! {
    fn one_in_detail()(process in process(), words in prop::collection::vec(name(), 0..9), size in size()) -> ProcessDetails {
        ProcessDetails {
            command: words.clone(),
            executable: words.first().cloned(),
            working_directory: words.last().cloned(),
            cpu_user_us: size,
            started_unix_ms: size,
            threads: words.iter().map(|name| Thread { name: name.clone(), ..Thread::default() }).collect(),
            process: Some(process),
            ..ProcessDetails::default()
        }
    }
}

prop_compose! {
    fn any_journal()(lines in prop::collection::vec((any::<u64>(), any::<Option<u32>>(), name()), 0..9), notice in prop::option::of(name())) -> Journal {
        let entry = |(unix_us, priority, message)| JournalEntry { unix_us, priority, message, ..JournalEntry::default() };
        Journal { entries: lines.into_iter().map(entry).collect(), notice, ..Journal::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_state_breaks_a_screen_of_any_size(
        (width, height) in prop_oneof![(1_u16..=250, 1_u16..=80), (1_u16..40, 1_u16..12)],
        samples in prop::collection::vec(any_metrics(), 0..4),
        list in prop::collection::vec(process(), 0..40), total in any::<u32>(),
        disks in disks(), one in one_in_detail(), journal in any_journal(),
        published in any::<bool>(), lose in any::<bool>(), compact in any::<bool>(),
        keys in prop::collection::vec(prop_oneof![
            prop::sample::select("?/qGgjkinpmuts12345 cr".chars().map(KeyCode::Char).collect::<Vec<_>>()),
            prop::sample::select(vec![KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::End, KeyCode::PageDown, KeyCode::Left]),
        ], 0..8),
        clicks in prop::collection::vec((0_u16..250, 0_u16..80, 0_u8..4), 0..6),
        resized in (1_u16..=250, 1_u16..=80),
    ) {
        let mut stage = Stage::new(width, height);
        stage.app.settings.compact = compact;
        stage.connect(if published { Dialect::Text } else { Dialect::Native });
        for metrics in samples {
            stage.pass(500);
            stage.reply(Query::Metrics, body::Kind::Metrics(metrics));
        }
        let list = Processes { processes: list, total, ..Processes::default() };
        stage.reply(Query::Processes, body::Kind::Processes(list.clone()));
        stage.reply(Query::Disks, body::Kind::Disks(disks));
        for key in keys {
            press(&mut stage, key);
            if let Some(watch) = &stage.app.host.watch {
                let pid = watch.identity.pid;
                let mut one = one.clone();
                one.process.as_mut().unwrap().pid = pid;
                stage.reply(Query::Process { pid }, body::Kind::Process(one));
                stage.reply(Query::Journal { pid }, body::Kind::Journal(journal.clone()));
            }
            stage.draw();
        }
        for (column, row, kind) in clicks {
            crate::app::tests::mouse(&mut stage, kind, column, row);
            stage.draw();
        }
        if lose {
            stage.lose();
        }
        stage.pass(60_000);
        stage.draw();
        // The terminal may have another size than the application was told last.
        let mut buffer = Buffer::empty(Rect::new(0, 0, resized.0, resized.1));
        super::draw(&mut buffer, &stage.app, stage.now);
        for view in View::EACH {
            stage.app.view = view;
            stage.draw();
        }
        prop_assert!(stage.app.plan().metrics > Some(Duration::ZERO));
    }
}
