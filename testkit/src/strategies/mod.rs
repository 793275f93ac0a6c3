//! Any value of the model, for property tests.
//!
//! Every message names all of its fields, so that one that is added to the model does not compile before it has a
//! generator.

mod delta;
mod details;
mod disks;
mod journal;
mod metrics;
mod processes;
mod sensors;

use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::Query;
use socktop_proto::model::{Body, Error, Host, SampleTime, body};

pub use delta::delta;
pub use details::{complete_details, details};
pub use disks::disks;
pub use journal::journal;
pub use metrics::{complete_metrics, metrics};
pub use processes::processes;
pub use sensors::sensors;

/// Repeated fields are long enough to pass every threshold and short enough to stay quick.
const MANY: usize = 12;

/// Boxed, as some others here: a strategy that holds a score of these by value, and its children's,
/// overflows a test's stack.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        // What hosts are full of, and anything at all.
        4 => "[a-z0-9/:_.-]{0,24}",
        1 => any::<String>(),
    ]
    .boxed()
}

prop_compose! {
    fn time()(unix_ms in any::<u64>(), boot_ms in of(any::<u64>())) -> SampleTime {
        SampleTime { unix_ms, boot_ms }
    }
}

prop_compose! {
    fn host()(
        hostname in text(),
        kernel in of(text()),
        os in of(text()),
        model in of(text()),
        architecture in of(text()),
        cpu_model in of(text()),
        cpu_count in of(any::<u32>()),
        started_boot_ms in of(any::<u64>()),
        agent_version in text(),
    ) -> Host {
        Host { hostname, kernel, os, model, architecture, cpu_model, cpu_count, agent_version, started_boot_ms }
    }
}

prop_compose! {
    fn error()(code in 0..6, message in text()) -> Error {
        Error { code, message }
    }
}

/// Any reply.
pub fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        error().prop_map(body::Kind::Error).boxed(),
        host().prop_map(body::Kind::Host).boxed(),
        metrics().prop_map(body::Kind::Metrics).boxed(),
        disks().prop_map(body::Kind::Disks).boxed(),
        processes().prop_map(body::Kind::Processes).boxed(),
        details().prop_map(body::Kind::Process).boxed(),
        journal().prop_map(body::Kind::Journal).boxed(),
        sensors().prop_map(body::Kind::Sensors).boxed(),
    ]
    .prop_map(Body::from)
}

/// Any request.
pub fn query() -> impl Strategy<Value = Query> {
    prop_oneof![
        Just(Query::Host),
        Just(Query::Metrics),
        Just(Query::Disks),
        Just(Query::Processes),
        any::<u32>().prop_map(|pid| Query::Process { pid }),
        any::<u32>().prop_map(|pid| Query::Journal { pid }),
        Just(Query::Sensors),
    ]
}
