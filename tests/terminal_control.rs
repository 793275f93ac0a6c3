//! The client's terminal in difficult conditions: signals, job control, a blocked terminal, unexpected input.

#![cfg(test)]

use std::net::TcpListener;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use socktop_tests::{
    Server, Size, Terminal, USUAL_SIZE, clean_command, demonstration, free_port, keys, our_program,
    shows_this_host, wait_for, wait_until_left,
};

/// The signals that end a program.
const ENDING: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

fn exit_code_of(signal: Signal) -> u32 {
    128 + u32::try_from(signal.as_raw()).unwrap()
}

fn send_signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn signals_end_the_client_and_restore_the_terminal() {
    for signal in ENDING {
        let home = tempfile::tempdir().unwrap();
        let terminal = demonstration(home.path());
        send_signal(terminal.pid(), signal);
        let status = wait_until_left(terminal);
        assert_eq!(status.exit_code(), exit_code_of(signal), "{signal:?}");
    }
}

#[test]
fn signals_end_the_client_while_the_terminal_is_blocked() {
    for signal in ENDING {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = demonstration(home.path());
        terminal.stop_taking_output();
        // A whole frame, which does not fit.
        terminal.send("\x0c");
        send_signal(terminal.pid(), signal);
        let status = terminal.wait_for_end();
        assert_eq!(status.exit_code(), exit_code_of(signal), "{signal:?}");
        assert!(terminal.is_cooked());
        terminal.take_output();
        terminal.wait_until_given_back();
    }
}

#[test]
fn keys_end_the_client_while_the_terminal_is_blocked() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demonstration(home.path());
    terminal.stop_taking_output();
    terminal.send("\x0c");
    terminal.send("q");
    assert!(terminal.wait_for_end().success());
    terminal.take_output();
    terminal.wait_until_given_back();
}

#[test]
fn unblocked_terminal_shows_the_current_screen() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demonstration(home.path());
    terminal.stop_taking_output();
    terminal.send("\x0c?");
    terminal.take_output();
    terminal.wait_for("the help", |screen| screen.contains("draw the screen anew"));
    terminal.send("\x0cqq");
    assert!(wait_until_left(terminal).success());
}

/// The client below a shell with job control.
struct Job {
    shell: Terminal,
    client: u32,
}

impl Job {
    fn start(command: &std::process::Command, home: &Path, shows: &str) -> Self {
        let mut shell = clean_command(Path::new("/bin/sh"), home);
        shell
            .args(["-i", "-m"])
            .env("PS1", "ready> ")
            .env_remove("ENV");
        let mut shell = Terminal::start(&shell, USUAL_SIZE);
        shell.wait_for("the shell's prompt", |screen| screen.contains("ready>"));
        let words: Vec<_> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_str().unwrap())
            .collect();
        shell.send(&format!("{}\n", words.join(" ")));
        shell.wait_for("the client", |screen| screen.contains(shows));
        let children = format!("/proc/{0}/task/{0}/children", shell.pid());
        let children = std::fs::read_to_string(children).unwrap();
        let client = children.trim().parse().unwrap();
        Self { shell, client }
    }

    /// Whether the client's state is this one of `proc_pid_stat(5)`.
    fn is_in_state(&self, state: char) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.client));
        let stat = stat.unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, fields)| fields.starts_with(state))
    }

    /// Waits until all of the client stands still and the shell is back.
    fn wait_until_stopped(&self) {
        wait_for("the client to stop", || self.is_in_state('T').then_some(()));
        self.shell
            .wait_for("the shell's word", |screen| screen.contains("Stopped"));
    }
}

