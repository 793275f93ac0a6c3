//! Tests of pairing lines: complete, damaged, and amid other text.

use proptest::prelude::*;

use super::*;

fn pairing() -> Pairing {
    Pairing {
        host: "pi4.local".to_owned(),
        port: 8443,
        pin: Pin::from_digest([0xa5; 32]),
        token: Some("s3&c=r%t".to_owned()),
        name: Some("pi4".to_owned()),
    }
}

fn line() -> String {
    format!(
        "socktop://pi4.local:8443/?pin=sha256:{}&token=s3%26c%3Dr%25t&name=pi4",
        "a5".repeat(32)
    )
}

#[test]
fn pairing_is_one_line_and_reads_back_the_same() {
    assert_eq!(pairing().to_string(), line());
    assert_eq!(format!(" {}\n", line()).parse(), Ok(pairing()));
    assert_eq!(pairing().pin.short(), "sha256:a5a5a5a5a5a5a5a5…");
    let six = Pairing {
        host: "[fd99::2]".to_owned(),
        token: None,
        name: None,
        ..pairing()
    };
    assert_eq!(six.to_string().parse(), Ok(six));
}

#[test]
fn any_host_name_and_zone_read_back_the_same() {
    for (host, written, read) in [
        ("[fe80::1%eth0]", "[fe80::1%25eth0]", "[fe80::1%eth0]"),
        ("fe80::1%eth0", "[fe80::1%25eth0]", "[fe80::1%eth0]"),
        ("[fe80::1%de+1]", "[fe80::1%25de%2B1]", "[fe80::1%de+1]"),
        ("fd99::2", "[fd99::2]", "[fd99::2]"),
        ("büro", "b%C3%BCro", "büro"),
        ("pi 4", "pi%204", "pi 4"),
        ("pi_4", "pi_4", "pi_4"),
    ] {
        let pairing = Pairing {
            host: host.to_owned(),
            ..pairing()
        };
        let line = pairing.to_string();
        let expected = format!("socktop://{written}:8443/?");
        assert!(line.starts_with(&expected), "{line}");
        assert_eq!(line.parse::<Pairing>().unwrap().host, read);
    }
    // As it is typed by hand.
    let typed = line().replace("pi4.local", "[fe80::1%eth0]");
    assert_eq!(typed.parse::<Pairing>().unwrap().host, "[fe80::1%eth0]");
    for host in [
        "[fd99::2%25eth0]",
        "[fe80::1%]",
        "[fe80::1%25a%2Fb]",
        "a%40b",
        "a%2Fb",
        "a%3F",
        "%00",
    ] {
        let line = line().replace("pi4.local", host);
        assert_eq!(
            line.parse::<Pairing>(),
            Err(PairingError::Authority),
            "{host}"
        );
    }
}

#[test]
fn lines_are_found_in_terminal_output() {
    let noise = format!(
        "\u{feff}{0}\r\n[sudo] password for pi: {0}\r\n\u{1b}[200~{0}\u{1b}[201~\nConnection to pi4 closed.\r\n'{0}' {0}",
        line()
    );
    let found: Vec<_> = find(&noise).collect();
    assert_eq!(found, vec![line(); 5]);
    assert_eq!(find("Connection to pi4 closed.").count(), 0);
    assert_eq!(format!("\u{feff}{}", line()).parse(), Ok(pairing()));
}

#[test]
fn unknown_parts_are_ignored() {
    assert_eq!(format!("{}&era=2&x", line()).parse(), Ok(pairing()));
}

#[test]
fn error_names_the_damaged_part_and_shows_no_secret() {
    let pin = format!("pin=sha256:{}", "a5".repeat(32));
    for (text, error) in [
        ("wss://pi4:8443/ws".to_owned(), PairingError::Scheme),
        (String::new(), PairingError::Scheme),
        (format!("socktop://pi4/?{pin}"), PairingError::Authority),
        (format!("socktop://pi4:0/?{pin}"), PairingError::Authority),
        (format!("socktop://:1/?{pin}"), PairingError::Authority),
        (format!("socktop://a@b:1/?{pin}"), PairingError::Authority),
        (format!("socktop://[::g]:1/?{pin}"), PairingError::Authority),
        (format!("socktop://::1:1/?{pin}"), PairingError::Authority),
        (
            "socktop://pi4:1/?token=s3cret".to_owned(),
            PairingError::Pin,
        ),
        ("socktop://pi4:1".to_owned(), PairingError::Pin),
        (line().replace("a5a5", "a5"), PairingError::Pin),
        (
            format!("socktop://pi4:1/?{pin}&token=%0as3cret"),
            PairingError::Value { key: "token" },
        ),
        (
            format!("socktop://pi4:1/?{pin}&name=%ff"),
            PairingError::Value { key: "name" },
        ),
        (
            format!("{}{}", line(), "x".repeat(MAX_BYTES)),
            PairingError::TooLong,
        ),
    ] {
        let refused = text.parse::<Pairing>().unwrap_err();
        assert_eq!(refused, error, "{text}");
        assert!(!refused.to_string().contains("s3cret"));
    }
}

#[test]
fn debug_hides_the_token() {
    assert!(!format!("{:?}", pairing()).contains("s3&c"));
}

proptest! {
    #[test]
    fn any_pairing_is_the_same_after_encoding_and_parsing(
        digest in any::<[u8; 32]>(), port in 1_u16.., token in "[!-~]{1,40}", name in "\\PC{1,20}", host in "[a-z0-9.-]{1,20}",
    ) {
        prop_assume!(!name.chars().any(char::is_control));
        let pairing = Pairing {
            host, port, pin: Pin::from_digest(digest), token: Some(token), name: Some(name),
        };
        let line = pairing.to_string();
        prop_assert!(line.bytes().all(|byte| byte.is_ascii_graphic()));
        prop_assert_eq!(line.parse::<Pairing>(), Ok(pairing));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "(socktop://)?\\PC{0,60}") {
        let _ = text.parse::<Pairing>();
        let _ = text.parse::<Pin>();
    }
}
