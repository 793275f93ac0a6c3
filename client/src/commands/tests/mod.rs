//! Tests of the commands, each in a home folder of its own.

mod adding;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use socktop_proto::pairing::{MAX_BYTES, Pairing, Pin};

use super::*;
use crate::secrets::recipient::Recipient;

const PIN: Pin = Pin::from_digest([0xa5; 32]);
const OTHER: Pin = Pin::from_digest([0x5a; 32]);

struct Fixture {
    folder: tempfile::TempDir,
    home: Home,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home {
            profiles: folder.path().join("config/socktop/profiles.json"),
            data: folder.path().join("data/socktop"),
        };
        Self { folder, home }
    }

    fn with(profiles: &str) -> Self {
        let fixture = Self::new();
        fs::create_dir_all(fixture.home.profiles.parent().unwrap()).unwrap();
        fs::write(&fixture.home.profiles, profiles).unwrap();
        fixture
    }

    /// Standard output, standard error and the result. Questions cannot be answered.
    fn add(&self, lines: &str, name: Option<&str>) -> (String, String, Result<(), CommandError>) {
        self.add_asking(lines, name, |_| None)
    }

    /// The same with a user who gives an answer to each question.
    fn add_asking(
        &self,
        lines: &str,
        name: Option<&str>,
        confirm: impl Fn(&str) -> Option<bool>,
    ) -> (String, String, Result<(), CommandError>) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ended = add::add(
            &self.home,
            lines.as_bytes(),
            name,
            confirm,
            &mut out,
            &mut err,
        );
        let [out, err] = [out, err].map(|said| String::from_utf8(said).unwrap());
        (out, err, ended)
    }

    fn added(&self, lines: &str) -> String {
        let (out, err, ended) = self.add(lines, None);
        ended.unwrap();
        assert_eq!(err, "");
        out
    }

    fn does(
        &self,
        command: impl FnOnce(&Home, &mut Vec<u8>) -> Result<(), CommandError>,
    ) -> String {
        let mut out = Vec::new();
        command(&self.home, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn list(&self) -> String {
        self.does(list::list)
    }

    fn profiles(&self) -> Profiles {
        Profiles::load(&self.home.profiles).unwrap()
    }

    fn pin(&self, authority: &str) -> Option<Pin> {
        self.home.known_agents().pin_of(authority).unwrap()
    }

    fn token(&self, profile: &str) -> Option<String> {
        fs::read_to_string(self.home.tokens().file_of(profile)).ok()
    }
}

fn pairing(host: &str, name: Option<&str>) -> Pairing {
    Pairing {
        host: host.to_owned(),
        port: 8443,
        pin: PIN,
        token: Some("s3cret".to_owned()),
        name: name.map(String::from),
    }
}

fn line(host: &str, name: &str) -> String {
    format!("{}\n", pairing(host, Some(name)))
}

#[test]
fn forgotten_key_does_not_pass_its_token_to_the_next_key() {
    let fixture = Fixture::with(
        r#"{"profiles": {"pi4": {"url": "wss://pi4:8443/ws?token=s3cret"}, "plain": {"url": "ws://pi4:8443/ws?token=a"}}}"#,
    );
    fixture
        .home
        .known_agents()
        .remember("pi4:8443", PIN)
        .unwrap();
    manage::forget(&fixture.home, "pi4", &mut Vec::new()).unwrap();
    let profiles = fixture.profiles().profiles;
    assert_eq!(profiles["pi4"].token_for, Some(Recipient::Key(PIN)));
    assert_eq!(profiles["plain"].token_for, None);
    // What is said to be the way does help.
    fixture.added(&format!(
        "{}\n",
        Pairing {
            pin: OTHER,
            ..pairing("pi4", Some("pi4"))
        }
    ));
    assert_eq!(fixture.pin("pi4:8443"), Some(OTHER));
}

#[test]
fn list_shows_the_kind_of_trust_and_no_token() {
    let fixture = Fixture::with(
        r#"{"profiles": {
            "ca": {"url": "wss://ca:8443/ws", "tls_ca": "/ca.pem", "token_file": "/t"},
            "new": {"url": "wss://new:8443/ws"},
            "bad\u001b[2J\u202e": {"url": "http://bad?token=s3cret"},
            "plain": {"url": "ws://plain:3000/ws?token=s3cret"}
        }}"#,
    );
    fixture.added(&line("pi4", "pi4"));
    let stored = fixture.home.tokens().file_of("pi4");
    let list = fixture.list();
    let rows: Vec<Vec<_>> = list
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(
        rows,
        [
            vec!["PROFILE", "ADDRESS", "TRUSTED BY", "TOKEN"],
            vec![
                "bad\u{fffd}[2J\u{fffd}",
                "http://bad",
                "no usable address",
                "none"
            ],
            vec!["ca", "wss://ca:8443/ws", "file /ca.pem", "file /t"],
            vec!["new", "wss://new:8443/ws", "not yet", "none"],
            vec![
                "pi4",
                "wss://pi4:8443/ws",
                "key sha256:a5a5a5a5a5a5a5a5…",
                &format!("file {}", stored.display())
            ],
            vec![
                "plain",
                "ws://plain:3000/ws",
                "nothing (no TLS)",
                "in the URL"
            ],
        ]
    );
    assert!(Fixture::new().list().contains("No profile is saved yet"));
}

