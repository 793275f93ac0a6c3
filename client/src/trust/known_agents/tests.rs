//! Tests of the file `known_agents`, edited by hand and by program.

use std::os::unix::fs::PermissionsExt;

use super::*;

const PIN: Pin = Pin::from_digest([0xa5; 32]);
const OTHER: Pin = Pin::from_digest([0x5a; 32]);

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(text: &[u8]) -> (Self, KnownAgents) {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownAgents::at(folder.path().join("data/known_agents"));
        if !text.is_empty() {
            std::fs::create_dir(folder.path().join("data")).unwrap();
            std::fs::write(known.path(), text).unwrap();
        }
        (Self(folder), known)
    }

    fn text(&self) -> String {
        let text = std::fs::read(self.0.path().join("data/known_agents")).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[test]
fn remembered_key_is_found_and_private() {
    let (folder, known) = Folder::with(b"");
    assert_eq!(known.pin_of("pi4:8443").unwrap(), None);
    known.remember("pi4:8443", PIN).unwrap();
    known.remember("[fd99::2]:8443", OTHER).unwrap();
    known.remember("pi4:8443", PIN).unwrap();
    assert_eq!(known.pin_of("PI4:8443").unwrap(), Some(PIN));
    assert_eq!(known.pin_of("[fd99::2]:8443").unwrap(), Some(OTHER));
    assert_eq!(known.pin_of("pi4:8444").unwrap(), None);
    assert_eq!(known.authorities().unwrap(), ["pi4:8443", "[fd99::2]:8443"]);
    assert_eq!(
        folder.text(),
        format!("pi4:8443 {PIN}\n[fd99::2]:8443 {OTHER}\n")
    );
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(known.path()), 0o600);
    assert_eq!(mode(known.path().parent().unwrap()), 0o700);
}

#[test]
fn unknown_lines_are_kept() {
    let text = format!("# kitchen\n\npi4:8443 {PIN} seen in May\njunk\n\u{fffd}\npi5:1 sha256:7");
    let (folder, known) = Folder::with(text.replace('\u{fffd}', "é").as_bytes());
    assert_eq!(known.pin_of("pi4:8443").unwrap(), Some(PIN));
    known.replace("pi4:8443", PIN, OTHER).unwrap();
    assert_eq!(
        folder.text(),
        format!("# kitchen\n\npi4:8443 {OTHER}\njunk\né\npi5:1 sha256:7\n")
    );
    assert!(known.forget("pi4:8443").unwrap());
    assert!(!known.forget("pi4:8443").unwrap());
    assert_eq!(folder.text(), "# kitchen\n\njunk\né\npi5:1 sha256:7\n");
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let (_folder, known) = Folder::with(b"\xff\xfe\n");
    known.remember("pi4:8443", PIN).unwrap();
    known.forget("pi4:8443").unwrap();
    assert_eq!(std::fs::read(known.path()).unwrap(), b"\xff\xfe\n");
}

#[test]
fn invalid_line_of_an_agent_is_named_and_can_be_forgotten() {
    let (_folder, known) = Folder::with(b"# one\npi4:8443 sha256:dead\n");
    let message = known.pin_of("pi4:8443").unwrap_err().to_string();
    assert!(
        message.contains("known_agents, line 2: no usable key for pi4:8443"),
        "{message}"
    );
    assert!(message.contains("socktop forget pi4:8443"), "{message}");
    assert_eq!(known.pin_of("pi5:8443").unwrap(), None);
    assert!(known.remember("pi4:8443", PIN).is_err());
    assert!(known.forget("pi4:8443").unwrap());
    known.remember("pi4:8443", PIN).unwrap();
    assert_eq!(known.pin_of("pi4:8443").unwrap(), Some(PIN));
}

#[test]
fn remembered_key_is_replaced_only_when_the_old_key_is_given() {
    let (_folder, known) = Folder::with(b"");
    known.remember("pi4:8443", PIN).unwrap();
    let third = Pin::from_digest([7; 32]);
    for refused in [
        known.remember("PI4:8443", OTHER),
        known.replace("pi4:8443", third, OTHER),
    ] {
        let message = refused.unwrap_err().to_string();
        for part in [&PIN.short(), &OTHER.short(), "socktop forget "] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(known.pin_of("pi4:8443").unwrap(), Some(PIN));
    }
    known.replace("pi4:8443", PIN, OTHER).unwrap();
    assert_eq!(known.pin_of("pi4:8443").unwrap(), Some(OTHER));
}

#[test]
fn first_of_two_lines_is_used_and_remembering_leaves_one() {
    let (folder, known) =
        Folder::with(format!("pi4:1 {PIN}\nx:1 {PIN}\npi4:1 {OTHER}\n").as_bytes());
    assert_eq!(known.pin_of("pi4:1").unwrap(), Some(PIN));
    known.replace("pi4:1", PIN, OTHER).unwrap();
    assert_eq!(folder.text(), format!("pi4:1 {OTHER}\nx:1 {PIN}\n"));
}

#[test]
fn writers_do_not_lose_each_others_lines() {
    let (_folder, known) = Folder::with(b"");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let known = &known;
            scope.spawn(move || {
                for host in 0..5 {
                    known.remember(&format!("pi{writer}{host}:1"), PIN).unwrap();
                }
            });
        }
    });
    assert_eq!(known.authorities().unwrap().len(), 20);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_is_not_written_over() {
    let (_folder, known) = Folder::with(b"");
    std::fs::create_dir_all(known.path()).unwrap();
    let message = known.pin_of("pi4:1").unwrap_err().to_string();
    assert!(message.contains("reading the known agents' keys from"));
    assert!(known.remember("pi4:1", PIN).is_err());
    assert!(known.path().is_dir());
}
