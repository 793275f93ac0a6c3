//! What the mouse does.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::fixture::Stage;
use super::tests::{shown_pids, table, typed};
use super::{Effect, Message};
use crate::catalog::process::Column;
use crate::catalog::sort::Sort;
use crate::view::process_table::placed_columns;

/// Presses, releases, drags or turns the wheel.
pub(crate) fn mouse(stage: &mut Stage, kind: u8, column: u16, row: u16) -> Vec<Effect> {
    let kind = match kind {
        0 => MouseEventKind::Down(MouseButton::Left),
        1 => MouseEventKind::Drag(MouseButton::Left),
        2 => MouseEventKind::ScrollDown,
        3 => MouseEventKind::ScrollUp,
        _ => MouseEventKind::Up(MouseButton::Left),
    };
    stage.send(Message::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    }))
}

const DOWN: u8 = 0;
const DRAG: u8 = 1;
const WHEEL: u8 = 2;
const UP: u8 = 4;

#[test]
fn a_click_on_a_heading_sorts_and_another_inverts() {
    let mut stage = Stage::rich(120, 40);
    let regions = stage.app.layout();
    let name = placed_columns(regions, stage.host());
    let name = name.iter().find(|it| it.column == Column::Name).unwrap();
    let row = table(&stage).head.y;
    mouse(&mut stage, DOWN, name.x + 2, row);
    assert_eq!(stage.screen().list.sort, Sort::by(Column::Name));
    mouse(&mut stage, DOWN, name.x + 2, row);
    assert!(stage.screen().list.sort.descending);
}

#[test]
fn a_click_selects_a_second_one_opens() {
    let mut stage = Stage::rich(120, 40);
    let rows = table(&stage).rows;
    let third = shown_pids(&stage)[2];
    mouse(&mut stage, DOWN, rows.x + 9, rows.y + 2);
    assert_eq!(stage.screen().list.selected.unwrap().pid, third);
    assert_eq!(stage.screen().details, None);
    stage.pass(900);
    mouse(&mut stage, DOWN, rows.x + 9, rows.y + 2);
    assert_eq!(stage.screen().details, None, "that was slow");
    stage.pass(200);
    mouse(&mut stage, DOWN, rows.x + 9, rows.y + 2);
    assert!(stage.screen().details.is_some());
    assert_eq!(stage.host().watch.as_ref().unwrap().identity.pid, third);
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut stage = Stage::rich(120, 40);
    let rows = table(&stage).rows;
    mouse(&mut stage, WHEEL, rows.x, rows.y);
    assert_eq!(stage.screen().list.offset, 3);
    let cpu = stage.app.layout().cpu.unwrap();
    assert_eq!(mouse(&mut stage, WHEEL, cpu.x, cpu.y), []);

    stage.send(Message::Resize(80, 24));
    typed(&mut stage, "3");
    let network = stage.app.layout().network.unwrap();
    mouse(&mut stage, WHEEL, network.x + 1, network.y + 1);
    assert_eq!(stage.screen().network_offset, 0, "all of it is seen");
}

#[test]
fn the_scrollbar_can_be_dragged_to_both_ends_and_clicked() {
    let mut stage = Stage::rich(120, 40);
    let bar = table(&stage).scrollbar;
    let visible = usize::from(table(&stage).rows.height);
    assert_eq!(mouse(&mut stage, DOWN, bar.x, bar.y), [], "on the thumb");
    mouse(&mut stage, DRAG, bar.x, bar.bottom() + 20);
    assert_eq!(stage.screen().list.offset, 300 - visible);
    mouse(&mut stage, DRAG, 0, 0);
    assert_eq!(stage.screen().list.offset, 0);
    mouse(&mut stage, UP, 0, 0);
    assert_eq!(mouse(&mut stage, DRAG, bar.x, bar.bottom()), []);

    mouse(&mut stage, DOWN, bar.x, bar.y + bar.height / 2);
    let middle = (300 - visible) / 2;
    assert!(stage.screen().list.offset.abs_diff(middle) < 30);
}

#[test]
fn a_click_on_a_views_name_shows_it() {
    let mut stage = Stage::rich(80, 24);
    let footer = stage.app.layout().footer;
    for name in crate::view::footer::views(footer) {
        mouse(&mut stage, DOWN, name.area.x + 1, name.area.y);
        assert_eq!(stage.screen().view, name.view);
    }
}
