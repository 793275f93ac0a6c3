//! Completions, manual pages and settings in the packages match the programs.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use socktop_agent::config::Config;

/// Where the packages take from what they ship.
fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging")
}

fn programs() -> [(Command, &'static str); 2] {
    [
        (socktop_agent::cli::Args::command(), "socktop-agent.8"),
        (socktop::cli::Cli::command(), "socktop.1"),
    ]
}

/// With `SOCKTOP_WRITE_COMPLETIONS` set, it writes them instead.
#[test]
fn completions_are_those_of_the_programs() {
    for (mut program, _) in programs() {
        let name = program.get_name().to_owned();
        for (shell, file) in [
            (Shell::Bash, format!("bash/{name}")),
            (Shell::Fish, format!("fish/{name}.fish")),
            (Shell::Zsh, format!("zsh/_{name}")),
        ] {
            let path = packaging().join("completions").join(file);
            let mut wanted = Vec::new();
            generate(shell, &mut program, &name, &mut wanted);
            if std::env::var_os("SOCKTOP_WRITE_COMPLETIONS").is_some() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &wanted).unwrap();
            }
            assert!(
                fs::read(&path).is_ok_and(|shipped| shipped == wanted),
                "{} is not up to date: SOCKTOP_WRITE_COMPLETIONS=1 cargo test -p socktop-tests --test packages",
                path.display()
            );
        }
    }
}

#[test]
fn manual_pages_have_every_option_and_command() {
    for (mut program, page) in programs() {
        program.build();
        let text = fs::read_to_string(packaging().join("man").join(page)).unwrap();
        let commands = program
            .get_subcommands()
            .filter(|command| command.get_name() != "help");
        for command in std::iter::once(&program).chain(commands) {
            for option in command
                .get_arguments()
                .filter(|option| !option.is_hide_set())
            {
                if let Some(long) = option.get_long() {
                    assert!(
                        text.contains(&format!("Fl -{long}")),
                        "{page} lacks --{long}"
                    );
                }
                if let Some(short) = option.get_short() {
                    assert!(
                        text.contains(&format!("Fl {short} ")),
                        "{page} lacks -{short}"
                    );
                }
            }
        }
        for command in program
            .get_subcommands()
            .filter(|command| command.get_name() != "help")
        {
            let name = command.get_name();
            assert!(text.contains(&format!("Cm {name}")), "{page} lacks {name}");
        }
    }
}

/// The keys that a file may have, as the error on an unknown one lists them.
fn keys(file: &str, table: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file), format!("{table}nonsense = 1\n")).unwrap();
    let config = load(folder.path());
    let (_, expected) = config
        .problems
        .first()
        .unwrap()
        .split_once("expected")
        .unwrap();
    let words = expected.split('`').skip(1).step_by(2);
    words.map(|key| format!("{table}{key}")).collect()
}

/// What a service runs with that has its settings in `folder`.
fn load(folder: &Path) -> Config {
    let file = folder.join("agent.toml");
    if !file.exists() {
        fs::write(&file, "").unwrap();
    }
    let args = socktop_agent::cli::Args {
        config: Some(file),
        ..Default::default()
    };
    Config::load(&args.overrides(), true, |_| None).unwrap()
}

/// A shipped file without the comment signs before its settings.
fn uncommented(text: &str) -> String {
    text.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect()
}

#[test]
fn shipped_settings_are_the_defaults() {
    let defaults = format!("{:?}", load(tempfile::tempdir().unwrap().path()));
    for file in ["agent.toml", "access.toml"] {
        let folder = tempfile::tempdir().unwrap();
        let shipped = fs::read_to_string(packaging().join("etc").join(file)).unwrap();
        fs::write(folder.path().join(file), &shipped).unwrap();
        assert_eq!(
            format!("{:?}", load(folder.path())),
            defaults,
            "{file} as it is shipped"
        );
        // Settings that do not apply to the service have no default there.
        let (for_services, _) = shipped
            .split_once("# The following settings ")
            .unwrap_or((&shipped, ""));
        fs::write(folder.path().join(file), uncommented(for_services)).unwrap();
        assert_eq!(
            format!("{:?}", load(folder.path())),
            defaults,
            "{file} with its comments set"
        );
        // Settings that name files are left out: the files do not exist here.
        let files = ["token_file", "client_ca", "require"];
        let all = files.iter().fold(uncommented(&shipped), |text, setting| {
            text.replace(setting, "#")
        });
        fs::write(folder.path().join(file), all).unwrap();
        assert!(
            load(folder.path()).problems.is_empty(),
            "{file} with all of its comments set"
        );
    }
}

