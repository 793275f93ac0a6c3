//! Drawing: a frame at 120x40, and the update of the state from a sample.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use socktop::app::{App, Message, update};
use socktop::config::theme::Theme;
use socktop::link::{Dialect, Event, Intervals, LinkState, Security};
use socktop::source::HostId;
use socktop::state::{HostConfig, HostState, Moment};
use socktop::ui;
use socktop::view::Settings;
use socktop_proto::Query;
use socktop_proto::model::body;
use socktop_testkit::hosts::pi4;

const AREA: Rect = Rect::new(0, 0, 120, 40);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for count in [80, 1000] {
        let (app, now) = after_a_minute(count);
        let mut buffer = Buffer::empty(AREA);
        criterion.bench_function(&format!("frame, {count} processes"), |bencher| {
            bencher.iter(|| {
                buffer.reset();
                ui::draw(&mut buffer, &app, now);
            });
        });
        let mut before = Buffer::empty(AREA);
        ui::draw(&mut before, &app, now);
        let mut changed = app.clone();
        let later = reply(&mut changed, now, Query::Metrics, metrics(121));
        ui::draw(&mut buffer, &changed, later);
        criterion.bench_function(
            &format!("difference of two frames, {count} processes"),
            |bencher| {
                bencher.iter(|| before.diff_iter(&buffer).count());
            },
        );
        criterion.bench_function(&format!("taking over {count} processes"), |bencher| {
            bencher.iter_batched(
                || (app.clone(), processes(count)),
                |(mut app, list)| {
                    reply(&mut app, now, Query::Processes, list);
                    app
                },
                BatchSize::SmallInput,
            );
        });
    }
    criterion.final_summary();
}

fn metrics(step: u64) -> body::Kind {
    body::Kind::Metrics(pi4::metrics(step, 8))
}

fn processes(count: u32) -> body::Kind {
    body::Kind::Processes(pi4::processes(count))
}

/// An application that has seen a host for a minute.
fn after_a_minute(count: u32) -> (App, Moment) {
    let settings = Settings {
        compact: false,
        theme: Theme::new(true),
        time_zone: TimeZone::UTC,
    };
    let host = HostState::new(HostConfig {
        name: "pi4".to_owned(),
        endpoint: "ws://pi4:3000/ws".to_owned(),
        intervals: Intervals::default(),
    });
    let mut app = App::with_host(settings, host);
    let mut now = Moment {
        instant: Instant::now(),
        unix_ms: 1_777_883_525_000,
    };
    update(&mut app, Message::Resize(AREA.width, AREA.height), now);
    let connected = LinkState::Connected {
        dialect: Dialect::Native,
        security: Security::Plain,
    };
    update(
        &mut app,
        Message::Link(HostId::FIRST, Event::State(connected)),
        now,
    );
    for step in 0..120 {
        now = reply(&mut app, now, Query::Metrics, metrics(step));
    }
    now = reply(&mut app, now, Query::Disks, body::Kind::Disks(pi4::disks()));
    now = reply(&mut app, now, Query::Processes, processes(count));
    (app, now)
}

/// Half a second later the agent answers.
fn reply(app: &mut App, mut now: Moment, query: Query, kind: body::Kind) -> Moment {
    now.instant += Duration::from_millis(500);
    now.unix_ms += 500;
    let event = Event::Reply {
        query,
        body: Arc::new(kind.into()),
        at: now.instant,
        round_trip: Duration::from_micros(1234),
    };
    update(app, Message::Link(HostId::FIRST, event), now);
    now
}
