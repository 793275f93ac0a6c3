//! What messages do.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use socktop_proto::model::{Error, ErrorCode, body};
use socktop_proto::{Fields, Query};

use super::fixture::{Stage, details, host_called, processes};
use super::*;
use crate::actions::View;
use crate::actions::keymap::{Key, bindings};
use crate::catalog::process::Column;
use crate::catalog::sort::Sort;
use crate::link::{Dialect, Intervals, Question};
use crate::view::process_table::placed_columns;

fn press_key(stage: &mut Stage, key: Key) -> Vec<Effect> {
    let modifiers = if key.ctrl {
        KeyModifiers::CONTROL
    } else {
        KeyModifiers::NONE
    };
    stage.send(Message::Key(KeyEvent::new(key.code, modifiers)))
}

fn press(stage: &mut Stage, code: KeyCode) -> Vec<Effect> {
    press_key(stage, Key { code, ctrl: false })
}

pub(super) fn typed(stage: &mut Stage, text: &str) {
    for character in text.chars() {
        press(stage, KeyCode::Char(character));
    }
}

pub(super) fn table(stage: &Stage) -> crate::view::regions::Table {
    stage.app.layout().processes.unwrap()
}

pub(super) fn shown_pids(stage: &Stage) -> Vec<u32> {
    let sample = stage.host().processes.value().unwrap();
    let rows = stage.screen().list.rows(stage.screen().list.offset);
    rows.map(|index| sample.processes[index].pid).collect()
}

/// The list of so many hosts.
fn list(count: usize) -> Stage {
    let hosts = (0..count).map(|index| host_called(&format!("host{index}"), "wss://host:8443/ws"));
    Stage::list(hosts.collect(), 60, 12)
}

/// States in which each key of a context has something to do in one of them.
fn stages(context: Context) -> Vec<Stage> {
    let mut stages = Vec::new();
    let mut prepare = |prepare: &dyn Fn(&mut Stage)| {
        let mut stage = Stage::rich(120, 40);
        prepare(&mut stage);
        assert_eq!(stage.app.context(), context);
        stages.push(stage);
    };
    match context {
        Context::Host => {
            prepare(&|_| {});
            prepare(&|stage| typed(stage, "2"));
            prepare(&|stage| {
                press(stage, KeyCode::End);
            });
        }
        Context::Filter => {
            prepare(&|stage| typed(stage, "/s"));
            prepare(&|stage| {
                typed(stage, "/s");
                press(stage, KeyCode::Down);
                press(stage, KeyCode::Down);
            });
        }
        Context::Help => {
            for offset in ["?", "?jjj"] {
                prepare(&|stage| {
                    typed(stage, offset);
                    stage.send(Message::Resize(40, 12));
                    typed(stage, offset.trim_start_matches('?'));
                });
            }
        }
        Context::Details => {
            for keys in ["", "jjj"] {
                prepare(&|stage| {
                    press(stage, KeyCode::Enter);
                    let pid = stage.host().watch.as_ref().unwrap().identity.pid;
                    let process = processes(300).processes.into_iter();
                    let process = process.clone().find(|process| process.pid == pid).unwrap();
                    let details = body::Kind::Process(details(process));
                    stage.reply(Query::Process { pid }, details);
                    stage.send(Message::Resize(60, 12));
                    typed(stage, keys);
                });
            }
        }
        Context::Fleet => {
            for keys in ["", "jjj"] {
                let mut stage = list(9);
                typed(&mut stage, keys);
                stages.push(stage);
            }
        }
        Context::Dialog => prepare(&|stage| {
            let lost = LinkState::Lost {
                since: stage.now.instant,
                reason: String::new(),
                retry_at: stage.now.instant,
                question: Some(Question::Token),
            };
            stage.link(lost);
            typed(stage, "s3");
        }),
    }
    stages
}

#[test]
fn every_key_does_something() {
    for context in [
        Context::Host,
        Context::Filter,
        Context::Details,
        Context::Help,
        Context::Fleet,
        Context::Dialog,
    ] {
        for binding in bindings(context) {
            for key in binding.keys {
                let works = (0..stages(context).len()).any(|index| {
                    let mut stage = stages(context).swap_remove(index);
                    let before = stage.draw();
                    let effects = press_key(&mut stage, *key);
                    let acts = effects.iter().any(|effect| *effect != Effect::Redraw);
                    acts || (effects == [Effect::Redraw] && stage.draw() != before)
                });
                assert!(works, "{} in {context:?}", key.name());
            }
        }
    }
}

#[test]
fn other_keys_do_nothing() {
    let mut stage = Stage::rich(120, 40);
    assert_eq!(press(&mut stage, KeyCode::Char('x')), []);
    assert_eq!(press(&mut stage, KeyCode::F(9)), []);
}

