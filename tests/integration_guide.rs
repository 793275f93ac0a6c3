//! The two examples of the published integration guide, unchanged, against our agent.
//!
//! They need Python with `websockets` (found by `PYTHONPATH`), Node with `ws` (found by `NODE_PATH`),
//! and port 3000. .ci/run brings all but the port.

use std::path::Path;
use std::process::Command;

use socktop_tests::{Background, Server, clean_command, our_program};

/// The examples dial this one.
const PORT: u16 = 3000;

fn example(interpreter: &str, name: &str) -> Background {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("integration_guide")
        .join(name);
    let mut command = Command::new(interpreter);
    command.arg(file).env("PYTHONUNBUFFERED", "1");
    Background::start(&mut command)
}

/// How many of its lines a percentage of CPU opens, in the form that the example prints.
fn readings(log: &str) -> usize {
    log.lines()
        .filter(|line| {
            line.strip_prefix("CPU: ")
                .and_then(|rest| rest.split_once("%, Memory: "))
                .is_some_and(|(cpu, memory)| {
                    let is_percent = |text: &str| {
                        text.parse::<f64>()
                            .is_ok_and(|percent| (0.0..=100.0).contains(&percent))
                    };
                    is_percent(cpu) && is_percent(memory.trim_end_matches('%'))
                })
        })
        .count()
}

/// One test, for there is one port.
#[test]
fn the_guides_examples_run_unchanged() {
    let home = tempfile::tempdir().unwrap();
    let mut agent = Server::start(
        clean_command(&our_program("socktop-agent"), home.path()).args(["--port", "3000"]),
        PORT,
    );

    let mut python = example("python3", "monitor.py");
    python.wait_for_log("three readings by the Python example", |log| {
        readings(log) >= 3
    });
    drop(python);

    let mut node = example("node", "monitor.js");
    node.wait_for_log("metrics and process lists by the Node example", |log| {
        log.matches("Received JSON data: {").count() >= 3
            && log.contains("cpu_total: ")
            && log.contains("Received binary data (protobuf), length: ")
    });
    let log = node.log();
    assert!(!log.contains("error"), "an error reply:\n{log}");
    agent.assert_running();
}
