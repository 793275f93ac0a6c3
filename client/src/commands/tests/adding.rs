//! `socktop add`: valid, invalid and conflicting pairing lines.

use super::*;

#[test]
fn pairing_line_makes_a_profile_with_key_and_token() {
    let fixture = Fixture::new();
    let said = fixture.added(&line("192.0.2.7", "pi4"));
    assert_eq!(said, "added pi4: wss://192.0.2.7:8443/ws\n");
    let profile = &fixture.profiles().profiles["pi4"];
    assert_eq!(profile.url, "wss://192.0.2.7:8443/ws");
    assert_eq!(
        profile.token_file,
        Some(fixture.home.tokens().file_of("pi4"))
    );
    assert_eq!(fixture.token("pi4").as_deref(), Some("s3cret\n"));
    assert_eq!(fixture.pin("192.0.2.7:8443"), Some(PIN));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.home.tokens().file_of("pi4")), 0o600);
    assert_eq!(mode(&fixture.home.data.join("tokens")), 0o700);
    assert_eq!(mode(&fixture.home.profiles), 0o600);
}

#[test]
fn invalid_line_among_many_is_named_and_hidden() {
    let fixture = Fixture::new();
    let lines = format!(
        "# fleet\n\n{}socktop://pi5:8443/?token=s3cret\n{}\nsocktop://{}s3cret\n{}",
        line("pi4", "pi4"),
        "\u{1b}[2J",
        "x".repeat(3 * MAX_BYTES),
        pairing("[fd99::2]", None),
    );
    let (out, err, ended) = fixture.add(&lines, None);
    assert_eq!(
        out,
        "added pi4: wss://pi4:8443/ws\nadded fd99::2: wss://[fd99::2]:8443/ws\n"
    );
    for part in ["line 4: the pairing line has no usable pin", "line 6:"] {
        assert!(err.contains(part), "{part}: {err}");
    }
    assert!(!err.contains("s3cret") && !err.contains('\u{1b}'), "{err}");
    assert_eq!(
        ended.unwrap_err().to_string(),
        "2 of 4 pairing lines were not added"
    );
    assert_eq!(fixture.profiles().profiles.len(), 2);
    assert_eq!(fixture.pin("[fd99::2]:8443"), Some(PIN));
}

#[test]
fn empty_input_is_an_error_that_explains_pairing_lines() {
    let (_, _, ended) = Fixture::new().add("# nothing\n\n", None);
    assert!(
        ended
            .unwrap_err()
            .to_string()
            .contains("sudo socktop-agent pair")
    );
}

/// One of the hosts was taken over, and prints a line for another one beside its own.
#[test]
fn known_key_is_not_replaced_unconfirmed_and_other_lines_are_added() {
    let fixture = Fixture::new();
    fixture.added(&line("pi4", "pi4"));
    let before = (fixture.profiles(), fixture.token("pi4"));
    let taken_over = Pairing {
        pin: OTHER,
        token: None,
        ..pairing("pi4", Some("pi4"))
    };
    let lines = format!("{}{taken_over}\n{}", line("pi5", "pi5"), line("pi6", "pi6"));
    for (answer, part) in [
        (None, "socktop forget pi4:8443"),
        (Some(false), "was not accepted"),
    ] {
        let (out, err, ended) = fixture.add_asking(&lines, None, |_| answer);
        assert_eq!(
            out,
            "added pi5: wss://pi5:8443/ws\nadded pi6: wss://pi6:8443/ws\n"
        );
        assert!(err.contains("line 2: ") && err.contains(part), "{err}");
        assert_eq!(
            ended.unwrap_err().to_string(),
            "1 of 3 pairing lines were not added"
        );
        assert_eq!(fixture.pin("pi4:8443"), Some(PIN));
        let now = fixture.profiles();
        assert_eq!(now.profiles.get("pi4"), before.0.profiles.get("pi4"));
        assert_eq!(fixture.token("pi4"), before.1);
    }
}

#[test]
fn confirmation_replaces_a_key_and_old_tokens_stay_with_the_old_key() {
    let fixture = Fixture::new();
    fixture.added(&line("pi4", "pi4"));
    // As an earlier version stored it: without a recipient. And another of the same agent.
    Profiles::update(&fixture.home.profiles, |profiles| {
        let pi4 = profiles.profiles.get_mut("pi4").unwrap();
        pi4.token_for = None;
        let twin = pi4.clone();
        profiles.profiles.insert("twin".to_owned(), twin);
        Ok::<_, CommandError>(())
    })
    .unwrap();
    let new = Pairing {
        pin: OTHER,
        token: None,
        ..pairing("pi4", Some("pi4"))
    };
    let seen = std::cell::Cell::new(false);
    let (out, err, ended) = fixture.add_asking(&format!("{new}\n"), None, |question| {
        for part in [
            &PIN.to_string(),
            &OTHER.to_string(),
            "pi4:8443",
            "fingerprint",
        ] {
            assert!(question.contains(part), "{question}");
        }
        seen.set(true);
        Some(true)
    });
    ended.unwrap();
    assert!(seen.get() && err.is_empty(), "{err}");
    assert_eq!(
        out,
        format!("added pi4: wss://pi4:8443/ws (its key is {OTHER} now; it was {PIN})\n")
    );
    assert_eq!(fixture.pin("pi4:8443"), Some(OTHER));
    for name in ["pi4", "twin"] {
        let profile = &fixture.profiles().profiles[name];
        assert_eq!(profile.token_for, Some(Recipient::Key(PIN)), "{name}");
    }
    assert!(fixture.list().contains(", of another key"));
    // Its own token is for its own key.
    let with_token = pairing("pi4", Some("pi4"));
    let with_token = Pairing {
        pin: OTHER,
        ..with_token
    };
    fixture.added(&format!("{with_token}\n"));
    let profile = &fixture.profiles().profiles["pi4"];
    assert_eq!(profile.token_for, Some(Recipient::Key(OTHER)));
}

