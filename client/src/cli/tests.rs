//! Tests of command lines and how they are resolved.

use std::time::Duration;

use clap::error::ErrorKind;

use super::*;
use crate::secrets::recipient::Recipient;

fn cli(words: &str) -> Cli {
    parse(words).unwrap_or_else(|error| panic!("{words}: {error}"))
}

fn parse(words: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("socktop").chain(words.split_whitespace()))
}

/// Two profiles, one of them with all that a profile can have.
fn profiles() -> Profiles {
    serde_json::from_str(
        r#"{
            "profiles": {
                "pi4": {
                    "url": "wss://pi4:8443/ws", "tls_ca": "/certs/pi4.pem", "metrics_interval_ms": 250,
                    "processes_interval_ms": 1000, "token_file": "/tokens/pi4", "colour": "green"
                },
                "plain": { "url": "ws://plain:3000/ws?token=s3cret" },
                "broken": { "url": "http://broken" }
            },
            "version": 0
        }"#,
    )
    .unwrap()
}

fn environment() -> Environment {
    Environment {
        token: None,
        folder: PathBuf::from("/here"),
    }
}

fn resolved(words: &str) -> Result<Action, ResolveError> {
    resolve(&cli(words), &profiles(), &environment())
}

fn connect_of(words: &str) -> Connect {
    match resolved(words) {
        Ok(Action::Connect(connect)) => *connect,
        other => panic!("{words}: {other:?}"),
    }
}

fn fault(words: &str) -> String {
    resolved(words).unwrap_err().to_string()
}

#[test]
fn every_flag_of_the_legacy_client_is_accepted() {
    let words = "--tls-ca a.pem --verify-hostname --profile x --save --compact --metrics-interval-ms 100 \
                 --processes-interval-ms 200 --dry-run wss://pi4:8443/ws";
    let equals = "--tls-ca=a.pem --verify-hostname --profile=x --save --compact --metrics-interval-ms=100 \
                  --processes-interval-ms=200 --dry-run wss://pi4:8443/ws";
    let short = "-t a.pem --verify-hostname -P x --save --compact --metrics-interval-ms 100 \
                 --processes-interval-ms 200 --dry-run wss://pi4:8443/ws";
    for words in [words, equals, short] {
        let cli = cli(words);
        assert_eq!(cli.tls_ca.as_deref(), Some(Path::new("a.pem")));
        assert_eq!(cli.profile.as_deref(), Some("x"));
        assert_eq!(cli.metrics_interval_ms, Some(100));
        assert_eq!(cli.processes_interval_ms, Some(200));
        assert_eq!(cli.agent.as_deref(), Some("wss://pi4:8443/ws"));
        assert!(cli.verify_hostname && cli.save && cli.compact && cli.dry_run && !cli.demo);
    }
}

#[test]
fn help_and_version_succeed_and_a_bad_flag_fails_with_2() {
    let outcome = |words| {
        let error = parse(words).err().unwrap();
        (error.kind(), error.exit_code())
    };
    assert_eq!(outcome("--help"), (ErrorKind::DisplayHelp, 0));
    assert_eq!(outcome("-h"), (ErrorKind::DisplayHelp, 0));
    assert_eq!(outcome("--version"), (ErrorKind::DisplayVersion, 0));
    assert_eq!(outcome("--nonsense"), (ErrorKind::UnknownArgument, 2));
    assert_eq!(outcome("one two"), (ErrorKind::ArgumentConflict, 2));
    assert_eq!(outcome("--metrics-interval-ms fast").1, 2);
}

#[test]
fn help_names_the_default_intervals_and_not_the_hidden_flag() {
    let help = parse("-h").err().unwrap().to_string();
    // Lines may end anywhere.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["default: 500", "default: 2000", "default: 5000"] {
        assert!(help.contains(words), "{help}");
    }
    assert!(!help.contains("dry-run"), "{help}");
}

#[test]
fn no_arguments_open_the_list() {
    assert_eq!(resolved(""), Ok(Action::List));
}

#[test]
fn demo_can_be_started_in_three_ways() {
    for words in ["--demo", "--profile demo", "demo", "--demo pi4"] {
        assert_eq!(resolved(words), Ok(Action::Demo(Intervals::default())));
    }
    assert_eq!(
        resolved("-P demo ws://pi4:3000"),
        Err(ResolveError::DemoName)
    );
}

#[test]
fn profile_name_precedes_host_name() {
    let connect = connect_of("pi4");
    assert_eq!(connect, connect_of("--profile pi4"));
    assert_eq!(connect.profile.as_deref(), Some("pi4"));
    assert_eq!(connect.tls_ca.as_deref(), Some(Path::new("/certs/pi4.pem")));
    assert_eq!(
        connect.token_file.as_deref(),
        Some(Path::new("/tokens/pi4"))
    );
    assert_eq!(connect.intervals.metrics, Duration::from_millis(250));
    assert_eq!(connect.save, None);
    let connect = connect_of("pi5");
    assert_eq!(connect.profile, None);
    assert_eq!(connect.target.to_url(), "wss://pi5:8443/ws");
    assert_eq!(connect.intervals, Intervals::default());
}

