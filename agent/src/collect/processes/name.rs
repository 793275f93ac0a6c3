//! The whole name of a program, of which the kernel keeps the first 15 bytes.
//!
//! `comm` is set by every exec and by `PR_SET_NAME`, so a shorter one is the name. One of 15 bytes may
//! be cut, also in the middle of a character; the rest is looked for in the command line and in the
//! `exe` link, and taken only from what begins with those 15 bytes.

use super::proc_fs::ProcFs;
use super::stat::Stat;

/// `TASK_COMM_LEN` less the ending zero.
const COMM_BYTES: usize = 15;

/// How many arguments are looked at: a script stands behind its interpreter and that one's options.
const ARGUMENTS: usize = 8;

/// Whether a process's name is more than its `comm`, so that it may change while `comm` does not.
pub(in crate::collect) fn may_be_cut(stat: &Stat<'_>) -> bool {
    // Kernel threads have no program; what they show may be longer, and is whole.
    stat.comm.len() == COMM_BYTES && !stat.figures.is_kernel_thread
}

/// Finds the rest of a `comm` that may be cut.
pub(in crate::collect) fn whole(proc: &mut ProcFs, pid: u32, comm: &[u8]) -> String {
    let from_arguments = proc
        .read(pid, "cmdline")
        .ok()
        .and_then(|arguments| in_arguments(arguments, comm))
        .map(lossy);
    from_arguments
        .or_else(|| {
            let exe = proc.link(pid, "exe").ok()?;
            in_link(&exe, comm).map(lossy)
        })
        .unwrap_or_else(|| lossy(comm))
}

/// As text; a character that is cut or no UTF-8 becomes U+FFFD.
pub(in crate::collect) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first argument whose last path component begins with `comm`.
fn in_arguments<'a>(arguments: &'a [u8], comm: &[u8]) -> Option<&'a [u8]> {
    arguments
        .split(|&byte| byte == 0)
        .take(ARGUMENTS)
        .enumerate()
        .map(|(index, argument)| {
            if index == 0 {
                program(argument)
            } else {
                base(argument)
            }
        })
        .find(|name| name.starts_with(comm))
}

fn in_link<'a>(exe: &'a [u8], comm: &[u8]) -> Option<&'a [u8]> {
    let exe = exe.strip_suffix(b" (deleted)").unwrap_or(exe);
    Some(base(exe)).filter(|name| name.starts_with(comm))
}

/// The program in a first argument, which may be a title (`name: what it is doing`) or a login
/// shell's (`-name`).
fn program(argument: &[u8]) -> &[u8] {
    let title = argument.windows(2).position(|pair| pair == b": ");
    let argument = title.and_then(|at| argument.get(..at)).unwrap_or(argument);
    base(argument.strip_prefix(b"-").unwrap_or(argument))
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(arguments: &[u8]) -> Option<&[u8]> {
        in_arguments(arguments, b"a-program-with-")
    }

    #[test]
    fn the_rest_is_found_in_the_command_line() {
        let whole: Option<&[u8]> = Some(b"a-program-with-more");
        assert_eq!(name(b"/usr/bin/a-program-with-more\0-v\0"), whole);
        assert_eq!(name(b"a-program-with-more\0"), whole);
        assert_eq!(name(b"-a-program-with-more\0"), whole);
        assert_eq!(name(b"a-program-with-more: worker 1/2"), whole);
        assert_eq!(name(b"/bin/sh\0-e\0./a-program-with-more\0x"), whole);
        assert_eq!(name(b"/bin/sh\0-c\0something else\0"), None);
        assert_eq!(name(b""), None);
    }

    #[test]
    fn the_rest_is_found_in_the_link_of_a_program_that_was_replaced() {
        let comm = b"a-program-with-";
        let whole: Option<&[u8]> = Some(b"a-program-with-more");
        assert_eq!(in_link(b"/opt/a-program-with-more (deleted)", comm), whole);
        assert_eq!(in_link(b"/opt/a-program-with-more", comm), whole);
        assert_eq!(in_link(b"/usr/bin/python3", comm), None);
    }

    #[test]
    fn a_character_cut_in_two_does_not_matter() {
        let program = "überprüfung-ß".repeat(2);
        let comm = &program.as_bytes()[..15];
        assert_eq!(
            in_arguments(program.as_bytes(), comm),
            Some(program.as_bytes())
        );
    }

    proptest! {
        #[test]
        fn a_name_is_never_taken_from_something_else(
            arguments in proptest::collection::vec(any::<u8>(), 0..200),
            comm in proptest::collection::vec(any::<u8>(), 1..3),
        ) {
            if let Some(name) = in_arguments(&arguments, &comm) {
                prop_assert!(name.starts_with(&comm));
            }
            if let Some(name) = in_link(&arguments, &comm) {
                prop_assert!(name.starts_with(&comm));
            }
        }
    }
}
