//! Facts about the host that hold until it is reconfigured or rebooted.
//!
//! They are read on the serving thread. None of these files asks a device or another process: `/proc` and `/sys` answer
//! from memory here, and `os-release` lies where the agent's own program and libraries do.

use std::time::Duration;

use socktop_proto::model::Host;

use super::online_cpus::OnlineCpus;
use super::{Now, Root};
use crate::parse::{number, text};

mod cpu_model;
mod machine_model;

/// What `uname(2)` says.
struct Names {
    host: Option<String>,
    release: Option<String>,
    machine: Option<String>,
}

impl Names {
    fn read(root: &Root) -> Self {
        if root.is_live() {
            let uname = rustix::system::uname();
            let owned = |name: &std::ffi::CStr| Some(name.to_string_lossy().into_owned());
            Self {
                host: owned(uname.nodename()),
                release: owned(uname.release()),
                machine: owned(uname.machine()),
            }
        } else {
            let kernel = |file: &str| text(&root.path("proc/sys/kernel").join(file));
            Self {
                host: kernel("hostname"),
                release: kernel("osrelease"),
                machine: kernel("arch"),
            }
        }
    }
}

/// The host's name: `uname(2)` nodename.
pub(crate) fn hostname(root: &Root) -> String {
    Names::read(root).host.unwrap_or_default()
}

/// How much the system's uptime must be less than the clock to count as another: the two are not read at one moment.
const OWN_UPTIME: Duration = Duration::from_secs(1);

