use super::*;
use crate::auth::token_file::Tokens;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

fn access(token: Option<&str>) -> Access {
    Access {
        tokens: token.into_iter().map(named).collect(),
        ..Access::default()
    }
}

fn named(line: &str) -> NamedToken {
    let tokens = Tokens::parse(line, "a test").unwrap();
    tokens.iter().next().unwrap().clone()
}

fn enter(gate: &Gate, peer: Peer, headers: &HeaderMap, query: &str) -> Result<(), Refusal> {
    gate.check(peer, ClientCertificate(None), headers, query)
        .map(drop)
}

fn gate(access: Access) -> Gate {
    Gate::new(access, &["0.0.0.0:3000".parse().unwrap()]).unwrap()
}

fn peer(address: &str) -> Peer {
    Peer::Network(address.parse().unwrap())
}

const LOCAL: &[(&str, &str)] = &[("host", "localhost:3000")];

#[test]
fn loopback_client_needs_no_token_unless_one_is_set() {
    for address in ["127.0.0.1:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
        let open = gate(access(None));
        assert_eq!(enter(&open, peer(address), &headers(LOCAL), ""), Ok(()));
        let closed = gate(access(Some("secret")));
        let check = |query| enter(&closed, peer(address), &headers(LOCAL), query);
        assert_eq!(check(""), Err(Refusal::Token));
        assert_eq!(check("token=secret"), Ok(()));
    }
}

#[test]
fn remote_client_needs_the_generated_token() {
    let gate = gate(access(None));
    let made = gate.made_token().unwrap().reveal().to_owned();
    let stranger = peer("192.0.2.1:9");
    let check = |query: &str| enter(&gate, stranger, &HeaderMap::new(), query);
    assert_eq!(check(""), Err(Refusal::Token));
    assert_eq!(check(&format!("token={made}")), Ok(()));
    let bearer = headers(&[("authorization", &format!("bearer {made}"))]);
    assert_eq!(enter(&gate, stranger, &bearer, ""), Ok(()));
}

#[test]
fn token_is_not_generated_when_only_loopback_is_served() {
    let loopback = [
        "127.0.0.1:3000".parse().unwrap(),
        "[::1]:3000".parse().unwrap(),
    ];
    let gate = Gate::new(access(None), &loopback).unwrap();
    assert!(gate.made_token().is_none());
    let stranger = peer("192.0.2.1:9");
    assert_eq!(
        enter(&gate, stranger, &HeaderMap::new(), ""),
        Err(Refusal::Token)
    );
}

#[test]
fn no_token_setting_admits_all_clients() {
    let gate = gate(Access {
        no_token: true,
        ..Access::default()
    });
    assert!(gate.made_token().is_none());
    assert_eq!(
        enter(&gate, peer("192.0.2.1:9"), &HeaderMap::new(), ""),
        Ok(())
    );
}

#[test]
fn gate_denies_all_clients_while_the_access_file_is_invalid() {
    let broken = Access {
        no_token: true,
        broken: Some("access.toml, line 2: nonsense".to_owned()),
        ..access(Some("secret"))
    };
    let gate = gate(broken);
    for address in ["127.0.0.1:9", "192.0.2.1:9"] {
        let refusal = enter(&gate, peer(address), &headers(LOCAL), "token=secret");
        let refusal = refusal.unwrap_err();
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refusal.to_string().contains("line 2"), "{refusal}");
    }
    let repaired = gate.with(access(Some("secret")));
    let check = |query| enter(&repaired, peer("192.0.2.1:9"), &HeaderMap::new(), query);
    assert_eq!(check("token=secret"), Ok(()));
    assert_eq!(check(""), Err(Refusal::Token));
}

#[test]
fn token_in_the_query_is_percent_decoded() {
    let gate = gate(access(Some("a&b=c+d%")));
    let check = |query| enter(&gate, peer("192.0.2.1:9"), &HeaderMap::new(), query);
    assert_eq!(check("x=1&token=a%26b%3Dc%2Bd%25"), Ok(()));
    assert_eq!(check("token=a"), Err(Refusal::Token));
    assert_eq!(check("nottoken=a%26b%3Dc%2Bd%25"), Err(Refusal::Token));
}

#[test]
fn foreign_origin_is_refused_with_and_without_a_token() {
    let gate = gate(Access {
        allowed_origins: vec!["https://good.example".to_owned()],
        ..access(Some("secret"))
    });
    let check = |origin| {
        let headers = headers(&[("host", "localhost"), ("origin", origin)]);
        enter(&gate, peer("127.0.0.1:9"), &headers, "token=secret")
    };
    assert_eq!(check("https://good.example"), Ok(()));
    assert_eq!(check("https://evil.example"), Err(Refusal::Origin));
    assert_eq!(check("null"), Err(Refusal::Origin));
}