#[test]
fn command_line_overrides_the_profile() {
    let connect = connect_of(
        "pi4 -t other.pem --token-file t --metrics-interval-ms 1000 --disks-interval-ms 9000",
    );
    assert_eq!(connect.tls_ca.as_deref(), Some(Path::new("other.pem")));
    assert_eq!(connect.token_file.as_deref(), Some(Path::new("t")));
    assert_eq!(connect.intervals.metrics, Duration::from_secs(1));
    assert_eq!(connect.intervals.processes, Duration::from_secs(1));
    assert_eq!(connect.intervals.disks, Duration::from_secs(9));
}

#[test]
fn token_sources_have_an_order_of_precedence() {
    let with_variable = |words: &str| {
        let environment = Environment {
            token: Some("variable".into()),
            ..environment()
        };
        match resolve(&cli(words), &profiles(), &environment).unwrap() {
            Action::Connect(connect) => *connect,
            other => panic!("{other:?}"),
        }
    };
    let shown = |connect: &Connect| {
        connect
            .target
            .token()
            .map(|token| token.expose().to_owned())
    };
    assert!(with_variable("plain --token-file t").token_file.is_some());
    assert_eq!(shown(&with_variable("plain")).as_deref(), Some("variable"));
    assert_eq!(with_variable("pi4").token_file, None);
    assert_eq!(shown(&connect_of("plain")).as_deref(), Some("s3cret"));
    assert!(connect_of("pi4").token_file.is_some());
    assert_eq!(shown(&connect_of("pi5")), None);
}

#[test]
fn invalid_token_variable_is_an_error_and_an_empty_one_is_ignored() {
    let with = |token: &str| {
        let environment = Environment {
            token: Some(token.into()),
            ..environment()
        };
        resolve(&cli("pi5"), &profiles(), &environment)
    };
    assert!(with("").is_ok());
    let message = with("two\nlines").unwrap_err().to_string();
    assert!(
        message.contains("SOCKTOP_TOKEN") && !message.contains("lines\""),
        "{message}"
    );
}

#[test]
fn unknown_profile_error_lists_the_profiles() {
    let message = fault("--profile pi44");
    assert!(
        message.contains("\"pi44\" (there are: broken, pi4, plain)"),
        "{message}"
    );
    let none = resolve(&cli("-P x"), &Profiles::default(), &environment()).unwrap_err();
    assert!(none.to_string().contains("none is saved yet"), "{none}");
}

#[test]
fn invalid_address_error_names_its_source() {
    assert!(fault("http://pi4").contains("neither ws nor wss"));
    assert!(fault("broken").contains("profile \"broken\": \"http://broken\""));
}

#[test]
fn a_new_profile_is_saved_without_asking() {
    let connect = connect_of("-P pi5 pi5 -t pi5.pem --processes-interval-ms 3000");
    assert_eq!(connect.profile.as_deref(), Some("pi5"));
    let save = connect.save.unwrap();
    assert!(!save.ask);
    assert_eq!(save.profile.url, "wss://pi5:8443/ws");
    assert_eq!(
        save.profile.tls_ca.as_deref(),
        Some(Path::new("/here/pi5.pem"))
    );
    assert_eq!(save.profile.processes_interval_ms, Some(3000));
    assert_eq!(save.profile.metrics_interval_ms, None);
}

