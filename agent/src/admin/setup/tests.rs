use std::collections::BTreeSet;
use std::thread;

use super::*;

const MACHINE: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

/// A root file system of a machine.
struct System(tempfile::TempDir);

impl System {
    fn new() -> Self {
        let system = Self(tempfile::tempdir().unwrap());
        fs::create_dir(system.path("")).unwrap();
        system.boots_as(MACHINE);
        system
    }

    /// A path below `/etc`.
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("etc").join(name)
    }

    fn boots_as(&self, machine_id: &str) {
        fs::write(self.path("machine-id"), format!("{machine_id}\n")).unwrap();
    }

    fn set_up(&self) {
        run(self.0.path()).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn pairs(&self) -> Pairs {
        Pairs::in_folder(&self.path("socktop/tls"), "")
    }

    fn all(&self) -> [String; 3] {
        ["token", "tls/self.key", "tls/self.pem"].map(|name| self.read(&format!("socktop/{name}")))
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn missing_files_are_created_once() {
    let system = System::new();
    system.set_up();
    let made = system.all();
    assert_eq!(made[0].trim().len(), 64);
    assert_eq!(system.read("socktop/tls/self.machine-id").trim(), MACHINE);
    for (name, wanted) in [
        ("tls", 0o700),
        ("token", 0o600),
        ("tls/self.key", 0o600),
        ("tls/self.machine-id", 0o600),
        ("tls/self.token-sha256", 0o600),
    ] {
        assert_eq!(mode(&system.path("socktop").join(name)), wanted, "{name}");
    }
    assert!(system.pairs().choose(None).unwrap().problem.is_none());
    assert!(
        !system
            .read("socktop/tls/self.token-sha256")
            .contains(made[0].trim())
    );

    system.set_up();
    assert_eq!(system.all(), made);
}

#[test]
fn admins_own_files_are_kept_on_a_clone() {
    let system = System::new();
    system.write("socktop/token", "the-admins-own\n");
    let own = system.pairs().own;
    fs::create_dir_all(system.path("socktop/tls")).unwrap();
    own.ensure("own.example", &[]).unwrap();
    let before = [
        fs::read(&own.key).unwrap(),
        fs::read(&own.certificate).unwrap(),
    ];
    system.set_up();
    system.boots_as(OTHER);
    system.set_up();
    assert_eq!(system.read("socktop/token"), "the-admins-own\n");
    let after = [
        fs::read(&own.key).unwrap(),
        fs::read(&own.certificate).unwrap(),
    ];
    assert_eq!(after, before);
}

#[test]
fn generated_files_are_recreated_on_a_clone() {
    let system = System::new();
    system.set_up();
    let first = system.all();
    system.boots_as(OTHER);
    system.set_up();
    let second = system.all();
    for (first, second) in first.iter().zip(&second) {
        assert_ne!(first, second);
    }
    assert_eq!(system.read("socktop/tls/self.machine-id").trim(), OTHER);
    system.set_up();
    assert_eq!(system.all(), second);
    // And on a clone of the clone.
    system.boots_as(MACHINE);
    system.set_up();
    assert_ne!(system.read("socktop/token"), second[0]);
}

#[test]
fn admins_own_token_is_kept_on_a_clone() {
    let system = System::new();
    system.set_up();
    let key = system.read("socktop/tls/self.key");
    system.write("socktop/token", "the-admins-own\n");
    system.boots_as(OTHER);
    system.set_up();
    assert_eq!(system.read("socktop/token"), "the-admins-own\n");
    assert_ne!(system.read("socktop/tls/self.key"), key);
}

#[test]
fn image_without_a_machine_id_is_not_a_clone() {
    let system = System::new();
    system.set_up();
    let made = system.all();
    for none in ["", "uninitialized"] {
        system.boots_as(none);
        system.set_up();
        assert_eq!(system.all(), made);
    }
    fs::remove_file(system.path("machine-id")).unwrap();
    system.set_up();
    assert_eq!(system.all(), made);
    assert_eq!(system.read("socktop/tls/self.machine-id").trim(), MACHINE);
}

#[test]
fn files_generated_in_an_image_are_recreated_at_first_boot() {
    let system = System::new();
    system.boots_as("uninitialized");
    system.set_up();
    let image = system.all();
    system.set_up();
    assert_eq!(system.all(), image);
    system.boots_as(MACHINE);
    system.set_up();
    let booted = system.all();
    assert_ne!(booted, image);
    assert_ne!(booted[0], image[0]);
    system.set_up();
    assert_eq!(system.all(), booted);
}

#[test]
fn files_truncated_by_a_power_failure_are_recreated() {
    let system = System::new();
    system.set_up();
    let made = system.all();
    system.write("socktop/token", "");
    system.write("socktop/tls/self.pem", "");
    system.set_up();
    let again = system.all();
    assert_ne!(again[0], made[0]);
    assert_eq!(again[1], made[1], "the key is the identity");
    system.pairs().made.server_config(None).unwrap();

    system.write("socktop/tls/self.key", "");
    system.set_up();
    assert_ne!(system.read("socktop/tls/self.key"), made[1]);
    system.pairs().made.server_config(None).unwrap();
    assert!(system.path("socktop/tls/self.key.unusable").exists());

    system.write("socktop/tls/self.key", "");
    system.write("socktop/tls/self.pem", "");
    system.set_up();
    system.pairs().made.server_config(None).unwrap();
}

#[test]
fn certificate_names_come_from_the_settings_if_they_are_readable() {
    let system = System::new();
    let text = "[tls]\nextra_names = [\"pi.example\", \"not a name\", \"192.0.2.7\"]";
    system.write("socktop/agent.toml", text);
    system.write("socktop/agent.toml.d/10-broken.toml", "=");
    let host = Host::read(system.0.path(), &system.path("socktop/agent.toml"));
    assert_eq!(host.extra_names, ["pi.example", "192.0.2.7"]);
    system.set_up();
    system.pairs().made.server_config(None).unwrap();
}

#[test]
fn world_readable_folder_is_made_private() {
    let system = System::new();
    let folder = system.path("socktop/tls");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    system.set_up();
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn concurrent_setups_create_one_identity_and_token() {
    let system = System::new();
    let seen: BTreeSet<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    system.set_up();
                    system.all()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(seen.len(), 1);
    system.pairs().made.server_config(None).unwrap();
}

#[test]
fn read_only_etc_is_an_error_with_a_remedy() {
    // A file in the way stands in for a read-only /etc, which root could write.
    let system = System::new();
    system.write("socktop", "in the way");
    let error = run(system.0.path()).unwrap_err().to_string();
    assert!(
        error.contains("etc/socktop/tls") && error.contains("as root"),
        "{error}"
    );
}

#[test]
fn admins_own_certificate_suffices_where_none_can_be_created() {
    let system = System::new();
    fs::create_dir_all(system.path("socktop/tls")).unwrap();
    system.pairs().own.ensure("own.example", &[]).unwrap();
    // Nothing can be renamed over a folder.
    fs::create_dir(system.path("socktop/tls/self.key")).unwrap();
    system.set_up();
    assert!(system.pairs().choose(None).unwrap().problem.is_none());
}

#[test]
fn world_writable_folder_is_made_private() {
    let system = System::new();
    let folder = system.path("socktop");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    system.set_up();
    assert_eq!(mode(&folder), 0o775);
}

#[test]
fn temporary_files_of_a_killed_run_are_removed_by_the_next() {
    let system = System::new();
    system.set_up();
    let drafts = [
        "token",
        "tls/self.key",
        "tls/self.pem",
        "tls/self.token-sha256",
        "tls/self.machine-id",
    ]
    .map(|name| system.path(&format!("socktop/{name}.part")));
    let made = system.all();
    for draft in &drafts {
        fs::write(draft, "half a secr").unwrap();
    }
    system.set_up();
    for draft in &drafts {
        assert!(!draft.exists(), "{}", draft.display());
    }
    assert_eq!(system.all(), made);
}

#[test]
fn linked_token_file_stays_a_link() {
    let system = System::new();
    system.write("secrets/token", "");
    fs::create_dir_all(system.path("socktop")).unwrap();
    let link = system.path("socktop/token");
    std::os::unix::fs::symlink("../secrets/token", &link).unwrap();
    system.set_up();
    assert!(link.is_symlink());
    assert_eq!(system.read("secrets/token").trim().len(), 64);
    assert_eq!(mode(&system.path("secrets/token")), 0o600);
}