#[test]
fn dns_rebinding_is_refused_on_loopback() {
    let gate = gate(access(None));
    let check = |host| enter(&gate, peer("127.0.0.1:9"), &headers(&[("host", host)]), "");
    for good in [
        "localhost",
        "LOCALHOST:3000",
        "127.0.0.1:3000",
        "[::1]:3000",
        "[::1]",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in [
        "evil.example",
        "localhost.evil.example:3000",
        "127.0.0.1.nip.io",
        "",
        "a b",
    ] {
        assert_eq!(check(bad), Err(Refusal::Host), "{bad:?}");
    }
    let none = enter(&gate, peer("127.0.0.1:9"), &HeaderMap::new(), "");
    assert_eq!(none, Err(Refusal::Host));
}

#[test]
fn token_grants_only_its_rights() {
    let gate = gate(Access {
        tokens: ["secret", "graph name=grafana rights=metrics"]
            .map(named)
            .into(),
        ..Access::default()
    });
    let pass = |query| {
        let pass = gate.check(
            peer("192.0.2.1:9"),
            ClientCertificate(None),
            &HeaderMap::new(),
            query,
        );
        pass.map(|pass| (pass.rights, pass.to_string()))
    };
    let (rights, by) = pass("token=secret").unwrap();
    assert_eq!(
        (rights, by.as_str()),
        (Rights::Full, "by the token default")
    );
    let (rights, by) = pass("token=graph").unwrap();
    assert_eq!(rights, Rights::Metrics);
    assert_eq!(by, "by the token grafana, for metrics alone");
    assert_eq!(pass("token=grafana"), Err(Refusal::Token));
}

#[test]
fn client_certificates_are_required_as_configured() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let authority = rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap();
    std::fs::write(&path, authority.cert.pem()).unwrap();
    let stranger = peer("192.0.2.1:9");
    let none = HeaderMap::new();
    let shown = Some(Pin::from_digest([7; 32]));
    for (require, certificate_alone, token_alone, both) in [
        (Require::Either, true, true, true),
        (Require::Certificate, true, false, true),
        (Require::Both, false, false, true),
    ] {
        let gate = gate(Access {
            client_ca: Some(ClientCa::read(&path, require).unwrap()),
            ..access(Some("secret"))
        });
        let enters = |shown, query| {
            gate.check(stranger, ClientCertificate(shown), &none, query)
                .is_ok()
        };
        assert!(!enters(None, ""), "{require:?}");
        assert_eq!(enters(shown, ""), certificate_alone, "{require:?}");
        assert_eq!(enters(None, "token=secret"), token_alone, "{require:?}");
        assert_eq!(enters(shown, "token=secret"), both, "{require:?}");
    }
}

#[test]
fn foreign_host_header_on_loopback_needs_a_valid_token() {
    let proxy = peer("127.0.0.1:9");
    let elsewhere = headers(&[("host", "monitor.example")]);
    let closed = gate(access(Some("secret")));
    let check = |gate: &Gate, query: &str| enter(gate, proxy, &elsewhere, query);
    assert_eq!(check(&closed, "token=secret"), Ok(()));
    assert_eq!(check(&closed, "token=wrong"), Err(Refusal::Token));
    assert_eq!(check(&closed, ""), Err(Refusal::Host));
    assert_eq!(check(&closed, "token="), Err(Refusal::Host));

    // The token that was made is one, where loopback needs none otherwise.
    let open = gate(access(None));
    let made = open.made_token().unwrap().reveal().to_owned();
    assert_eq!(check(&open, &format!("token={made}")), Ok(()));
    assert_eq!(check(&open, ""), Err(Refusal::Host));

    // Where all clients are admitted, a web page whose name resolves to this machine is still refused.
    let everyone = gate(Access {
        no_token: true,
        ..Access::default()
    });
    assert_eq!(check(&everyone, ""), Err(Refusal::Host));
    assert_eq!(check(&everyone, "token=any"), Err(Refusal::Token));
}

#[test]
fn foreign_origin_is_refused_with_a_valid_token() {
    let gate = gate(access(Some("secret")));
    let page = headers(&[
        ("host", "monitor.example"),
        ("origin", "https://evil.example"),
    ]);
    assert_eq!(
        enter(&gate, peer("127.0.0.1:9"), &page, "token=secret"),
        Err(Refusal::Origin)
    );
}