#[test]
fn token_in_the_url_is_saved_and_environment_token_is_not() {
    let url = |words: &str, token: Option<&str>| {
        let environment = Environment {
            token: token.map(OsString::from),
            ..environment()
        };
        match resolve(&cli(words), &profiles(), &environment).unwrap() {
            Action::Connect(connect) => connect.save.unwrap().profile.url,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(url("-P x ws://x:1?token=a", None), "ws://x:1/ws?token=a");
    assert_eq!(
        url("-P x ws://x:1?token=a", Some("b")),
        "ws://x:1/ws?token=a"
    );
    assert_eq!(url("-P x ws://x:1", Some("b")), "ws://x:1/ws");
}

#[test]
fn an_existing_profile_is_overwritten_only_when_it_differs_and_the_user_agrees() {
    let unchanged = connect_of("-P pi4 wss://pi4:8443 -t /certs/pi4.pem --token-file /tokens/pi4");
    assert_eq!(unchanged.save, None);
    let save = connect_of("-P pi4 pi4:9000").save.unwrap();
    assert!(save.ask);
    assert!(save.question().unwrap().contains("\"pi4\""));
    assert_eq!(save.profile.url, "wss://pi4:9000/ws");
    assert_eq!(save.profile.tls_ca, None);
    // What the command line does not mention stays.
    assert_eq!(save.profile.metrics_interval_ms, Some(250));
    let kept = serde_json::to_value(&save.profile).unwrap();
    assert_eq!(kept["colour"], "green");
    let forced = connect_of("-P pi4 pi4:9000 --save").save.unwrap();
    assert_eq!(forced.question(), None);
}

#[test]
fn a_clients_certificate_has_a_key_and_is_saved_as_absolute_paths() {
    for half in ["pi5 --cert c.pem", "pi5 --key k.pem"] {
        assert_eq!(
            parse(half).err().unwrap().kind(),
            ErrorKind::MissingRequiredArgument
        );
    }
    let connect = connect_of("-P pi5 pi5 --cert c.pem --key k.pem");
    let files = connect.client.unwrap();
    assert_eq!(files.certificate, Path::new("c.pem"));
    assert_eq!(files.key, Path::new("k.pem"));
    let saved = serde_json::to_value(connect.save.unwrap().profile).unwrap();
    assert_eq!(saved["client_cert"], "/here/c.pem");
    assert_eq!(saved["client_key"], "/here/k.pem");
    let mut profiles = profiles();
    let profile = serde_json::from_value(saved).unwrap();
    profiles.profiles.insert("pi5".to_owned(), profile);
    let of = |words: &str| match resolve(&cli(words), &profiles, &environment()).unwrap() {
        Action::Connect(connect) => connect.client.unwrap().key,
        other => panic!("{other:?}"),
    };
    assert_eq!(of("pi5"), Path::new("/here/k.pem"));
    assert_eq!(of("pi5 --cert a --key b"), Path::new("b"));
}

#[test]
fn hosts_named_like_commands_can_be_given_as_urls() {
    let command = |words: &str| cli(words).command;
    assert_eq!(command("list"), Some(Command::List));
    assert_eq!(
        command("forget pi4:8443"),
        Some(Command::Forget {
            host: "pi4:8443".to_owned()
        })
    );
    assert_eq!(
        command("add --name x socktop://…"),
        Some(Command::Add {
            line: Some("socktop://…".to_owned()),
            name: Some("x".to_owned())
        })
    );
    for words in [
        "wss://list:8443",
        "list:8443",
        "help",
        "pi4",
        "-- list",
        "-t a list",
    ] {
        assert_eq!(command(words), None, "{words}");
        assert!(cli(words).agent.is_some(), "{words}");
    }
    assert_eq!(cli("--profile list").agent, None);
    assert_eq!(parse("list pi4").err().unwrap().exit_code(), 2);
    assert_eq!(parse("remove").err().unwrap().exit_code(), 2);
}

/// What the command line says of the host is said again by the profile that it saves.
#[test]
fn a_saved_profile_keeps_every_option_that_is_about_the_host() {
    let words = "pi5 -t ca.pem --verify-hostname --cert c.pem --key k.pem --token-file t --metrics-interval-ms 300 \
                 --processes-interval-ms 900 --disks-interval-ms 7000";
    let given = connect_of(&format!("-P kept {words}"));
    let mut profiles = profiles();
    let save = given.save.clone().unwrap();
    profiles.profiles.insert(save.name, save.profile);
    let Action::Connect(saved) = resolve(&cli("kept"), &profiles, &environment()).unwrap() else {
        panic!("a profile is connected to");
    };
    assert_eq!(saved.intervals, given.intervals);
    assert_eq!(saved.intervals.disks, Duration::from_secs(7));
    assert!(saved.verify_hostname);
    assert_eq!(saved.tls_ca.as_deref(), Some(Path::new("/here/ca.pem")));
    assert_eq!(saved.token_file.as_deref(), Some(Path::new("/here/t")));
    let client = saved.client.unwrap();
    assert_eq!(client.certificate, Path::new("/here/c.pem"));
    assert_eq!(client.key, Path::new("/here/k.pem"));
}

#[test]
fn stored_token_is_for_its_recipient_and_a_given_token_for_the_dialled_agent() {
    let mut profiles = profiles();
    let bound = Recipient::from("vouched:pi4:8443".to_owned());
    profiles.profiles.get_mut("pi4").unwrap().token_for = Some(bound.clone());
    let of = |words: &str, token: Option<&str>| {
        let environment = Environment {
            token: token.map(OsString::from),
            ..environment()
        };
        match resolve(&cli(words), &profiles, &environment).unwrap() {
            Action::Connect(connect) => *connect,
            other => panic!("{other:?}"),
        }
    };
    for (words, token, is_stored, token_for) in [
        ("pi4", None, true, Some(&bound)),
        ("plain", None, true, None),
        ("pi4 --token-file t", None, false, None),
        ("pi4", Some("given"), false, None),
        ("pi5", None, false, None),
    ] {
        let connect = of(words, token);
        assert_eq!(connect.token_is_stored, is_stored, "{words}");
        assert_eq!(connect.token_for.as_ref(), token_for, "{words}");
    }
    // Given again, it is for the agent at the address now; that alone is no reason to ask.
    let again = "-P pi4 wss://pi4:8443 -t /certs/pi4.pem --token-file /tokens/pi4";
    assert_eq!(of(again, None).save.unwrap().profile.token_for, None);
}

#[test]
fn credential_without_an_agent_is_refused() {
    for (words, option) in [
        ("--token-file t", "--token-file"),
        ("--cert c --key k", "--cert"),
    ] {
        let fault = fault(words);
        assert!(fault.starts_with(option), "{fault}");
    }
    assert!(matches!(resolved("--compact"), Ok(Action::List)));
}