/// Reads the facts about the host. `now` was read just before.
#[must_use]
pub fn read_host(root: &Root, now: Now) -> Host {
    let names = Names::read(root);
    let cpuinfo = std::fs::read(root.path("proc/cpuinfo")).unwrap_or_default();
    let cpuinfo = String::from_utf8_lossy(&cpuinfo);
    Host {
        hostname: names.host.unwrap_or_default(),
        kernel: names.release,
        os: pretty_name(root),
        model: machine_model::read(root, &cpuinfo),
        architecture: names.machine,
        cpu_model: cpu_model::parse(&cpuinfo),
        cpu_count: OnlineCpus::new(root).count(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_boot_ms: started(root, now)
            .and_then(|started| u64::try_from(started.as_millis()).ok()),
    }
}

/// When the system booted by `/proc/uptime` (`proc_uptime(5)`), on `CLOCK_BOOTTIME`, where that is not the clock's zero:
/// lxcfs gives a container its own uptime, but no clock. (A time namespace moves both.)
fn started(root: &Root, now: Now) -> Option<Duration> {
    let uptime = text(&root.path("proc/uptime"))?;
    let seconds: f64 = number(uptime.split_ascii_whitespace().next()?.as_bytes())?;
    let uptime = Duration::try_from_secs_f64(seconds).ok()?;
    now.boot
        .checked_sub(uptime)
        .filter(|started| *started > OWN_UPTIME)
}

/// `PRETTY_NAME` of `os-release(5)`.
fn pretty_name(root: &Root) -> Option<String> {
    ["etc/os-release", "usr/lib/os-release"]
        .into_iter()
        .find_map(|file| text(&root.path(file)))?
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map(unquote)
        .filter(|name| !name.is_empty())
}

/// The value of a shell assignment.
fn unquote(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            let mut plain = String::with_capacity(inner.len());
            let mut characters = inner.chars();
            while let Some(character) = characters.next() {
                let escaped = character == '\\' && quote == '"';
                plain.extend(if escaped {
                    characters.next()
                } else {
                    Some(character)
                });
            }
            return plain;
        }
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Tree, at_seconds, machine};
    use super::*;

    #[test]
    fn every_raspberry_pi_is_recognized_on_32_and_64_bit_kernels() {
        let debian = "Debian GNU/Linux 12 (bookworm)";
        let raspbian = "Raspbian GNU/Linux 12 (bookworm)";
        for (name, kernel, os, board, architecture, core) in [
            (
                "pi2",
                "6.12.34+rpt-rpi-v7",
                raspbian,
                "2 Model B Rev 1.1",
                "armv7l",
                "Cortex-A7",
            ),
            (
                "pi3",
                "6.6.31+rpt-rpi-v8",
                debian,
                "3 Model B Plus Rev 1.3",
                "aarch64",
                "Cortex-A53",
            ),
            (
                "pi4",
                "6.6.74+rpt-rpi-v8",
                debian,
                "4 Model B Rev 1.4",
                "aarch64",
                "Cortex-A72",
            ),
            (
                "pi4-32bit",
                "6.12.47+rpt-rpi-v7l",
                raspbian,
                "4 Model B Rev 1.4",
                "armv7l",
                "Cortex-A72",
            ),
            (
                "pi5",
                "6.6.74+rpt-rpi-2712",
                debian,
                "5 Model B Rev 1.0",
                "aarch64",
                "Cortex-A76",
            ),
        ] {
            let expected = Host {
                hostname: name.to_owned(),
                kernel: Some(kernel.to_owned()),
                os: Some(os.to_owned()),
                model: Some(format!("Raspberry Pi {board}")),
                architecture: Some(architecture.to_owned()),
                cpu_model: Some(core.to_owned()),
                cpu_count: Some(4),
                started_boot_ms: None,
                agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            };
            assert_eq!(read_host(&machine(name), at_seconds(1)), expected);
        }
    }

    #[test]
    fn os_of_32_bits_on_a_64_bit_kernel_shows_both() {
        let tree = Tree::new(&[
            (
                "etc/os-release",
                "PRETTY_NAME=\"Raspbian GNU/Linux 12 (bookworm)\"\nID=raspbian\nID_LIKE=debian\n",
            ),
            ("proc/sys/kernel/arch", "aarch64\n"),
            // As it is for programs that setarch(8) runs; for others the second line is missing.
            (
                "proc/cpuinfo",
                "processor\t: 0\nmodel name\t: ARMv8 Processor rev 3 (v8l)\nBogoMIPS\t: 108.00\n\
                 CPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd08\n",
            ),
        ]);
        let host = read_host(&tree.root(), at_seconds(1));
        assert_eq!(host.os.as_deref(), Some("Raspbian GNU/Linux 12 (bookworm)"));
        assert_eq!(host.architecture.as_deref(), Some("aarch64"));
        assert_eq!(host.cpu_model.as_deref(), Some("Cortex-A72"));
    }

    #[test]
    fn x86_server_and_container_are_recognized() {
        let host = read_host(&machine("x86-server"), at_seconds(1));
        assert_eq!(host.model.as_deref(), Some("Dell Inc. PowerEdge R340"));
        assert_eq!(host.os.as_deref(), Some("Ubuntu 24.04.1 LTS"));
        assert_eq!(
            host.cpu_model.as_deref(),
            Some("Intel(R) Xeon(R) E-2234 CPU @ 3.60GHz")
        );
        assert_eq!(host.cpu_count, Some(8));
        let host = read_host(&machine("container"), at_seconds(1));
        assert_eq!(host.os.as_deref(), Some("Alpine Linux v3.20"));
        assert_eq!(host.model, None);
    }

    #[test]
    fn a_container_under_lxcfs_has_its_own_uptime_and_cpus() {
        // Up for 3,721 s on a host that is up for 5,539 s.
        let host = read_host(&machine("lxc"), at_seconds(5_539));
        assert_eq!(host.started_boot_ms, Some(1_818_000));
        assert_eq!(host.cpu_count, Some(2));
    }

    #[test]
    fn uptime_equal_to_the_boot_clock_is_left_out() {
        let tree = Tree::new(&[]);
        for (uptime, now) in [
            ("3721.00 7000.00\n", 3_721),
            // Read a little later, or of a longer life than the clock has.
            ("3721.99 7000.00\n", 3_721),
            ("3720.00 7000.00\n", 3_721),
            ("9999.00 7000.00\n", 3_721),
            ("-5 1\n", 3_721),
            ("inf 1\n", 3_721),
            ("NaN 1\n", 3_721),
            ("\n", 3_721),
        ] {
            tree.write("proc/uptime", uptime);
            let host = read_host(&tree.root(), at_seconds(now));
            assert_eq!(host.started_boot_ms, None, "{uptime:?}");
        }
    }

    #[test]
    fn unreadable_host_values_are_unknown() {
        let host = read_host(&Tree::new(&[]).root(), at_seconds(1));
        let expected = Host {
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Host::default()
        };
        assert_eq!(host, expected);
    }

    #[test]
    fn running_system_has_a_name_and_a_kernel() {
        let host = read_host(&Root::default(), Now::read());
        assert_ne!(host.hostname, "");
        assert!(host.kernel.is_some_and(|release| !release.is_empty()));
        assert!(host.cpu_count.is_some_and(|count| count > 0));
        // Where this runs in a container its uptime may be its own.
        let booted = host.started_boot_ms.unwrap_or_default();
        assert!(u128::from(booted) <= Now::read().boot.as_millis());
    }

    #[test]
    fn os_release_is_read_from_both_places_and_unquoted() {
        let tree = Tree::new(&[("usr/lib/os-release", "ID=x\nPRETTY_NAME='Void Linux'\n")]);
        assert_eq!(pretty_name(&tree.root()).as_deref(), Some("Void Linux"));
        tree.write("etc/os-release", "PRETTY_NAME=\"An \\\"Own\\\" \\$X\"\n");
        assert_eq!(pretty_name(&tree.root()).as_deref(), Some("An \"Own\" $X"));
        tree.write("etc/os-release", "PRETTY_NAME=\n");
        assert_eq!(pretty_name(&tree.root()), None);
    }
}
