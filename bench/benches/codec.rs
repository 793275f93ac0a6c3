//! Encoding and decoding replies, native and text.

use std::hint::black_box;

use criterion::Criterion;
use socktop_proto::dialect::{native, text};
use socktop_proto::model::body;
use socktop_proto::{Body, Frame, Query};
use socktop_testkit::hosts::pi4;

/// Far above any of these.
const UNPACKED_LIMIT: usize = 64 << 20;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, query, kind) in [
        (
            "metrics of 8 CPUs",
            Query::Metrics,
            body::Kind::Metrics(pi4::metrics(0, 8)),
        ),
        (
            "80 processes",
            Query::Processes,
            body::Kind::Processes(pi4::processes(80)),
        ),
        (
            "1,000 processes",
            Query::Processes,
            body::Kind::Processes(pi4::processes(1000)),
        ),
    ] {
        codec(&mut criterion, name, query, &kind.into());
    }
    criterion.final_summary();
}

fn codec(criterion: &mut Criterion, name: &str, query: Query, body: &Body) {
    let encoded = native::encode_body(body, 1);
    criterion.bench_function(&format!("encode, native: {name}"), |bencher| {
        bencher.iter(|| native::encode_body(black_box(body), 1));
    });
    criterion.bench_function(&format!("cached reply, native: {name}"), |bencher| {
        bencher.iter(|| native::reply_frame(black_box(7), &encoded));
    });
    let frame = native::reply_frame(7, &encoded);
    criterion.bench_function(&format!("decode, native: {name}"), |bencher| {
        bencher.iter(|| {
            native::decode_reply(black_box(&frame), UNPACKED_LIMIT).expect("a valid reply")
        });
    });
    criterion.bench_function(&format!("encode, text: {name}"), |bencher| {
        bencher.iter(|| text::encode_reply(query, black_box(body)));
    });
    let frame: Frame = text::encode_reply(query, body);
    criterion.bench_function(&format!("decode, text: {name}"), |bencher| {
        bencher.iter(|| {
            text::decode_reply(query, black_box(&frame), UNPACKED_LIMIT).expect("a valid reply")
        });
    });
}