#[test]
fn host_with_another_kind_of_trust_gets_a_key_only_on_confirmation() {
    for known in [
        r#""tls_ca": "/old.pem""#,
        r#""token_file": "/t""#,
        r#""token_file": "/t", "token_for": "vouched:pi4:8443""#,
        r#""token_file": "/t", "token_for": "of a later version""#,
    ] {
        let fixture = Fixture::with(&format!(
            r#"{{"profiles": {{"kitchen": {{"url": "wss://pi4:8443/ws", "metrics_interval_ms": 250, "colour": "green",
                {known}}}}}}}"#
        ));
        let (_, err, ended) = fixture.add(&line("pi4", "kitchen"), None);
        assert!(ended.is_err());
        assert!(err.contains("socktop remove kitchen"), "{err}");
        assert_eq!(fixture.pin("pi4:8443"), None);
        let (out, _, ended) = fixture.add_asking(&line("pi4", "kitchen"), None, |question| {
            assert!(question.contains("kitchen"), "{question}");
            Some(true)
        });
        ended.unwrap();
        assert_eq!(out, "added kitchen: wss://pi4:8443/ws\n");
        assert_eq!(fixture.pin("pi4:8443"), Some(PIN));
        let profile = &fixture.profiles().profiles["kitchen"];
        assert_eq!(profile.token_for, Some(Recipient::Key(PIN)));
        assert_eq!(
            (&profile.tls_ca, profile.metrics_interval_ms),
            (&None, Some(250))
        );
        let kept = serde_json::to_value(profile).unwrap();
        assert_eq!(kept["colour"], "green");
    }
}

#[test]
fn text_around_pairing_lines_is_ignored() {
    let fixture = Fixture::new();
    let said = format!(
        "\u{feff}Warning: Permanently added 'pi4' to the list of known hosts.\r\n[sudo] password for pi: \r\n{}\r\n\
         Connection to pi4 closed.\r\n[sudo] password for pi: \u{1b}[0m{}\u{1b}[0m\r\nConnection to pi5 closed.\r\n",
        pairing("pi4", Some("pi4")),
        pairing("[fe80::1%eth0]", Some("pi5")),
    );
    assert_eq!(
        fixture.added(&said),
        "added pi4: wss://pi4:8443/ws\nadded pi5: wss://[fe80::1%eth0]:8443/ws\n"
    );
    assert_eq!(fixture.pin("[fe80::1%eth0]:8443"), Some(PIN));
    let (_, err, ended) = fixture.add(&format!("ocktop{}", &line("pi6", "pi6")[7..]), None);
    assert!(
        err.contains("line 1: this is not a pairing line") && ended.is_err(),
        "{err}"
    );
}

#[test]
fn unresolvable_host_is_explained() {
    let fixture = Fixture::new();
    assert_eq!(
        fixture.added(&format!("{}\n", pairing("büro", None))),
        "added büro: wss://xn--bro-hoa:8443/ws\n"
    );
    let (_, err, ended) = fixture.add(&format!("{}\n", pairing("pi 4", None)), None);
    assert!(
        err.contains("\"pi 4\" is no name") && err.contains("--host"),
        "{err}"
    );
    assert!(ended.is_err());
}

#[test]
fn invalid_and_taken_names_are_changed_or_numbered() {
    let fixture = Fixture::new();
    for (host, name, saved) in [
        ("pi1", "raspberrypi", "raspberrypi"),
        ("pi2", "raspberrypi", "raspberrypi-2"),
        ("pi3", "raspberrypi", "raspberrypi-3"),
        ("pi2", "raspberrypi", "raspberrypi-2"),
        ("pi4", "demo", "demo-2"),
        ("pi5", "list", "list-2"),
        ("pi6", "../a b\u{202e}", "-a-b"),
        ("pi7", "\u{200b}", "pi7"),
        ("pi8", "..", "pi8"),
        ("pi9", &"é".repeat(99), &"é".repeat(30)),
    ] {
        let saved = saved.trim_start_matches('-');
        assert_eq!(
            fixture.added(&line(host, name)),
            format!("added {saved}: wss://{host}:8443/ws\n")
        );
        assert!(fixture.profiles().profiles.contains_key(saved));
        assert_eq!(fixture.token(saved).as_deref(), Some("s3cret\n"));
    }
}

#[test]
fn given_name_needs_a_single_line_and_must_be_free() {
    let fixture = Fixture::with(r#"{"profiles": {"here": {"url": "ws://here:3000/ws"}}}"#);
    let both = line("pi4", "pi4") + &line("pi5", "pi5");
    let (out, err, ended) = fixture.add(&both, Some("kitchen"));
    assert_eq!(out, "added kitchen: wss://pi4:8443/ws\n");
    assert!(err.contains("line 2: --name is for one line"), "{err}");
    assert!(ended.is_err());
    for (name, part) in [
        ("here", "there is a profile \"here\""),
        ("demo", "the demo's"),
    ] {
        let (_, err, ended) = fixture.add(&line("pi5", "pi5"), Some(name));
        assert!(err.contains(part), "{err}");
        assert!(ended.is_err());
    }
    assert_eq!(fixture.pin("pi5:8443"), None);
}
