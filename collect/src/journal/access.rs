//! Whether the agent may read the journal: journalctl does not report missing access when it prints JSON.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::Root;
use crate::deadline::{Call, Helpers, Outcome};

/// Where journald keeps its files, in a folder for each machine id.
const FOLDERS: [&str; 2] = ["var/log/journal", "run/log/journal"];

/// What there is in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    None,
    Readable,
    Refused,
}

/// Why lines may be missing, if they may.
pub(super) async fn notice(helpers: &Helpers<&'static str>, root: &Root) -> Option<String> {
    let look_into = |folder: &'static str| {
        let path = root.path(folder);
        Call {
            key: folder,
            user: None,
            make: Box::new(move || look(&path, |file| File::open(file).map(drop))),
        }
    };
    let outcomes = helpers.run(FOLDERS.map(look_into).into()).await;
    judge(&outcomes)
}

fn judge(outcomes: &[Outcome<Files>]) -> Option<String> {
    let mut is_found = false;
    for (outcome, folder) in outcomes.iter().zip(FOLDERS) {
        match outcome {
            Outcome::Returned(Files::None) => {}
            Outcome::Returned(Files::Readable) => is_found = true,
            Outcome::Returned(Files::Refused) => {
                let refused = "Lines may be missing: the agent may not read the system's journal. Its user must be \
                               in the group systemd-journal.";
                return Some(refused.to_owned());
            }
            Outcome::Hung(_) | Outcome::NotMade => {
                return Some(format!(
                    "Lines may be missing: the file system of /{folder} does not answer."
                ));
            }
        }
    }
    (!is_found).then(|| "This host keeps no journal: journald has no files.".to_owned())
}

/// Whether there are files of journald in a folder and the system's may be opened. May take for ever.
fn look(folder: &Path, open: impl Fn(&Path) -> io::Result<()>) -> Files {
    let mut files = Files::None;
    for machine in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match open(&machine.path().join("system.journal")) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Files::Refused,
            _ => files = Files::Readable,
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::JOURNAL_FOLDERS;
    use crate::fixture::Tree;

    const FILE: &str = "run/log/journal/7f00000000000000000000000000001f/system.journal";

    async fn noticed(tree: &Tree) -> Option<String> {
        notice(&Helpers::new(JOURNAL_FOLDERS), &tree.root()).await
    }

    #[tokio::test]
    async fn unreadable_journal_is_reported() {
        let tree = Tree::new(&[(FILE, "")]);
        // Root, which may run the tests, is refused nothing.
        let refused = look(&tree.path(FOLDERS[1]), |path| {
            assert_eq!(path, tree.path(FILE));
            Err(ErrorKind::PermissionDenied.into())
        });
        let outcomes = [Outcome::Returned(Files::None), Outcome::Returned(refused)];
        assert!(judge(&outcomes).unwrap().contains("systemd-journal"));
        assert_eq!(noticed(&tree).await, None);
    }

    #[tokio::test]
    async fn absent_journal_is_reported() {
        let tree = Tree::new(&[]);
        assert!(noticed(&tree).await.unwrap().contains("no journal"));
        std::fs::create_dir_all(tree.path("var/log/journal")).unwrap();
        assert!(noticed(&tree).await.unwrap().contains("no journal"));
    }

    #[tokio::test]
    async fn journal_on_a_hung_file_system_is_reported_and_blocks_nothing() {
        let tree = Tree::new(&[(FILE, "")]);
        let folder = tree.path("var/log/journal/7f00000000000000000000000000001f");
        std::fs::create_dir_all(&folder).unwrap();
        // Opening a FIFO waits until it is opened for writing.
        let fifo = folder.join("system.journal");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        let notice = noticed(&tree).await.unwrap();
        assert!(
            notice.contains("/var/log/journal does not answer"),
            "{notice}"
        );
        // Lets the thread go.
        drop(File::options().read(true).write(true).open(&fifo).unwrap());
    }
}
