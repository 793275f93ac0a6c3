//! A host whose every word is an attack on the terminal.
//!
//! The bodies are written out field by field: a new one does not compile before it is here.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use socktop_proto::Query;
use socktop_proto::model::{
    Core, Cpu, Disk, Disks, Error, ErrorCode, Gpu, Host, Interface, Journal, JournalEntry, Load,
    Memory, Metrics, Process, ProcessDetails, Processes, SampleTime, Swap, Thread, body,
};
use socktop_proto::pairing::Pin;
use strum::VariantArray;
use unicode_width::UnicodeWidthStr;

use crate::actions::View;
use crate::app::Message;
use crate::app::fixture::{Stage, host_called};
use crate::link::{Dialect, Event, LinkState, Question};
use crate::source::HostId;
use crate::text::sanitize::is_junk;

/// A title, a cleared screen, an escape in one byte, a link, turned text, invisible and piled-up characters.
const ATTACKS: [&str; 9] = [
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[H\x1b[31m",
    "\u{9b}2J\u{90}x\u{9c}",
    "\x1b]8;;http://evil\x1b\\link",
    "a\u{202E}cod.exe\u{2066}b\u{2069}",
    "\u{200B}\u{200D}\u{FEFF}\u{2060}\u{AD}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "\r\n\t\x08\x7f\0",
    "\u{E0041}\u{FE0F}\u{3164}\u{202A}",
];

fn evil() -> String {
    ATTACKS.concat()
}

fn host() -> Host {
    Host {
        hostname: evil(),
        kernel: Some(evil()),
        os: Some(evil()),
        model: Some(evil()),
        architecture: Some(evil()),
        cpu_model: Some(evil()),
        cpu_count: Some(1),
        started_boot_ms: None,
        agent_version: evil(),
    }
}

fn metrics(step: u64) -> Metrics {
    let interface = |name: String| Interface {
        name,
        received_bytes: step * 1000,
        transmitted_bytes: step,
    };
    let time = SampleTime {
        unix_ms: step * 500,
        boot_ms: Some(step * 500),
    };
    let core = Core {
        index: 0,
        percent: 1.0,
    };
    Metrics {
        time: Some(time),
        hostname: evil(),
        cpu: Some(Cpu {
            total_percent: Some(50.0),
            cores: vec![core],
            window_ms: Some(500),
            temperature_celsius: Some(50.0),
        }),
        memory: Some(Memory::default()),
        swap: Some(Swap::default()),
        load: Some(Load::default()),
        interfaces: ATTACKS.map(|attack| interface(attack.to_owned())).to_vec(),
        gpus: vec![Gpu {
            name: evil(),
            usage_percent: Some(1.0),
            memory_used_bytes: Some(1),
            memory_total_bytes: Some(2),
            temperature_celsius: Some(50.0),
        }],
    }
}

fn disks() -> Disks {
    let disk = |attack: &str| Disk {
        name: attack.to_owned(),
        mount_point: Some(attack.to_owned()),
        file_system: Some(attack.to_owned()),
        total_bytes: Some(9),
        used_bytes: Some(1),
        available_bytes: Some(8),
        state: 1,
        read_only: Some(true),
        sizes_boot_ms: Some(1),
    };
    Disks {
        time: None,
        disks: ATTACKS.map(disk).to_vec(),
        not_listed: Some(u32::MAX),
    }
}

fn process(pid: u32, attack: &str) -> Process {
    Process {
        pid,
        parent_pid: Some(1),
        user_id: Some(1),
        user: attack.to_owned(),
        name: attack.to_owned(),
        state: 1,
        threads: Some(1),
        cpu_percent: Some(1.0),
        resident_bytes: Some(1),
        started_boot_ms: None,
        nice: Some(1),
    }
}

fn details(pid: u32, with_children: bool) -> ProcessDetails {
    let thread = |attack: &str| Thread {
        tid: 1,
        name: attack.to_owned(),
        state: 1,
        cpu_user_us: Some(1),
        cpu_system_us: Some(1),
    };
    ProcessDetails {
        time: None,
        process: Some(process(pid, &evil())),
        group_id: Some(1),
        command: ATTACKS.map(String::from).to_vec(),
        executable: Some(evil()),
        working_directory: Some(evil()),
        virtual_bytes: None,
        shared_bytes: None,
        started_unix_ms: None,
        cpu_user_us: None,
        cpu_system_us: None,
        disk_read_bytes: None,
        disk_written_bytes: None,
        descriptors: None,
        threads: ATTACKS.map(thread).to_vec(),
        children: with_children
            .then(|| details(pid + 1, false))
            .into_iter()
            .collect(),
        children_total: Some(u32::MAX),
        command_cut: true,
        unanswered_ms: None,
    }
}

fn journal() -> Journal {
    let entry = |attack: &str| JournalEntry {
        unix_us: 1,
        priority: Some(3),
        message: attack.to_owned(),
        unit: Some(attack.to_owned()),
        pid: Some(1),
        command: Some(attack.to_owned()),
        user_id: Some(1),
        group_id: Some(1),
    };
    Journal {
        time: None,
        entries: ATTACKS.map(entry).to_vec(),
        truncated: true,
        notice: Some(evil()),
    }
}

fn assert_harmless(buffer: &Buffer, what: &str) {
    for cell in buffer.content() {
        let symbol = cell.symbol();
        assert!(!symbol.chars().any(is_junk), "{what}: {symbol:?}");
        // The second column of a wide letter is empty.
        assert!(
            symbol.is_empty() || symbol.width() > 0,
            "{what}: {symbol:?}"
        );
        let marks = symbol.chars().filter(|mark| *mark == '\u{301}').count();
        assert!(marks <= 2, "{what}: {symbol:?}");
    }
}

fn press(stage: &mut Stage, code: KeyCode) {
    let event = KeyEvent::new(code, KeyModifiers::NONE);
    stage.send(Message::Key(event));
}

/// A hostile host on a screen, with everything that it can tell.
fn stage(width: u16, height: u16, dialect: Dialect) -> Stage {
    let mut stage = Stage::new(width, height);
    stage.host_mut().config.name = evil();
    stage.host_mut().config.endpoint = evil();
    stage.connect(dialect);
    stage.reply(Query::Host, body::Kind::Host(host()));
    for step in 1..4 {
        stage.pass(500);
        stage.reply(Query::Metrics, body::Kind::Metrics(metrics(step)));
    }
    stage.reply(Query::Disks, body::Kind::Disks(disks()));
    let list = Processes {
        processes: (1..)
            .zip(ATTACKS)
            .map(|(pid, it)| process(pid, it))
            .collect(),
        total: 9,
        ..Processes::default()
    };
    stage.reply(Query::Processes, body::Kind::Processes(list));
    stage
}

fn assert_each_view_harmless(stage: &mut Stage, what: &str) {
    for view in View::VARIANTS.iter().copied() {
        stage.screen_mut().view = view;
        assert_harmless(&stage.draw(), &format!("{what}, {view:?}"));
    }
    stage.screen_mut().view = View::All;
}

#[test]
fn nothing_from_a_host_reaches_the_terminal_raw() {
    for (width, height) in [(200, 60), (120, 40), (80, 24), (20, 6)] {
        for dialect in [Dialect::Native, Dialect::Text] {
            let mut stage = stage(width, height, dialect);
            assert_each_view_harmless(&mut stage, "live");

            // The details, in each of their tabs.
            press(&mut stage, KeyCode::Down);
            press(&mut stage, KeyCode::Enter);
            let pid = stage.host().watch.as_ref().unwrap().identity.pid;
            assert_harmless(&stage.draw(), "details that have not come");
            let kind = body::Kind::Process(details(pid, true));
            stage.reply(Query::Process { pid }, kind);
            stage.reply(Query::Journal { pid }, body::Kind::Journal(journal()));
            for tab in 0..5 {
                assert_harmless(&stage.draw(), &format!("details, tab {tab}"));
                press(&mut stage, KeyCode::Tab);
            }
            let error = || Error::new(ErrorCode::Unavailable, evil());
            stage.error(Query::Process { pid }, error());
            stage.error(Query::Journal { pid }, error());
            for tab in 0..5 {
                assert_harmless(&stage.draw(), &format!("details' errors, tab {tab}"));
                press(&mut stage, KeyCode::Tab);
            }
            press(&mut stage, KeyCode::Esc);

            for query in [Query::Host, Query::Metrics, Query::Disks, Query::Processes] {
                stage.error(query, error());
            }
            assert_each_view_harmless(&mut stage, "errors");

            press(&mut stage, KeyCode::Char('/'));
            stage.send(Message::Paste(evil()));
            assert_harmless(&stage.draw(), "a pasted filter");
            press(&mut stage, KeyCode::Enter);
            assert_each_view_harmless(&mut stage, "filtered");

            let lost = lost(&stage, None);
            stage.link(lost);
            assert_each_view_harmless(&mut stage, "lost");
        }
    }
}

#[test]
fn errors_before_any_sample_are_harmless_too() {
    let mut stage = Stage::new(120, 40);
    stage.connect(Dialect::Native);
    for query in [Query::Host, Query::Metrics, Query::Disks, Query::Processes] {
        stage.error(query, Error::new(ErrorCode::Unavailable, evil()));
    }
    assert_each_view_harmless(&mut stage, "nothing but errors");
}

#[test]
fn names_and_reasons_in_the_list_are_harmless() {
    let hosts = ATTACKS.map(|attack| host_called(attack, attack)).to_vec();
    let mut stage = Stage::list(hosts, 80, 24);
    assert_harmless(&stage.draw(), "the list");
    for (index, question) in QUESTIONS.into_iter().enumerate() {
        let event = Event::State(lost(&stage, question));
        stage.send(Message::Link(HostId::new(index), event));
    }
    assert_harmless(&stage.draw(), "the list of lost hosts");
}

#[test]
fn questions_of_links_are_harmless() {
    for (width, height) in [(120, 40), (20, 6)] {
        for question in QUESTIONS {
            let mut stage = Stage::new(width, height);
            stage.host_mut().config.endpoint = evil();
            let lost = lost(&stage, question);
            stage.link(lost);
            stage.send(Message::Paste(evil()));
            stage.send(Message::AnswerFailed(HostId::FIRST, evil()));
            assert_harmless(&stage.draw(), &format!("{question:?}"));
        }
    }
}

const QUESTIONS: [Option<Question>; 3] = [
    None,
    Some(Question::Token),
    Some(Question::Key(Pin::from_digest([7; 32]))),
];

/// A link that was lost for an evil reason.
fn lost(stage: &Stage, question: Option<Question>) -> LinkState {
    LinkState::Lost {
        since: stage.now.instant,
        reason: evil(),
        retry_at: stage.now.instant,
        question,
    }
}
