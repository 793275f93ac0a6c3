//! Whether the agent may read the journal. journalctl keeps its hints to itself when it prints JSON.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::collect::Root;

/// Where journald keeps its files, in a folder for each machine id.
const FOLDERS: [&str; 2] = ["var/log/journal", "run/log/journal"];

/// Why lines may be missing, if they may.
pub(super) fn notice(root: &Root) -> Option<&'static str> {
    judge(root, |path| File::open(path).map(drop))
}

fn judge(root: &Root, open: impl Fn(&Path) -> io::Result<()>) -> Option<&'static str> {
    let mut machines = FOLDERS
        .iter()
        .filter_map(|folder| std::fs::read_dir(root.path(folder)).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .peekable();
    if machines.peek().is_none() {
        return Some("This host keeps no journal: journald has no files.");
    }
    let refused = machines.any(|machine| {
        open(&machine.join("system.journal"))
            .is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    });
    refused.then_some(
        "Lines may be missing: the agent may not read the system's journal. Its user must be in the group \
         systemd-journal.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::fixture::Tree;

    const FILE: &str = "run/log/journal/7f00000000000000000000000000001f/system.journal";

    #[test]
    fn a_journal_that_is_refused_is_told_of() {
        let tree = Tree::new(&[(FILE, "")]);
        // Root, which may run the tests, is refused nothing.
        let refused = judge(&tree.root(), |path| {
            assert_eq!(path, tree.path(FILE));
            Err(ErrorKind::PermissionDenied.into())
        });
        assert!(refused.unwrap().contains("systemd-journal"));
        assert_eq!(notice(&tree.root()), None);
    }

    #[test]
    fn a_journal_that_is_not_there_is_told_of() {
        let tree = Tree::new(&[]);
        assert!(notice(&tree.root()).unwrap().contains("no journal"));
        std::fs::create_dir_all(tree.path("var/log/journal")).unwrap();
        assert!(notice(&tree.root()).unwrap().contains("no journal"));
    }
}
