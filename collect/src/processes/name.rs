//! Program names, of which the kernel keeps the first 15 bytes.
//!
//! `comm` is set by every exec and by `PR_SET_NAME`, so a shorter one is the name. One of 15 bytes may be cut, also in
//! the middle of a character; the rest is looked for in the `exe` link, and taken only from a file name that begins with
//! those 15 bytes. Where there is none (a script, or a program of another user whose link the agent may not read) the
//! name stays cut. The command line is not looked at: a program writes over it what it likes, secrets too, and to read it
//! may hang.

use super::folder::Folder;
use super::stat::Stat;

/// `TASK_COMM_LEN` less the ending zero.
const COMM_BYTES: usize = 15;

/// Whether a process's name is more than its `comm`, so that it may change while `comm` does not.
pub(crate) fn may_be_cut(stat: &Stat<'_>) -> bool {
    // Kernel threads have no program; what they show may be longer, and is whole.
    stat.comm.len() == COMM_BYTES && !stat.figures.is_kernel_thread
}

/// Finds the rest of a `comm` that may be cut.
pub(super) fn whole(folder: &Folder, comm: &[u8]) -> String {
    let exe = folder.link("exe").unwrap_or_default();
    lossy(in_link(&exe, comm).unwrap_or(comm))
}

/// As text; a character that is cut or no UTF-8 becomes U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn in_link<'a>(exe: &'a [u8], comm: &[u8]) -> Option<&'a [u8]> {
    let exe = exe.strip_suffix(b" (deleted)").unwrap_or(exe);
    let name = exe.rsplit(|&byte| byte == b'/').next()?;
    Some(name).filter(|name| name.starts_with(comm))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cut_name_is_completed_from_the_link_of_a_replaced_program() {
        let comm = b"a-program-with-";
        let whole: Option<&[u8]> = Some(b"a-program-with-more");
        assert_eq!(in_link(b"/opt/a-program-with-more (deleted)", comm), whole);
        assert_eq!(in_link(b"/opt/a-program-with-more", comm), whole);
        assert_eq!(in_link(b"/usr/bin/python3", comm), None);
    }

    proptest! {
        #[test]
        fn cut_name_is_completed_only_by_a_matching_path(
            exe in proptest::collection::vec(any::<u8>(), 0..200),
            comm in proptest::collection::vec(any::<u8>(), 1..3),
        ) {
            if let Some(name) = in_link(&exe, &comm) {
                prop_assert!(name.starts_with(&comm) && !name.contains(&b'/'));
            }
        }
    }
}
