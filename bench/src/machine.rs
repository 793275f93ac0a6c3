//! The machine and the versions of the programs that results were measured with.

use std::fs;
use std::process::Command;

use socktop_tests::{our_program, published_program};

use crate::process;

/// Lines, each a name and what it is.
#[must_use]
pub fn describe() -> Vec<(&'static str, String)> {
    let uname = rustix::system::uname();
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let peers = published_program("socktop_agent");
    let clients = published_program("socktop");
    vec![
        ("date", output("date", &["--utc", "+%Y-%m-%d %H:%M UTC"])),
        (
            "system",
            format!(
                "{}, Linux {}, {}",
                line_of("/etc/os-release", "PRETTY_NAME=").replace('"', ""),
                uname.release().to_string_lossy(),
                uname.machine().to_string_lossy()
            ),
        ),
        (
            "machine",
            format!(
                "{} CPUs, {}; {} of memory",
                cpus,
                line_of("/proc/cpuinfo", "model name\t: "),
                line_of("/proc/meminfo", "MemTotal:")
            ),
        ),
        (
            "load before",
            fs::read_to_string("/proc/loadavg").map_or_else(
                |_| String::new(),
                |text| text.split(' ').take(3).collect::<Vec<_>>().join(" "),
            ),
        ),
        (
            "processes",
            process::count().map_or_else(|error| error.to_string(), |count| count.to_string()),
        ),
        (
            "ours",
            format!(
                "{}, commit {}",
                version(&our_program("socktop-agent").to_string_lossy()),
                output("git", &["describe", "--always", "--dirty"])
            ),
        ),
        (
            "1.60.1",
            format!(
                "{}, {}",
                version(&peers.to_string_lossy()),
                version(&clients.to_string_lossy())
            ),
        ),
        (
            "others",
            ["prometheus-node-exporter", "glances", "btop", "btm"]
                .map(version)
                .join("; "),
        ),
    ]
}

fn version(program: &str) -> String {
    output(program, &["--version"])
}

/// The first line that a command prints.
fn output(program: &str, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        return format!("no {program}");
    };
    // The node exporter of Debian 12 prints its version to standard error.
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn line_of(file: &str, start: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let rest = text.lines().find_map(|line| line.strip_prefix(start));
    rest.unwrap_or("unknown").trim().to_owned()
}