#[test]
fn removed_profile_takes_its_token_and_key_with_it() {
    let fixture = Fixture::new();
    fixture.added(&line("pi4", "pi4"));
    let remove = |name: &str| fixture.does(|home, out| manage::remove(home, name, out));
    assert_eq!(
        remove("pi4"),
        "removed pi4: wss://pi4:8443/ws, its stored token and its remembered key\n"
    );
    assert!(fixture.profiles().profiles.is_empty());
    assert_eq!(
        (fixture.token("pi4"), fixture.pin("pi4:8443")),
        (None, None)
    );
    let error = manage::remove(&fixture.home, "pi4", &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no profile \"pi4\" (none is saved yet)"
    );
}

#[test]
fn interrupted_removal_leaves_no_token_without_a_profile() {
    let fixture = Fixture::new();
    fixture.added(&line("pi4", "pi4"));
    // The profiles cannot be written.
    fs::create_dir(fixture.home.profiles.with_file_name(".socktop-draft")).unwrap();
    assert!(manage::remove(&fixture.home, "pi4", &mut Vec::new()).is_err());
    assert!(fixture.profiles().profiles.contains_key("pi4"));
    assert_eq!(fixture.token("pi4"), None);
    fs::remove_dir(fixture.home.profiles.with_file_name(".socktop-draft")).unwrap();
    manage::remove(&fixture.home, "pi4", &mut Vec::new()).unwrap();
    assert!(fixture.profiles().profiles.is_empty());
}

#[test]
fn shared_and_user_made_files_are_not_removed() {
    let fixture = Fixture::new();
    let own = fixture.folder.path().join("own-token");
    fs::write(&own, "s3cret").unwrap();
    fixture.added(&line("pi4", "pi4"));
    Profiles::update(&fixture.home.profiles, |profiles| {
        let mut twin = profiles.profiles["pi4"].clone();
        twin.token_file = Some(own.clone());
        profiles.profiles.insert("twin".to_owned(), twin);
        Ok::<_, CommandError>(())
    })
    .unwrap();
    let said = fixture.does(|home, out| manage::remove(home, "twin", out));
    assert_eq!(said, "removed twin: wss://pi4:8443/ws\n");
    assert!(own.exists());
    assert_eq!(fixture.pin("pi4:8443"), Some(PIN));
}

#[test]
fn renamed_profile_keeps_its_token() {
    let fixture = Fixture::new();
    fixture.added(&line("pi4", "pi4"));
    fixture.added(&line("pi5", "pi5"));
    let rename = |old: &str, new: &str| manage::rename(&fixture.home, old, new, &mut Vec::new());
    rename("pi4", "kitchen").unwrap();
    let profiles = fixture.profiles().profiles;
    assert_eq!(profiles.keys().collect::<Vec<_>>(), ["kitchen", "pi5"]);
    assert_eq!(
        profiles["kitchen"].token_file,
        Some(fixture.home.tokens().file_of("kitchen"))
    );
    assert_eq!(fixture.token("kitchen").as_deref(), Some("s3cret\n"));
    assert_eq!(fixture.token("pi4"), None);
    for (old, new, part) in [
        ("kitchen", "pi5", "there is a profile \"pi5\""),
        ("kitchen", "list", "it is a command"),
        ("kitchen", " ", "it is empty"),
        ("kitchen", "a/b", "looks like an address"),
        ("kitchen", "a\u{7}", "cannot be seen"),
        ("pi4", "x", "no profile \"pi4\" (there are: kitchen, pi5)"),
    ] {
        let error = rename(old, new).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn linked_token_file_stays_a_link_when_replaced_or_renamed() {
    let fixture = Fixture::new();
    fixture.added(&line("pi4", "pi4"));
    let tokens = fixture.home.tokens();
    let real = fixture.folder.path().join("dotfiles-token");
    fs::rename(tokens.file_of("pi4"), &real).unwrap();
    std::os::unix::fs::symlink(&real, tokens.file_of("pi4")).unwrap();
    fs::write(&real, "old\n").unwrap();
    fixture.added(&line("pi4", "pi4"));
    manage::rename(&fixture.home, "pi4", "kitchen", &mut Vec::new()).unwrap();
    let file = tokens.file_of("kitchen");
    assert_eq!(fs::read_link(&file).unwrap(), real);
    assert_eq!(fs::read_to_string(&real).unwrap(), "s3cret\n");
    assert!(fs::symlink_metadata(tokens.file_of("pi4")).is_err());
}

#[test]
fn key_is_forgotten_by_host_or_profile_and_the_profile_kept() {
    let fixture = Fixture::new();
    let forget = |host: &str| manage::forget(&fixture.home, host, &mut Vec::new());
    for name in ["pi4.lan", "pi4.lan:8443", "wss://pi4.lan:8443/ws", "pi4"] {
        fixture.added(&line("pi4.lan", "pi4"));
        forget(name).unwrap();
        assert_eq!(fixture.pin("pi4.lan:8443"), None, "{name}");
    }
    assert!(fixture.profiles().profiles.contains_key("pi4"));
    assert!(
        forget("pi4")
            .unwrap_err()
            .to_string()
            .contains("none is remembered")
    );
    fixture.added(&line("pi5", "pi5"));
    assert_eq!(
        forget("pi6").unwrap_err().to_string(),
        "no key is remembered for pi6:8443 (there are: pi5:8443)"
    );
}