#[test]
fn q_closes_dialogs_before_it_quits() {
    let mut stage = Stage::rich(120, 40);
    press(&mut stage, KeyCode::Enter);
    press(&mut stage, KeyCode::Char('?'));
    assert_eq!(stage.app.context(), Context::Help);
    press(&mut stage, KeyCode::Char('q'));
    assert_eq!(stage.app.context(), Context::Details);
    press(&mut stage, KeyCode::Char('q'));
    assert_eq!(stage.app.context(), Context::Host);
    let effects = press(&mut stage, KeyCode::Char('q'));
    assert_eq!(effects, [Effect::Quit(Outcome::Quit)]);
}

#[test]
fn signals_end_the_program_with_their_code() {
    let mut stage = Stage::rich(120, 40);
    let effects = stage.send(Message::Signal(15));
    assert_eq!(effects, [Effect::Quit(Outcome::Signal(15))]);
    assert_eq!(Outcome::Signal(15).exit_code(), 143);
    assert_eq!(Outcome::Quit.exit_code(), 0);
}

#[test]
fn a_filter_takes_any_character_until_it_is_kept_or_dropped() {
    let mut stage = Stage::rich(120, 40);
    typed(&mut stage, "/q1");
    assert_eq!(stage.screen().list.filter, "q1");
    press(&mut stage, KeyCode::Backspace);
    press(&mut stage, KeyCode::Backspace);
    stage.send(Message::Paste("post\x1b\n".to_owned()));
    assert_eq!(stage.screen().list.filter, "post\u{FFFD} ");
    press(&mut stage, KeyCode::Backspace);
    press(&mut stage, KeyCode::Backspace);
    press(&mut stage, KeyCode::Enter);
    assert_eq!(stage.app.context(), Context::Host);
    assert!(stage.screen().list.len() < 300);
    press(&mut stage, KeyCode::Esc);
    assert_eq!(stage.screen().list.len(), 300);
}

#[test]
fn only_visible_panes_are_requested() {
    let every = Intervals::default();
    let (metrics, list, disks) = (
        Some(every.metrics),
        Some(every.processes),
        Some(every.disks),
    );
    let mut stage = Stage::rich(120, 40);
    let mut asked = |keys: &str| {
        typed(&mut stage, keys);
        let plan = stage.subscription();
        (plan.metrics, plan.processes, plan.disks)
    };
    assert_eq!(asked("1"), (metrics, list, disks));
    assert_eq!(asked("2"), (metrics, None, None));
    assert_eq!(asked("3"), (metrics, None, None));
    assert_eq!(asked("4"), (metrics, None, disks));
    assert_eq!(asked("5"), (metrics, list, None));
    assert_eq!(asked(" "), (metrics, None, None), "frozen");
    assert_eq!(asked(" "), (metrics, list, None));
    assert_eq!(asked("?"), (metrics, None, None), "behind the help");
    press(&mut stage, KeyCode::Esc);
    assert_eq!(stage.subscription().processes, list);
    let mut stage = Stage::rich(200, 60);
    typed(&mut stage, "?");
    let plan = stage.subscription();
    assert_eq!((plan.processes, plan.disks), (list, disks), "beside it");
    let stage = Stage::rich(20, 6);
    assert_eq!(stage.subscription().disks, None, "no room for disks");
}

#[test]
fn details_ask_for_one_process_and_its_journal_only_while_it_is_seen() {
    let mut stage = Stage::rich(80, 24);
    press(&mut stage, KeyCode::Enter);
    let pid = stage.host().watch.as_ref().unwrap().identity.pid;
    let every = Intervals::default();
    let mut expected = Subscription {
        metrics: Some(every.metrics),
        // No list is asked for.
        fields: stage.subscription().fields,
        process: Some((pid, every.metrics)),
        ..Subscription::default()
    };
    assert_eq!(stage.subscription(), expected);
    press(&mut stage, KeyCode::BackTab);
    expected.journal = Some((pid, every.disks));
    assert_eq!(stage.subscription(), expected);
    let gone = Error::new(ErrorCode::NotFound, "no process");
    stage.error(Query::Process { pid }, gone);
    (expected.process, expected.journal) = (None, None);
    assert_eq!(
        stage.subscription(),
        expected,
        "what ended is not asked for"
    );
}

#[test]
fn only_process_fields_that_are_shown_or_needed_are_requested() {
    let mut stage = Stage::rich(200, 40);
    assert_eq!(stage.subscription().fields, Fields::ALL);
    let mut stage_of = |width| {
        stage = Stage::rich(width, 40);
        stage.subscription().fields
    };
    let narrow = stage_of(40);
    assert!(narrow.contain(Fields::STARTED | Fields::NAME | Fields::CPU));
    assert!(!narrow.contain(Fields::PARENT) && !narrow.contain(Fields::USER));
    stage.screen_mut().list.filter = "root".to_owned();
    assert!(stage.subscription().fields.contain(Fields::USER));
    stage.screen_mut().list.filter.clear();
    stage.screen_mut().list.sort = Sort::by(Column::Parent);
    assert!(stage.subscription().fields.contain(Fields::PARENT));
}

