//! From the list to hosts and back, and the questions of their links.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use socktop_proto::Query;
use socktop_proto::model::body;
use socktop_proto::pairing::Pin;

use super::fixture::{Stage, host_called, metrics};
use super::*;
use crate::link::{Dialect, Event, Question, Security};
use crate::secrets::token::Token;

const OTHER: HostId = HostId::new(1);
const CONNECTED: LinkState = LinkState::Connected {
    dialect: Dialect::Native,
    security: Security::Tls,
};

fn press(stage: &mut Stage, code: KeyCode) -> Vec<Effect> {
    stage.send(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn typed(stage: &mut Stage, text: &str) {
    for character in text.chars() {
        press(stage, KeyCode::Char(character));
    }
}

fn list() -> Stage {
    let hosts = ["one", "two", "three"].map(|name| host_called(name, "wss://host:8443/ws"));
    Stage::list(hosts.to_vec(), 120, 40)
}

fn asking(stage: &Stage, question: Question) -> LinkState {
    LinkState::Lost {
        since: stage.now.instant,
        reason: "the agent wants something".to_owned(),
        retry_at: stage.now.instant,
        question: Some(question),
    }
}

fn key(byte: u8) -> Question {
    Question::Key(Pin::from_digest([byte; 32]))
}

#[test]
fn enter_opens_a_host_and_esc_goes_back_to_the_list() {
    let mut stage = list();
    assert_eq!(stage.app.subscription(), None);
    press(&mut stage, KeyCode::Down);
    press(&mut stage, KeyCode::Enter);
    let (host, subscription) = stage.app.subscription().unwrap();
    assert_eq!(host, OTHER);
    assert!(subscription.metrics.is_some());
    press(&mut stage, KeyCode::Esc);
    assert_eq!(stage.app.subscription(), None);
    assert_eq!(stage.app.fleet_screen.selected, 1);
}

#[test]
fn esc_drops_filter_and_selection_before_it_leaves_a_host() {
    let mut stage = list();
    stage.send(Message::Link(HostId::FIRST, Event::State(CONNECTED)));
    press(&mut stage, KeyCode::Enter);
    typed(&mut stage, "/x");
    press(&mut stage, KeyCode::Enter);
    press(&mut stage, KeyCode::Esc);
    assert_eq!(stage.app.context(), Context::Host);
    assert_eq!(stage.screen().list.filter, "");
    press(&mut stage, KeyCode::Esc);
    assert_eq!(stage.app.context(), Context::Fleet);
}

#[test]
fn without_a_list_esc_stays() {
    let mut stage = Stage::rich(120, 40);
    press(&mut stage, KeyCode::Esc);
    assert_eq!(stage.app.context(), Context::Host);
}

#[test]
fn each_host_keeps_what_was_chosen_on_its_screen() {
    let mut stage = list();
    press(&mut stage, KeyCode::Enter);
    typed(&mut stage, "4");
    press(&mut stage, KeyCode::Esc);
    press(&mut stage, KeyCode::Down);
    press(&mut stage, KeyCode::Enter);
    assert_eq!(stage.screen().view, crate::actions::View::All);
    press(&mut stage, KeyCode::Esc);
    press(&mut stage, KeyCode::Up);
    press(&mut stage, KeyCode::Enter);
    assert_eq!(stage.screen().view, crate::actions::View::Disks);
}

#[test]
fn what_a_host_says_goes_to_that_host_alone() {
    let mut stage = list();
    press(&mut stage, KeyCode::Enter);
    let event = Event::Reply {
        query: Query::Metrics,
        body: std::sync::Arc::new(body::Kind::Metrics(metrics(1, 4)).into()),
        at: stage.now.instant,
        round_trip: Duration::from_millis(1),
    };
    assert_eq!(stage.send(Message::Link(OTHER, event)), []);
    assert!(stage.host().metrics.value().is_none());
    assert!(
        stage
            .app
            .fleet
            .get(OTHER)
            .unwrap()
            .metrics
            .value()
            .is_some()
    );
    let unknown = HostId::new(3);
    assert_eq!(
        stage.send(Message::Link(unknown, Event::State(CONNECTED))),
        []
    );
}

#[test]
fn histories_have_a_gap_while_a_host_is_not_shown() {
    let mut stage = list();
    press(&mut stage, KeyCode::Enter);
    stage.reply(Query::Metrics, body::Kind::Metrics(metrics(1, 4)));
    press(&mut stage, KeyCode::Esc);
    stage.pass(60_000);
    press(&mut stage, KeyCode::Enter);
    let cpu: Vec<_> = stage.host().cpu.newest(9).collect();
    assert!(matches!(cpu[..], [Some(_), None]), "{cpu:?}");
    // What is shown has just been asked for, so it is not called old yet.
    assert!(!stage.text().contains("old"));
}

#[test]
fn question_is_raised_on_the_screen_of_its_host_alone() {
    let mut stage = list();
    let lost = asking(&stage, Question::Token);
    stage.send(Message::Link(OTHER, Event::State(lost)));
    assert_eq!(stage.app.context(), Context::Fleet);
    press(&mut stage, KeyCode::Enter);
    assert_eq!(stage.app.context(), Context::Host);
    press(&mut stage, KeyCode::Esc);
    press(&mut stage, KeyCode::Down);
    press(&mut stage, KeyCode::Enter);
    assert_eq!(stage.app.context(), Context::Dialog);
    stage.send(Message::Paste("s3cret".to_owned()));
    let effects = press(&mut stage, KeyCode::Enter);
    let token = Token::new("s3cret").unwrap();
    assert!(effects.contains(&Effect::UseToken(OTHER, token)));
}

#[test]
fn question_waits_while_the_user_types_or_reads() {
    for keys in ["/f", "?"] {
        let mut stage = Stage::rich(120, 40);
        typed(&mut stage, keys);
        let lost = asking(&stage, key(1));
        stage.link(lost);
        assert_ne!(stage.app.context(), Context::Dialog, "{keys}");
        typed(&mut stage, "y");
        press(&mut stage, KeyCode::Esc);
        assert_eq!(stage.app.context(), Context::Dialog, "{keys}");
        assert_eq!(stage.app.open_dialog().unwrap().input, "", "{keys}");
    }
}

#[test]
fn closed_question_stays_closed_until_the_user_connects_again() {
    let mut stage = Stage::new(120, 40);
    let lost = asking(&stage, key(1));
    stage.link(lost.clone());
    press(&mut stage, KeyCode::Esc);
    // The link tries again by itself.
    stage.link(lost.clone());
    assert_eq!(stage.app.context(), Context::Host);
    let effects = press(&mut stage, KeyCode::Char('r'));
    assert!(effects.contains(&Effect::Retry(HostId::FIRST)));
    stage.link(LinkState::Connecting);
    stage.link(lost);
    assert_eq!(stage.app.context(), Context::Dialog);
}

#[test]
fn another_key_is_another_question() {
    let mut stage = Stage::new(120, 40);
    let lost = asking(&stage, key(1));
    stage.link(lost.clone());
    typed(&mut stage, "ye");
    stage.link(lost);
    assert_eq!(stage.app.open_dialog().unwrap().input, "ye");
    let lost = asking(&stage, key(2));
    stage.link(lost);
    let dialog = stage.app.open_dialog().unwrap();
    assert_eq!((dialog.question, dialog.input.as_str()), (key(2), ""));
    typed(&mut stage, "y");
    let effects = press(&mut stage, KeyCode::Enter);
    let Question::Key(pin) = key(2) else {
        unreachable!()
    };
    assert!(effects.contains(&Effect::TrustKey(HostId::FIRST, pin)));
}

#[test]
fn failed_answer_is_explained_in_the_dialog() {
    let mut stage = Stage::new(120, 40);
    let lost = asking(&stage, key(1));
    stage.link(lost);
    let message = Message::AnswerFailed(HostId::FIRST, "the disk is full".to_owned());
    stage.send(message);
    assert!(stage.text().contains("the disk is full"));
    stage.link(CONNECTED);
    assert_eq!(stage.app.context(), Context::Host);
}
