//! The list of hosts in a real terminal: every link at once, the true state of each, and the way into each and back.

#![cfg(test)]

use std::path::Path;

use socktop_tests::{
    Server, Terminal, USUAL_SIZE, clean_command, free_port, keys, our_program, shows_this_host,
    wait_until_left,
};

/// An agent on `port`, with the arguments besides.
fn agent(home: &Path, port: u16, arguments: &[&str]) -> Server {
    let mut command = clean_command(&our_program("socktop-agent"), home);
    command
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(arguments);
    Server::start(&mut command, port)
}

/// Saves profiles by name and URL.
fn save_profiles(home: &Path, profiles: &[(&str, String)]) {
    let folder = home.join(".config/socktop");
    std::fs::create_dir_all(&folder).unwrap();
    let profiles: serde_json::Map<_, _> = profiles
        .iter()
        .map(|(name, url)| ((*name).to_owned(), serde_json::json!({ "url": url })))
        .collect();
    let file = serde_json::json!({ "profiles": profiles, "version": 0 });
    std::fs::write(folder.join("profiles.json"), file.to_string()).unwrap();
}

/// Whether the row of the list that begins with `name` says `words`.
fn row_says(screen: &str, name: &str, words: &str) -> bool {
    let mut rows = screen.lines().map(str::trim_start);
    rows.any(|row| row.starts_with(name) && row.contains(words))
}

fn shows_the_list(screen: &str) -> bool {
    screen.contains("5 hosts")
}

#[test]
fn four_hosts_in_four_states_are_shown_entered_and_left() {
    let home = tempfile::tempdir().unwrap();
    let agents_home = tempfile::tempdir().unwrap();
    let token_file = agents_home.path().join("token");
    std::fs::write(&token_file, "s3cret\n").unwrap();
    let token_file = token_file.to_str().unwrap();
    let [open_port, token_port, key_port, down_port] = [(); 4].map(|()| free_port());
    let _open = agent(agents_home.path(), open_port, &[]);
    let _token = agent(
        agents_home.path(),
        token_port,
        &["--token-file", token_file],
    );
    let _key = agent(agents_home.path(), key_port, &["--enableSSL"]);
    save_profiles(
        home.path(),
        &[
            ("a-open", format!("ws://127.0.0.1:{open_port}/ws")),
            ("b-token", format!("ws://127.0.0.1:{token_port}/ws")),
            ("c-key", format!("wss://127.0.0.1:{key_port}/ws")),
            ("d-down", format!("ws://127.0.0.1:{down_port}/ws")),
        ],
    );

    let command = clean_command(&our_program("socktop"), home.path());
    let mut terminal = Terminal::start(&command, USUAL_SIZE);
    terminal.wait_for("the state of every host", |screen| {
        row_says(screen, "a-open", "connected")
            && row_says(screen, "b-token", "asks for a token")
            && row_says(screen, "c-key", "unknown key")
            && row_says(screen, "d-down", "down ")
            && row_says(screen, "d-down", "refuses connections")
            && row_says(screen, "this machine", "connected")
    });

    // The one that answers.
    terminal.send(keys::ENTER);
    terminal.wait_for("the first host", shows_this_host);
    terminal.send(keys::ESC);
    terminal.wait_for("the list", shows_the_list);

    // The one that asks for a token: not now, then with a wrong one, then with the right one.
    terminal.send(keys::DOWN);
    terminal.send(keys::ENTER);
    let asks_for_token = |screen: &str| screen.contains("Token:");
    terminal.wait_for("the question for a token", asks_for_token);
    terminal.send(keys::ESC);
    terminal.wait_for("no question", |screen| !asks_for_token(screen));
    terminal.send(keys::ESC);
    terminal.wait_for("the list", shows_the_list);
    terminal.send(keys::ENTER);
    terminal.wait_for("the question for a token", asks_for_token);
    terminal.send("wrong\r");
    terminal.wait_for("the refusal", |screen| {
        asks_for_token(screen) && screen.contains("the agent refuses the token")
    });
    terminal.send("s3cret\r");
    terminal.wait_for("the second host", shows_this_host);
    terminal.send(keys::ESC);
    terminal.wait_for("the list", |screen| {
        shows_the_list(screen) && row_says(screen, "b-token", "connected")
    });

    // The one with an unknown key.
    terminal.send(keys::DOWN);
    terminal.send(keys::ENTER);
    terminal.wait_for("the question about the key", |screen| {
        screen.contains("Trust this key and remember it? [y/N]")
    });
    terminal.send("y\r");
    terminal.wait_for("the third host", shows_this_host);
    terminal.send(keys::ESC);
    terminal.wait_for("the list", |screen| {
        shows_the_list(screen) && row_says(screen, "c-key", "connected")
    });

    // The one that is down, and then is not.
    terminal.send(keys::DOWN);
    terminal.send(keys::ENTER);
    terminal.wait_for("why there is no connection", |screen| {
        screen.contains("NO CONNECTION") && screen.contains("refuses connections")
    });
    let _down = agent(agents_home.path(), down_port, &[]);
    terminal.send("r");
    terminal.wait_for("the fourth host", shows_this_host);
    terminal.send(keys::ESC);
    terminal.wait_for("every host connected", |screen| {
        screen.contains("5 hosts · 5 connected")
    });

    terminal.send("q");
    assert!(wait_until_left(terminal).success());
    assert!(
        home.path()
            .join(".local/share/socktop/known_agents")
            .exists()
    );
}

#[test]
fn profile_that_cannot_be_used_does_not_keep_the_others_away() {
    let home = tempfile::tempdir().unwrap();
    let port = free_port();
    let _agent = agent(home.path(), port, &[]);
    save_profiles(
        home.path(),
        &[
            ("good", format!("ws://127.0.0.1:{port}/ws")),
            ("bad", "gopher://nowhere".to_owned()),
        ],
    );
    let command = clean_command(&our_program("socktop"), home.path());
    let mut terminal = Terminal::start(&command, USUAL_SIZE);
    terminal.wait_for("both hosts", |screen| {
        row_says(screen, "good", "connected") && row_says(screen, "bad", "gopher")
    });
    terminal.send("q");
    assert!(wait_until_left(terminal).success());
}

/// The variable names one agent's token: it is not shown to all that are saved.
#[test]
fn token_of_the_environment_is_not_sent_to_every_saved_host() {
    let home = tempfile::tempdir().unwrap();
    let token_file = home.path().join("token");
    std::fs::write(&token_file, "s3cret\n").unwrap();
    let port = free_port();
    let token_file = token_file.to_str().unwrap();
    let _agent = agent(home.path(), port, &["--token-file", token_file]);
    let url = format!("ws://127.0.0.1:{port}/ws");
    save_profiles(home.path(), &[("pi4", url)]);
    let client = |arguments: &[&str]| {
        let mut command = clean_command(&our_program("socktop"), home.path());
        command.env("SOCKTOP_TOKEN", "s3cret").args(arguments);
        Terminal::start(&command, USUAL_SIZE)
    };
    let mut terminal = client(&[]);
    terminal.wait_for("the list", |screen| {
        row_says(screen, "pi4", "asks for a token")
    });
    terminal.send("q");
    assert!(wait_until_left(terminal).success());
    let mut terminal = client(&["pi4"]);
    terminal.wait_for("this host", shows_this_host);
    terminal.send("q");
    assert!(wait_until_left(terminal).success());
}
