//! Paths of the programs under test: ours, and those of socktop 1.60.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A command that knows nothing of who runs the test: a home folder of its own, and none of the
/// variables that either program reads.
#[must_use]
pub fn clean_command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("HOME", home).current_dir(home);
    for (name, _) in env::vars_os() {
        let foreign = name
            .to_str()
            .is_some_and(|name| name.starts_with("SOCKTOP_") || name.starts_with("XDG_"));
        if foreign {
            command.env_remove(name);
        }
    }
    command
}

/// One of this workspace's programs: of the folder `SOCKTOP_BIN` where that is set, else built now.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn our_program(name: &str) -> PathBuf {
    match env::var_os("SOCKTOP_BIN") {
        Some(folder) => existing(&Path::new(&folder).join(name)),
        None => build(name),
    }
}

/// One of the published programs, version 1.60.1, of the folder `SOCKTOP_PEERS`.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn published_program(name: &str) -> PathBuf {
    let folder = env::var_os("SOCKTOP_PEERS").unwrap_or_else(|| {
        panic!(
            "these tests need the programs of socktop 1.60.1: run `cargo install --locked --root FOLDER \
             socktop@1.60.1 socktop_agent@1.60.1` and set SOCKTOP_PEERS=FOLDER, or run .ci/run"
        )
    });
    existing(&Path::new(&folder).join("bin").join(name))
}

fn existing(program: &Path) -> PathBuf {
    program
        .canonicalize()
        .unwrap_or_else(|error| panic!("find the program {}: {error}", program.display()))
}

/// Cargo alone knows where it puts what it builds: it is asked.
///
/// It is asked for a test as well, any one: that makes it choose the features that `cargo test` chose, so
/// that nothing is built twice.
fn build(name: &str) -> PathBuf {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Cargo's environment variables for this test would make build scripts run again.
    for (variable, _) in env::vars_os() {
        let of_this_package = variable.to_str().is_some_and(|variable| {
            variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
        });
        if of_this_package {
            cargo.env_remove(variable);
        }
    }
    let output = cargo
        .args([
            "build",
            "--locked",
            "--workspace",
            "--bins",
            "--test",
            "lifecycle",
        ])
        .arg("--message-format=json")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("run cargo");
    assert!(
        output.status.success(),
        "building {name} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            let says = |pointer, wanted: &str| {
                message
                    .pointer(pointer)
                    .is_some_and(|found| found == wanted)
            };
            says("/target/name", name) && says("/target/kind/0", "bin")
        })
        .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .unwrap_or_else(|| panic!("cargo built {name} and did not say where"))
}