#[test]
fn sigtstp_restores_the_terminal_and_sigcont_redraws_the_screen() {
    for stop in [None, Some(Signal::TSTP)] {
        let home = tempfile::tempdir().unwrap();
        let mut command = clean_command(&our_program("socktop"), home.path());
        let mut job = Job::start(command.arg("--demo"), home.path(), "CPU%");
        job.shell.wait_until_taken_over();
        for size in [
            Size {
                columns: 100,
                rows: 30,
            },
            USUAL_SIZE,
        ] {
            match stop {
                None => job.shell.send(keys::CTRL_Z),
                Some(signal) => send_signal(job.client, signal),
            }
            job.wait_until_stopped();
            job.shell.wait_until_given_back();
            job.shell.send("echo back at \"the shell\"\n");
            job.shell
                .wait_for("the shell", |screen| screen.contains("back at the shell"));
            job.shell.resize(size);
            job.shell.send("fg\n");
            job.shell.wait_until_taken_over();
            job.shell.wait_for("this host at the new size", |screen| {
                shows_this_host(screen)
                    && !screen.contains("Stopped")
                    && !screen.contains("back at")
            });
        }
        job.shell.send("q");
        job.shell.wait_until_given_back();
    }
}

#[test]
fn sigcont_after_sigstop_redraws_the_screen() {
    let home = tempfile::tempdir().unwrap();
    let mut command = clean_command(&our_program("socktop"), home.path());
    let mut job = Job::start(command.arg("--demo"), home.path(), "CPU%");
    job.shell.wait_until_taken_over();
    send_signal(job.client, Signal::STOP);
    job.wait_until_stopped();
    // As shells do that edit lines, and people who see nothing of what they type.
    job.shell
        .send("stty sane; printf '\\033[?1049l\\033[?25h\\033[?1002l\\033[?2004l'\n");
    job.shell.wait_until_given_back();
    job.shell.send("fg\n");
    job.shell.wait_until_taken_over();
    job.shell.wait_for("this host and nothing else", |screen| {
        shows_this_host(screen) && !screen.contains("Stopped") && !screen.contains("ready>")
    });
    job.shell.send("q");
    job.shell.wait_until_given_back();
}

#[test]
fn stopped_background_client_ends_by_a_signal() {
    let home = tempfile::tempdir().unwrap();
    let mut command = clean_command(&our_program("socktop"), home.path());
    let mut job = Job::start(command.arg("--demo"), home.path(), "CPU%");
    for stop in [Signal::TSTP, Signal::STOP] {
        job.shell.wait_until_taken_over();
        send_signal(job.client, stop);
        job.wait_until_stopped();
        if stop == Signal::TSTP {
            // In the background it stands still again.
            job.shell.send("bg\n");
            job.wait_until_stopped();
            job.shell.wait_until_given_back();
            job.shell.send("fg\n");
        }
    }
    send_signal(job.client, Signal::TERM);
    send_signal(job.client, Signal::CONT);
    wait_for("the client's end", || job.is_in_state('Z').then_some(()));
    // The modes are the shell's to set: of a program in the background the terminal takes none.
    job.shell.wait_for_normal_screen();
}

#[test]
fn request_to_stop_is_ignored_in_an_orphaned_process_group() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demonstration(home.path());
    terminal.send(keys::CTRL_Z);
    terminal.send("?");
    terminal.wait_for("the help", |screen| screen.contains("draw the screen anew"));
    terminal.wait_until_taken_over();
    terminal.send("qq");
    assert!(wait_until_left(terminal).success());
}

#[test]
fn late_terminal_replies_are_not_typed_into_the_filter() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demonstration(home.path());
    let typed = |terminal: &Terminal, text: &str| {
        terminal.wait_for(&format!("the filter {text}"), |screen| {
            screen.contains(&format!("filter: {text}"))
        });
    };
    terminal.send("/a");
    typed(&terminal, "a");
    for (number, reply) in [
        &["\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\"][..],
        &["\x1b]11;rgb:1e1e", "/1e1e/2e2e\x1b", "\\"],
        &["\x1b]10;rgb:ffff/ff", "ff/ffff\x07"],
        &["\x1bP>|XTerm(3", "54)\x1b\\"],
        &["\x1bP1+r544e=7874\x1b\\"],
        &["\x1b[?62;1;2", ";4c"],
        &["\x1b[>41;3", "54;0c"],
        &["\x1b[24;", "80R"],
        &["\x1b[?2026;2$y"],
        &["\x1b[0;0R\x1b[<0;0;0M"],
    ]
    .iter()
    .enumerate()
    {
        let all = format!("a{}", "b".repeat(number));
        typed(&terminal, &all);
        for piece in *reply {
            terminal.send(piece);
        }
        terminal.send("b");
        typed(&terminal, &format!("{all}b"));
    }
    terminal.send(keys::CTRL_C);
    assert!(wait_until_left(terminal).success());
}