#[test]
fn shipped_settings_and_their_manual_page_have_every_key() {
    let page = fs::read_to_string(packaging().join("man/socktop-agent.toml.5")).unwrap();
    let tables = ["tls.", "collect.", "cache.", "limits."];
    let is_table = |key: &String| tables.contains(&format!("{key}.").as_str());
    let settings =
        ["", "tls.", "collect.", "cache.", "limits."].map(|table| keys("agent.toml", table));
    for (file, keys) in [
        ("agent.toml", settings.concat()),
        ("access.toml", keys("access.toml", "")),
    ] {
        let shipped = fs::read_to_string(packaging().join("etc").join(file)).unwrap();
        assert_ne!(keys, Vec::<String>::new());
        for key in keys.iter().filter(|key| !is_table(key)) {
            assert!(
                shipped.contains(&format!("\n#{key} = ")),
                "{file} lacks {key}"
            );
            assert!(
                page.contains(&format!(".It Cm {key}")),
                "the page lacks {key}"
            );
        }
    }
}

/// The source package with the publisher that the environment names.
fn published(environment: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for file in ["control", "changelog", "socktop-agent.NEWS"] {
        let from = packaging().join("../debian").join(file);
        fs::copy(from, folder.path().join(file)).unwrap();
    }
    let mut script = std::process::Command::new(packaging().join("set-publisher"));
    for name in ["SOCKTOP_MAINTAINER", "SOCKTOP_HOMEPAGE", "SOCKTOP_VCS"] {
        script.env_remove(name);
    }
    let output = script
        .arg(folder.path())
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let texts = ["control", "changelog", "socktop-agent.NEWS"]
        .map(|file| fs::read_to_string(folder.path().join(file)).unwrap());
    (output.status.success(), texts.concat())
}

#[test]
fn packages_name_a_publisher_only_when_given() {
    const NOBODY: &str = "socktop packagers <packagers@socktop.invalid>";
    let (succeeds, text) = published(&[]);
    assert!(succeeds);
    assert_eq!(text.matches(NOBODY).count(), 3, "{text}");
    assert!(!text.contains("://"), "{text}");

    let maintainer = "Eve Example <eve@example.org>";
    let (succeeds, text) = published(&[
        ("SOCKTOP_MAINTAINER", maintainer),
        ("SOCKTOP_HOMEPAGE", "https://example.org/socktop"),
        ("SOCKTOP_VCS", "https://example.org/socktop.git"),
    ]);
    assert!(succeeds);
    assert_eq!(text.matches(maintainer).count(), 3, "{text}");
    assert!(!text.contains(".invalid"), "{text}");
    let source = text.split("\n\n").next().unwrap();
    assert!(
        source.contains("\nHomepage: https://example.org/socktop\n"),
        "{source}"
    );
    assert!(
        source.ends_with("\nVcs-Git: https://example.org/socktop.git"),
        "{source}"
    );

    for wrong in [
        ("SOCKTOP_MAINTAINER", "eve@example.org"),
        ("SOCKTOP_MAINTAINER", "Eve <eve@example.org>\nHomepage: x"),
        ("SOCKTOP_HOMEPAGE", "example.org"),
    ] {
        let (succeeds, text) = published(&[wrong]);
        assert!(!succeeds, "{wrong:?}");
        assert_eq!(text.matches(NOBODY).count(), 3, "{text}");
    }
}
