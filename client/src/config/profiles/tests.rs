//! Tests of the profile file, that of socktop 1.60 and ours.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

/// As the published client writes it, with keys that neither knows.
const PUBLISHED: &str = r#"{
  "profiles": {
"pi4": {
  "url": "ws://pi4:3000/ws?token=s3cret",
  "tls_ca": "/etc/pi4.pem",
  "metrics_interval_ms": 500,
  "colour": "green"
},
"server": { "url": "wss://server:8443/ws" }
  },
  "version": 0,
  "theme": { "name": "dark" }
}"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("config/socktop/profiles.json")
    }

    fn with(text: &str) -> Self {
        let folder = Self::new();
        fs::create_dir_all(folder.file().parent().unwrap()).unwrap();
        fs::write(folder.file(), text).unwrap();
        folder
    }

    fn names(&self) -> Vec<OsString> {
        let entries = fs::read_dir(self.file().parent().unwrap()).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }
}

#[test]
fn the_path_follows_the_environment() {
    let at = |xdg: Option<&str>, home: Option<&str>| {
        path(|name| match name {
            "XDG_CONFIG_HOME" => xdg.map(OsString::from),
            "HOME" => home.map(OsString::from),
            _ => None,
        })
    };
    let published = Path::new("/home/x/.config/socktop/profiles.json");
    assert_eq!(at(None, Some("/home/x")).unwrap(), published);
    assert_eq!(at(Some(""), Some("/home/x")).unwrap(), published);
    assert_eq!(
        at(Some("/c"), Some("/home/x")).unwrap(),
        Path::new("/c/socktop/profiles.json")
    );
    assert!(matches!(at(None, None), Err(ProfilesError::NoHome)));
}

#[test]
fn missing_file_means_no_profiles() {
    let folder = Folder::new();
    assert_eq!(Profiles::load(&folder.file()).unwrap(), Profiles::default());
}

#[test]
fn legacy_profile_file_is_read_without_loss() {
    let folder = Folder::with(PUBLISHED);
    let profiles = Profiles::load(&folder.file()).unwrap();
    let pi4 = &profiles.profiles["pi4"];
    assert_eq!(pi4.url, "ws://pi4:3000/ws?token=s3cret");
    assert_eq!(pi4.tls_ca.as_deref(), Some(Path::new("/etc/pi4.pem")));
    assert_eq!(pi4.metrics_interval_ms, Some(500));
    assert_eq!(pi4.processes_interval_ms, None);
    profiles.save(&folder.file()).unwrap();
    let saved: Value = serde_json::from_slice(&fs::read(folder.file()).unwrap()).unwrap();
    let published: Value = serde_json::from_str(PUBLISHED).unwrap();
    assert_eq!(saved, published);
}

#[test]
fn debug_output_of_a_profile_hides_the_token() {
    let folder = Folder::with(PUBLISHED);
    let shown = format!("{:?}", Profiles::load(&folder.file()).unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn malformed_file_is_an_error_with_its_line_and_stays() {
    for (text, place) in [
        ("", "line 1 column 0"),
        (
            "{\n  \"profiles\": {\n    \"pi4\": 7\n  }\n}",
            "line 3 column 12",
        ),
        (
            "{\n  \"profiles\": {\n    \"pi4\": {\"tls_ca\": \"x\"}\n  }\n}",
            "missing field `url` at line 3",
        ),
    ] {
        let folder = Folder::with(text);
        let message = Profiles::load(&folder.file()).unwrap_err().to_string();
        assert!(message.contains(place), "{message}");
        assert!(message.contains("profiles.json"), "{message}");
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), text);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let folder = Folder::new();
    fs::create_dir_all(folder.file()).unwrap();
    let message = Profiles::load(&folder.file()).unwrap_err().to_string();
    assert!(message.contains("reading the profiles from"), "{message}");
}

#[test]
fn saving_makes_the_folder_and_keeps_the_file_private() {
    let folder = Folder::new();
    Profiles::default().save(&folder.file()).unwrap();
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(folder.names(), ["profiles.json"]);
}

#[test]
fn linked_file_is_written_at_its_target() {
    let folder = Folder::with(PUBLISHED);
    let real = folder.0.path().join("dotfiles.json");
    fs::rename(folder.file(), &real).unwrap();
    std::os::unix::fs::symlink(&real, folder.file()).unwrap();
    Profiles::default().save(&folder.file()).unwrap();
    assert!(fs::symlink_metadata(folder.file()).unwrap().is_symlink());
    assert_eq!(Profiles::load(&real).unwrap(), Profiles::default());
}

#[test]
fn failed_save_keeps_the_old_file_and_leaves_no_temporary_file() {
    let folder = Folder::with("{}");
    // A folder is in the file's place: the draft is written, the rename fails.
    fs::remove_file(folder.file()).unwrap();
    fs::create_dir(folder.file()).unwrap();
    fs::write(folder.file().join("in the way"), "").unwrap();
    let message = Profiles::default().save(&folder.file()).unwrap_err();
    assert!(message.to_string().contains("saving the profiles to"));
    assert_eq!(folder.names(), ["profiles.json"]);
}

proptest! {
    // Each case waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn saved_profile_is_read_again(
        profiles in proptest::collection::btree_map("\\PC{0,8}", ("\\PC{0,20}", proptest::option::of(any::<u64>())), 0..4)
    ) {
        let folder = Folder::new();
        let profiles = Profiles {
            profiles: profiles
                .into_iter()
                .map(|(name, (url, metrics_interval_ms))| {
                    (name, Profile { url, metrics_interval_ms, ..Profile::default() })
                })
                .collect(),
            ..Profiles::default()
        };
        profiles.save(&folder.file()).unwrap();
        prop_assert_eq!(Profiles::load(&folder.file()).unwrap(), profiles);
    }
}
