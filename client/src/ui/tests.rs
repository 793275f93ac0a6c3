//! The screens, as pictures of text and roles.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use socktop_proto::Query;
use socktop_proto::model::{Error, ErrorCode, Host, Metrics, ProcessDetails, SampleTime, body};
use socktop_proto::pairing::Pin;

use crate::app::Message;
use crate::app::fixture::{Stage, details, host, host_called, journal, metrics};
use crate::config::theme::Theme;
use crate::link::{Dialect, Event, LinkState, Question, Security};
use crate::source::HostId;

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
    let pid = stage.host().watch.as_ref().unwrap().identity.pid;
    let list = stage.host().processes.value().unwrap();
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
    let watch = stage.host().watch.as_ref().unwrap();
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
    let mut list = stage.host().processes.value().unwrap().clone();
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

/// The list of four hosts, each in another state, and this machine.
fn list_of_hosts(width: u16, height: u16) -> Stage {
    let hosts = [
        ("alpha", "wss://alpha.lan:8443/ws"),
        ("beta", "wss://beta.lan:8443/ws"),
        ("gamma", "wss://gamma.lan:8443/ws"),
        ("delta", "ws://delta.lan:3000/ws"),
        ("this machine", "without an agent and without a port"),
    ];
    let hosts = hosts.map(|(name, endpoint)| host_called(name, endpoint));
    let mut stage = Stage::list(hosts.to_vec(), width, height);
    let since = stage.now.instant;
    let lost = |reason: &str, question| LinkState::Lost {
        since,
        reason: reason.to_owned(),
        retry_at: since,
        question,
    };
    let states = [
        LinkState::Connected {
            dialect: Dialect::Native,
            security: Security::Tls,
        },
        lost(
            "wss://beta.lan:8443/ws: the agent wants a token; pass --token-file FILE or set SOCKTOP_TOKEN (HTTP status 401)",
            Some(Question::Token),
        ),
        lost(
            "wss://gamma.lan:8443/ws: its key is not known here",
            Some(Question::Key(Pin::from_digest([0xa5; 32]))),
        ),
        lost(
            "ws://delta.lan:3000/ws: connecting failed: Connection refused; is socktop-agent running there?",
            None,
        ),
    ];
    for (index, state) in states.into_iter().enumerate() {
        stage.send(Message::Link(HostId::new(index), Event::State(state)));
    }
    stage.pass(12_000);
    stage
}

#[test]
fn list_shows_the_state_of_each_link() {
    at_each_size("list", list_of_hosts);
}

#[test]
fn list_without_profiles_says_how_to_make_one() {
    let this_machine = host_called("this machine", "without an agent and without a port");
    let stage = Stage::list(vec![this_machine], 80, 12);
    insta::assert_snapshot!("list-empty", stage.picture());
}

#[test]
fn unknown_key_is_asked_about() {
    at_each_size("dialog-key", |width, height| {
        let mut stage = list_of_hosts(width, height);
        press(&mut stage, KeyCode::Down);
        press(&mut stage, KeyCode::Down);
        press(&mut stage, KeyCode::Enter);
        stage
    });
}

#[test]
fn token_is_asked_for_and_not_shown() {
    at_each_size("dialog-token", |width, height| {
        let mut stage = list_of_hosts(width, height);
        press(&mut stage, KeyCode::Down);
        press(&mut stage, KeyCode::Enter);
        // An empty one is none.
        press(&mut stage, KeyCode::Enter);
        typed(&mut stage, "s3cret");
        assert!(!stage.text().contains("s3cret"));
        stage
    });
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
    stage.app.settings.theme = Theme::new(false);
    stage.lose();
    for cell in stage.draw().content() {
        let colors = (cell.fg, cell.bg);
        assert_eq!(colors, Default::default(), "{}", cell.symbol());
    }
}
