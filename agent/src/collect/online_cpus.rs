//! How many logical CPUs are online: what a share of the machine is a share of.

use super::Root;
use super::fields::{lines, number};
use super::kept_file::{Buffer, KeptFile};

/// Counts the CPUs. The files stay open: CPUs come and go while one looks.
#[derive(Debug)]
pub(crate) struct OnlineCpus {
    online: KeptFile,
    stat: KeptFile,
    buffer: Buffer,
}

impl OnlineCpus {
    /// Counts those of the system below `root`.
    pub(crate) fn new(root: &Root) -> Self {
        let file = |path: &str| KeptFile::new(root.path(path));
        Self {
            online: file("sys/devices/system/cpu/online"),
            stat: file("proc/stat"),
            buffer: Buffer::default(),
        }
    }

    /// `/sys/devices/system/cpu/online`, a list such as `0-2,5`; where there is no such file, the `cpuN` lines of
    /// `proc_stat(5)`. Unknown where neither can be read.
    pub(crate) fn count(&mut self) -> Option<u32> {
        let listed = self.online.read(&mut self.buffer).ok().and_then(list);
        listed.or_else(|| self.stat.read(&mut self.buffer).ok().and_then(cpu_lines))
    }
}

/// How many numbers there are in a list of ranges.
fn list(list: &[u8]) -> Option<u32> {
    list.trim_ascii()
        .split(|&byte| byte == b',')
        .map(|range| {
            let mut ends = range.splitn(2, |&byte| byte == b'-').map(number::<u32>);
            let from = ends.next()??;
            let to = ends.next().unwrap_or(Some(from))?;
            to.checked_sub(from)?.checked_add(1)
        })
        .try_fold(0_u32, |sum, count| sum.checked_add(count?))
}

fn cpu_lines(stat: &[u8]) -> Option<u32> {
    let is_core = |line: &&[u8]| {
        line.strip_prefix(b"cpu")
            .and_then(|rest| rest.first())
            .is_some_and(u8::is_ascii_digit)
    };
    u32::try_from(lines(stat).filter(is_core).count())
        .ok()
        .filter(|&count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn lists_of_cpus_are_counted() {
        let tree = Tree::new(&[]);
        let mut cpus = OnlineCpus::new(&tree.root());
        for (list, count) in [
            ("0\n", Some(1)),
            ("0-3\n", Some(4)),
            ("0-1,4,6-7\n", Some(5)),
            ("0-4294967295\n", None),
            ("0-4294967294,1\n", None),
            ("3-1\n", None),
            ("0-\n", None),
            ("\n", None),
            ("", None),
        ] {
            // In place, as the kernel does.
            tree.write("sys/devices/system/cpu/online", list);
            assert_eq!(cpus.count(), count, "{list:?}");
        }
    }

    #[test]
    fn cpus_are_counted_in_stat_where_sys_is_missing() {
        let tree = Tree::new(&[]);
        let mut cpus = OnlineCpus::new(&tree.root());
        assert_eq!(cpus.count(), None);
        tree.write(
            "proc/stat",
            "cpu  1 2\ncpu0 1 2\ncpu3 1 2\nctxt 3\ncpuidle 1\n",
        );
        assert_eq!(cpus.count(), Some(2));
    }
}
