//! The number of online logical CPUs, which shares of the machine are relative to.

use super::Root;
use crate::parse::lines;
use crate::proc_file::{Buffer, ProcFile};

/// Counts the CPUs. The file stays open: CPUs come and go while one looks.
#[derive(Debug)]
pub(crate) struct OnlineCpus {
    stat: ProcFile,
    buffer: Buffer,
}

impl OnlineCpus {
    /// Counts those of the system below `root`.
    pub(crate) fn new(root: &Root) -> Self {
        Self {
            stat: ProcFile::new(root.path("proc/stat")),
            buffer: Buffer::default(),
        }
    }

    /// The `cpuN` lines of `/proc/stat` (`proc_stat(5)`), which the machine's own share is made of. Not the list of
    /// `/sys/devices/system/cpu/online`: that is the host's where a container has fewer (lxcfs). Unknown where the file
    /// cannot be read.
    pub(crate) fn count(&mut self) -> Option<u32> {
        self.stat.read(&mut self.buffer).ok().and_then(cpu_lines)
    }
}

fn cpu_lines(stat: &[u8]) -> Option<u32> {
    let is_core = |rest: &&[u8]| rest.first().is_some_and(u8::is_ascii_digit);
    // They stand first, before lines that may be very long.
    let cpus = lines(stat).map_while(|line| line.strip_prefix(b"cpu"));
    u32::try_from(cpus.filter(is_core).count())
        .ok()
        .filter(|&count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Tree, machine};
    use super::*;

    #[test]
    fn online_cpus_are_counted_at_each_reading() {
        let tree = Tree::new(&[]);
        let mut cpus = OnlineCpus::new(&tree.root());
        assert_eq!(cpus.count(), None);
        for (stat, count) in [
            ("cpu  1 2\ncpu0 1 2\ncpu3 1 2\nctxt 3\ncpu4 1\n", Some(2)),
            ("cpu  1 2\ncpu0 1 2\nintr 1 2 3\n", Some(1)),
            ("cpu  1 2\nintr 1 2 3\n", None),
            ("", None),
        ] {
            // In place, as the kernel does.
            tree.write("proc/stat", stat);
            assert_eq!(cpus.count(), count, "{stat:?}");
        }
    }

    #[test]
    fn lxcfs_container_has_its_own_cpus() {
        assert_eq!(OnlineCpus::new(&machine("lxc")).count(), Some(2));
    }
}