/// A client that asks for the token of an agent.
fn at_the_token_prompt(home: &Path) -> (Server, std::process::Command) {
    let token_file = home.join("token");
    std::fs::write(&token_file, "s3cret-s3cret-s3cret\n").unwrap();
    let port = free_port();
    let agent = Server::start(
        clean_command(&our_program("socktop-agent"), home)
            .args(["--listen", &format!("127.0.0.1:{port}"), "--token-file"])
            .arg(&token_file),
        port,
    );
    let mut command = clean_command(&our_program("socktop"), home);
    command.arg(agent.url());
    (agent, command)
}

#[test]
fn signals_during_a_hidden_prompt_restore_the_echo() {
    let home = tempfile::tempdir().unwrap();
    let (_agent, command) = at_the_token_prompt(home.path());
    for signal in ENDING {
        let mut terminal = Terminal::start(&command, USUAL_SIZE);
        terminal.wait_for("the question", |screen| screen.contains("Token for"));
        wait_for("no echo", || (!terminal.echoes()).then_some(()));
        send_signal(terminal.pid(), signal);
        let status = terminal.wait_for_end();
        assert!(terminal.is_cooked(), "{signal:?}: {status}");
    }
}

#[test]
fn sigtstp_during_a_hidden_prompt_restores_the_echo_and_sigcont_hides_it() {
    for stop in [None, Some(Signal::TSTP), Some(Signal::STOP)] {
        let home = tempfile::tempdir().unwrap();
        let (_agent, command) = at_the_token_prompt(home.path());
        let mut job = Job::start(&command, home.path(), "Token for");
        wait_for("no echo", || (!job.shell.echoes()).then_some(()));
        match stop {
            None => job.shell.send(keys::CTRL_Z),
            Some(signal) => send_signal(job.client, signal),
        }
        job.wait_until_stopped();
        if stop == Some(Signal::STOP) {
            // Nothing could turn it on.
            job.shell.send("stty sane\n");
        }
        wait_for("the echo", || job.shell.is_cooked().then_some(()));
        job.shell.send("fg\n");
        wait_for("no echo", || (!job.shell.echoes()).then_some(()));
        job.shell.send("s3cret-s3cret-s3cret\n");
        job.shell.wait_for("this host", shows_this_host);
        job.shell.send("q");
        job.shell.wait_until_given_back();
        assert!(!job.shell.contents().contains("s3cret"));
    }
}

/// Once there was a screen or a question, a signal no longer stops the program by itself.
#[test]
fn sigtstp_while_dialling_the_chosen_host_stops_the_client() {
    let home = tempfile::tempdir().unwrap();
    let silent_agent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("ws://{}/ws", silent_agent.local_addr().unwrap());
    let folder = home.path().join(".config/socktop");
    std::fs::create_dir_all(&folder).unwrap();
    let profiles = format!(r#"{{"profiles":{{"silent":{{"url":"{url}"}}}},"version":0}}"#);
    std::fs::write(folder.join("profiles.json"), profiles).unwrap();
    let command = clean_command(&our_program("socktop"), home.path());
    let mut job = Job::start(&command, home.path(), "this machine");
    job.shell.wait_until_taken_over();
    job.shell.send(keys::ENTER);
    let _connection = silent_agent.accept().unwrap();
    send_signal(job.client, Signal::TSTP);
    job.wait_until_stopped();
    assert!(job.shell.is_cooked());
    job.shell.send("fg\n");
    wait_for("it to go on", || (!job.is_in_state('T')).then_some(()));
    send_signal(job.client, Signal::INT);
    let process = format!("/proc/{}", job.client);
    wait_for("the client's end", || {
        (!Path::new(&process).exists()).then_some(())
    });
}