#[test]
fn the_published_agents_list_is_asked_for_beside_its_details() {
    let mut stage = Stage::published(120, 40);
    press(&mut stage, KeyCode::Enter);
    assert!(stage.subscription().processes.is_some());
    let list = processes(3);
    stage.reply(Query::Processes, body::Kind::Processes(list));
    assert!(stage.host().watch.as_ref().unwrap().ended.is_some());
}

#[test]
fn a_frozen_list_takes_no_samples() {
    let mut stage = Stage::rich(120, 40);
    typed(&mut stage, " ");
    let late = body::Kind::Processes(processes(3));
    assert_eq!(stage.screen().list.len(), 300);
    stage.reply(Query::Processes, late);
    assert_eq!(stage.screen().list.len(), 300);
}

#[test]
fn the_selection_stays_with_its_process_when_the_order_changes() {
    let mut stage = Stage::rich(120, 40);
    for _ in 0..3 {
        press(&mut stage, KeyCode::Down);
    }
    let selected = stage.screen().list.selected.unwrap();
    assert_eq!(shown_pids(&stage)[2], selected.pid);
    typed(&mut stage, "p");
    assert_eq!(stage.screen().list.selected, Some(selected));
    assert!(shown_pids(&stage).contains(&selected.pid));
    stage.send(Message::Resize(120, 30));
    let visible = usize::from(table(&stage).rows.height);
    assert!(shown_pids(&stage)[..visible].contains(&selected.pid));
}

#[test]
fn sorting_from_a_view_without_the_list_shows_the_list() {
    let mut stage = Stage::rich(80, 24);
    typed(&mut stage, "4m");
    assert_eq!(stage.screen().view, View::Processes);
    assert_eq!(stage.screen().list.sort.column, Column::Memory);
}

#[test]
fn left_and_right_go_around_the_columns_that_are_seen() {
    let mut stage = Stage::rich(80, 24);
    let columns = placed_columns(stage.app.layout(), stage.host());
    for _ in &columns {
        press(&mut stage, KeyCode::Right);
        let sorted = stage.screen().list.sort.column;
        assert!(columns.iter().any(|placed| placed.column == sorted));
    }
    assert_eq!(stage.screen().list.sort.column, Column::Cpu);
    press(&mut stage, KeyCode::Left);
    press(&mut stage, KeyCode::Right);
    assert_eq!(stage.screen().list.sort, Sort::by(Column::Cpu));
}

#[test]
fn time_alone_changes_the_screen_only_when_something_is_old_or_lost() {
    let mut stage = Stage::rich(120, 40);
    let next = stage.app.next_change(stage.now.instant).unwrap();
    let wait = next - stage.now.instant;
    assert_eq!(wait, Duration::from_millis(2500), "until metrics are old");
    stage.pass(2_600);
    let next = stage.app.next_change(stage.now.instant).unwrap();
    assert_eq!(next - stage.now.instant, Duration::from_secs(1));

    stage.lose();
    stage.pass(1_300);
    let next = stage.app.next_change(stage.now.instant).unwrap();
    assert_eq!(next - stage.now.instant, Duration::from_millis(700));

    let stage = Stage::new(120, 40);
    assert_eq!(stage.app.next_change(stage.now.instant), None);
}

#[test]
fn a_view_that_comes_back_is_not_called_old_before_it_could_be_new() {
    let mut stage = Stage::rich(120, 40);
    typed(&mut stage, "2");
    stage.run(120, 8);
    assert!(!stage.text().contains("old"));
    typed(&mut stage, "1");
    assert!(!stage.text().contains("old"));
    stage.pass(60_000);
    assert!(stage.text().contains("old"));
}

#[test]
fn a_lost_link_dials_at_once_when_asked() {
    let mut stage = Stage::rich(120, 40);
    stage.lose();
    let effects = press(&mut stage, KeyCode::Char('r'));
    assert!(effects.contains(&Effect::Retry(HostId::FIRST)));
    assert!(stage.text().contains("LOST 0 s"));
    stage.connect(Dialect::Native);
    assert!(!stage.text().contains("LOST"));
}

#[test]
fn a_released_key_does_nothing() {
    let mut stage = Stage::rich(120, 40);
    let event = KeyEvent::new_with_kind(
        KeyCode::Char('q'),
        KeyModifiers::NONE,
        crossterm::event::KeyEventKind::Release,
    );
    assert_eq!(stage.send(Message::Key(event)), []);
}

#[test]
fn a_screen_of_size_zero_is_drawn() {
    let mut stage = Stage::rich(0, 0);
    assert_eq!(stage.app.area, Rect::ZERO);
    typed(&mut stage, "jjG?jq/x");
    stage.draw();
}
