//! Tests of agent URLs as users type them.

use proptest::prelude::*;

use super::*;

fn url(text: &str) -> String {
    text.parse::<AgentUrl>().unwrap().to_url()
}

fn fault(text: &str) -> String {
    text.parse::<AgentUrl>().unwrap_err().to_string()
}

#[test]
fn bare_host_means_tls_on_the_default_port() {
    assert_eq!(url("pi4"), "wss://pi4:8443/ws");
    assert_eq!(url("pi4.lan:9000"), "wss://pi4.lan:9000/ws");
    assert_eq!(url("192.168.1.5"), "wss://192.168.1.5:8443/ws");
    assert_eq!(url("pi4:443"), "wss://pi4:443/ws");
    assert_eq!(url("[fe80::1]:9000"), "wss://[fe80::1]:9000/ws");
    assert_eq!(url("[::1]"), "wss://[::1]:8443/ws");
    assert_eq!(url("::1"), "wss://[::1]:8443/ws");
}

#[test]
fn url_is_kept_as_given() {
    assert_eq!(url("ws://pi4:3000/ws"), "ws://pi4:3000/ws");
    assert_eq!(url("ws://pi4:3000"), "ws://pi4:3000/ws");
    assert_eq!(url("ws://pi4:3000/"), "ws://pi4:3000/ws");
    assert_eq!(url("wss://pi4/agents/3?x=1"), "wss://pi4:443/agents/3?x=1");
    assert_eq!(url("ws://pi4"), "ws://pi4:80/ws");
    assert_eq!(url("WS://PI4:3000"), "ws://pi4:3000/ws");
}

#[test]
fn a_link_local_address_keeps_its_zone() {
    for text in [
        "fe80::1%eth0",
        "[fe80::1%eth0]",
        "fe80::1%25eth0",
        "[fe80::1%25eth0]:8443",
        "wss://[fe80::1%25eth0]:8443/ws",
        "wss://[fe80::1%eth0]:8443",
    ] {
        let target: AgentUrl = text.parse().unwrap();
        assert_eq!(target.to_url(), "wss://[fe80::1%25eth0]:8443/ws", "{text}");
        assert_eq!(target.to_string(), "wss://[fe80::1%eth0]:8443/ws");
        assert_eq!(target.authority(), "[fe80::1%eth0]:8443");
        assert_eq!(target.host_header(), "[fe80::1]:8443");
        assert_eq!(target.zone(), Some("eth0"));
        assert_eq!(target.to_url().parse(), Ok(target));
    }
    let zone = |text: &str| text.parse::<AgentUrl>().unwrap().zone().map(str::to_owned);
    assert_eq!(zone("ws://[fe80::1%2]/?token=a%25b").as_deref(), Some("2"));
    assert_eq!(zone("fe80::1%25").as_deref(), Some("25"));
    assert_eq!(zone("ws://pi4/[::1%25x]"), None);
    for text in [
        "fd99::2%eth0",
        "fe80::1%",
        "fe80::1%eth 0",
        "fe80::1%a-name-that-is-too-long",
        "ws://[fe80::1%25eth@0]",
    ] {
        assert!(fault(text).contains("link-local"), "{}", fault(text));
    }
}

#[test]
fn token_in_the_url_is_kept_and_hidden() {
    let target: AgentUrl = "ws://pi4:3000/ws?a=1&token=s3%20%2Bcret".parse().unwrap();
    assert_eq!(target.token().unwrap().expose(), "s3 +cret");
    assert_eq!(target.to_string(), "ws://pi4:3000/ws");
    assert!(!format!("{target:?}").contains("cret"));
    assert_eq!(target.path_and_query(false), "/ws?a=1&token=s3+%2Bcret");
    assert_eq!(
        target.to_url().parse::<AgentUrl>().unwrap().token(),
        target.token()
    );
}

#[test]
fn separate_token_is_in_the_request_only_when_asked_for() {
    let mut target: AgentUrl = "ws://pi4:3000".parse().unwrap();
    target.set_token(Token::new("s3cret").unwrap());
    assert_eq!(target.path_and_query(false), "/ws");
    assert_eq!(target.path_and_query(true), "/ws?token=s3cret");
    assert_eq!(target.to_url(), "ws://pi4:3000/ws");
}

#[test]
fn separate_token_replaces_the_one_in_the_url() {
    let mut target: AgentUrl = "ws://pi4:3000/?token=old".parse().unwrap();
    target.set_token(Token::new("new").unwrap());
    assert_eq!(target.path_and_query(false), "/ws?token=new");
}

#[test]
fn errors_name_the_fault() {
    assert!(fault("").contains("it is empty"));
    assert!(fault("http://pi4").contains("scheme \"http\""));
    assert!(fault("pi4:0").contains("port \"0\""));
    assert!(fault("pi4:65536").contains("port \"65536\""));
    assert!(fault("pi4:").contains("port \"\""));
    assert!(fault("[::1]8443").contains("port \"8443\""));
    assert!(fault("ws://pi4:0").contains("port \"0\""));
    assert!(fault("pi4/ws").contains("needs ws:// or wss://"));
    assert!(fault("[::g]").contains("IPv6"));
    assert!(fault("my host").contains("names no agent"));
    assert!(fault("ws://pi4/#x").contains("#fragment"));
    assert!(fault("socktop://pi4:8443/?pin=x").contains("socktop add"));
}

#[test]
fn errors_show_no_secret() {
    for text in [
        "ws://user:s3cret@pi4",
        "user:s3cret@pi4",
        "http://pi4?token=s3cret",
        "pi4?token=s3cret",
        "ws://pi4:x?token=s3cret",
        "socktop://pi4:8443/?pin=sha256:a5&token=s3cret",
    ] {
        assert!(!fault(text).contains("s3cret"), "{}", fault(text));
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,40}") {
        let _ = text.parse::<AgentUrl>();
    }

    #[test]
    fn profile_file_is_the_same_after_reading_and_writing(text in "(wss?://)?[a-z0-9.-]{1,12}(:[0-9]{1,5})?(/[a-z%?=&]{0,8})?") {
        if let Ok(target) = text.parse::<AgentUrl>() {
            prop_assert_eq!(target.to_url().parse::<AgentUrl>().unwrap(), target);
        }
    }
}
