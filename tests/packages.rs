//! What the packages ship beside the programs says what the programs do: completions and manual pages.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};

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
