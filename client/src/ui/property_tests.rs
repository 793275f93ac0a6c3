//! No state breaks a screen at any size.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use socktop_proto::Query;
use socktop_proto::model::{
    Core, Cpu, Disk, Disks, Gpu, Interface, Journal, JournalEntry, Load, Memory, Metrics, Process,
    ProcessDetails, Processes, SampleTime, Swap, Thread, body,
};
use socktop_proto::pairing::Pin;
use strum::VariantArray;

use crate::actions::View;
use crate::app::Message;
use crate::app::fixture::{Stage, host_called};
use crate::link::{Dialect, LinkState, Question};

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
        question in prop::sample::select(vec![None, Some(Question::Token), Some(Question::Key(Pin::from_digest([7; 32])))]),
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
            stage.send(Message::Key(KeyEvent::new(key, KeyModifiers::NONE)));
            if let Some(watch) = &stage.host().watch {
                let pid = watch.identity.pid;
                let mut one = one.clone();
                one.process.as_mut().unwrap().pid = pid;
                stage.reply(Query::Process { pid }, body::Kind::Process(one));
                stage.reply(Query::Journal { pid }, body::Kind::Journal(journal.clone()));
            }
            stage.draw();
        }
        for (column, row, kind) in clicks {
            crate::app::mouse_tests::mouse(&mut stage, kind, column, row);
            stage.draw();
        }
        if lose {
            stage.lose();
            stage.link(LinkState::Lost {
                since: stage.now.instant,
                reason: "a reason".to_owned(),
                retry_at: stage.now.instant,
                question,
            });
            stage.send(Message::Paste("x".repeat(usize::from(resized.0))));
            stage.draw();
        }
        stage.pass(60_000);
        stage.draw();
        // The terminal may have another size than the application was told last.
        let mut buffer = Buffer::empty(Rect::new(0, 0, resized.0, resized.1));
        super::draw(&mut buffer, &stage.app, stage.now);
        for view in View::VARIANTS.iter().copied() {
            stage.screen_mut().view = view;
            stage.draw();
        }
        prop_assert!(stage.subscription().metrics > Some(Duration::ZERO));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn list_of_hosts_fits_a_screen_of_any_size(
        (width, height) in prop_oneof![(1_u16..=250, 1_u16..=80), (1_u16..40, 1_u16..12)],
        hosts in prop::collection::vec((name(), name()), 0..100),
        keys in prop::collection::vec(prop::sample::select(vec![
            KeyCode::Down, KeyCode::End, KeyCode::PageUp, KeyCode::Enter, KeyCode::Esc, KeyCode::Char('?'), KeyCode::Char('r'),
        ]), 0..8),
        resized in (1_u16..=250, 1_u16..=80),
    ) {
        let hosts = hosts.iter().map(|(name, endpoint)| host_called(name, endpoint));
        let mut stage = Stage::list(hosts.collect(), width, height);
        for key in keys {
            stage.send(Message::Key(KeyEvent::new(key, KeyModifiers::NONE)));
            stage.draw();
        }
        let mut buffer = Buffer::empty(Rect::new(0, 0, resized.0, resized.1));
        super::draw(&mut buffer, &stage.app, stage.now);
    }
}
