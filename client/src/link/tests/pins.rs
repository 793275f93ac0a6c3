//! Pinned keys, unknown keys and client certificates, over real sockets.

use std::sync::Arc;

use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use socktop_proto::pairing::Pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::super::dial::Dialer;
use super::super::{DialError, Endpoint, Question};
use super::network::{dial_once, listener};
use super::tls::{Identity, dialled, named, server};
use super::*;
use crate::secrets::recipient::Recipient;
use crate::secrets::token::Token;
use crate::trust::{ClientIdentity, Trust};

fn pin(agent: &Identity) -> Pin {
    use rcgen::PublicKeyData;
    let key = agent.key.subject_public_key_info();
    let digest = ring::digest::digest(&ring::digest::SHA256, &key);
    Pin::from_digest(digest.as_ref().try_into().unwrap())
}

fn pinned(agent: &Identity) -> Trust {
    Trust::pinned("pi4:8443", pin(agent), false).unwrap()
}

/// Another certificate over the same key.
fn renewed(agent: &Identity, name: &str) -> Identity {
    let key = KeyPair::from_pem(&agent.key.serialize_pem()).unwrap();
    Identity::over(key, &named(name))
}

#[tokio::test]
async fn pinned_key_is_accepted_in_any_certificate() {
    for agent in [
        Identity::self_signed("127.0.0.1"),
        Identity::expired("elsewhere"),
        Identity::issued(&named("elsewhere")),
    ] {
        let trust = pinned(&agent);
        assert_eq!(agent.dialled_with(trust.clone()).await, Ok(Dialect::Native));
        let renewed = renewed(&agent, "another");
        assert_eq!(renewed.dialled_with(trust).await, Ok(Dialect::Native));
    }
}

#[tokio::test]
async fn key_other_than_the_pinned_one_is_refused_with_both_fingerprints() {
    let known = Identity::self_signed("127.0.0.1");
    let other = Identity::self_signed("127.0.0.1");
    let refused = dialled(other.acceptor(), pinned(&known)).await.unwrap_err();
    assert_eq!(refused.question(), None, "this is no first use");
    let message = refused.to_string();
    for part in [
        &format!("{} is remembered for pi4:8443", pin(&known)),
        &format!("it presented {}", pin(&other)),
        "intercepts",
        "sudo socktop-agent fingerprint",
        "socktop forget pi4:8443",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn name_of_a_pinned_agent_is_checked_on_request() {
    let agent = Identity::self_signed("127.0.0.1");
    let trust = || Trust::pinned("pi4:8443", pin(&agent), true).unwrap();
    assert_eq!(agent.dialled_with(trust()).await, Ok(Dialect::Native));
    let elsewhere = renewed(&agent, "elsewhere");
    let refused = elsewhere.dialled_with(trust()).await.unwrap_err();
    assert!(
        refused.contains("not for this name but for elsewhere;"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_certificate_that_is_replayed_without_its_key_is_refused() {
    let agent = Identity::self_signed("127.0.0.1");
    let thief = Identity::self_signed("127.0.0.1");
    let mut roots = RootCertStore::empty();
    roots.add(agent.certificate.der().clone()).unwrap();
    for trust in [
        pinned(&agent),
        agent.trust(),
        Trust::authorities(roots).unwrap(),
    ] {
        for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
            let stolen = CertifiedKey::new(
                vec![agent.certificate.der().clone()],
                any_supported_type(&thief.secret()).unwrap(),
            );
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(SingleCertAndKey::from(stolen)));
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let refused = dialled(acceptor, trust.clone()).await.unwrap_err();
            assert!(
                refused.to_string().contains("without having its key"),
                "{refused}"
            );
            assert_eq!(refused.question(), None);
        }
    }
}

#[tokio::test]
async fn system_authorities_verify_names_and_refuse_unknown_issuers() {
    let vouching = |agent: &Identity| {
        let mut roots = RootCertStore::empty();
        let certificate = rustls::pki_types::pem::PemObject::from_pem_slice(agent.pem.as_bytes());
        roots.add(certificate.unwrap()).unwrap();
        Trust::authorities(roots).unwrap()
    };
    let agent = Identity::issued(&named("127.0.0.1"));
    assert_eq!(
        agent.dialled_with(vouching(&agent)).await,
        Ok(Dialect::Native)
    );
    let elsewhere = Identity::issued(&named("elsewhere"));
    let unknown = Identity::self_signed("127.0.0.1");
    for (presented, trust) in [
        (&elsewhere, vouching(&elsewhere)),
        (&unknown, vouching(&agent)),
        (&unknown, Trust::system().unwrap()),
    ] {
        let refused = dialled(presented.acceptor(), trust).await.unwrap_err();
        assert_eq!(refused.question(), Some(Question::Key(pin(presented))));
        assert!(
            refused.to_string().contains(&pin(presented).to_string()),
            "{refused}"
        );
    }
}

/// What an agent hears over TLS until the client hangs up, where the token is for `recipient`.
async fn received_by(
    agent: &Identity,
    trust: Trust,
    recipient: Option<Recipient>,
) -> (Result<Dialect, DialError>, String) {
    let (listener, address) = listener().await;
    let mut endpoint = Endpoint::Tls(address.to_string().parse().unwrap(), trust);
    endpoint.set_token(Token::new("s3cret").unwrap());
    if let (Endpoint::Tls(target, _), Some(recipient)) = (&mut endpoint, recipient) {
        let recipient = match recipient {
            Recipient::Vouched(_) => Recipient::Vouched(target.authority()),
            other => other,
        };
        target.bind_token(recipient);
    }
    let heard = Arc::new(Mutex::new(String::new()));
    let hearing = Arc::clone(&heard);
    let server = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = agent.acceptor().accept(stream).await else {
                continue;
            };
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            hearing
                .lock()
                .push_str(std::str::from_utf8(&request[..read]).unwrap());
            let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(refusal).await;
            let _ = stream.shutdown().await;
        }
    };
    let dialled = tokio::select! {
        dialled = dial_once(&endpoint) => dialled,
        () = server => unreachable!("the server never ends"),
    };
    let heard = heard.lock().clone();
    (dialled, heard)
}

#[tokio::test]
async fn agent_with_an_unknown_key_gets_no_byte_of_a_request() {
    let agent = Identity::self_signed("127.0.0.1");
    let stranger = Identity::issued(&named("127.0.0.1"));
    let mut roots = RootCertStore::empty();
    roots.add(stranger.certificate.der().clone()).unwrap();
    let trust = Trust::authorities(roots).unwrap();
    let (dialled, heard) = received_by(&agent, trust, None).await;
    let question = dialled.unwrap_err().question();
    assert_eq!(question, Some(Question::Key(pin(&agent))));
    assert_eq!(heard, "");
}

#[tokio::test]
async fn stored_token_is_sent_only_to_its_key() {
    let agent = Identity::self_signed("127.0.0.1");
    let issued = Identity::issued(&named("127.0.0.1"));
    let other = Pin::from_digest([7; 32]);
    let vouched = || Recipient::Vouched(String::new());
    for (agent, trust, recipient, sent) in [
        (&agent, pinned(&agent), None, true),
        (
            &agent,
            pinned(&agent),
            Some(Recipient::Key(pin(&agent))),
            true,
        ),
        (
            &agent,
            agent.trust(),
            Some(Recipient::Key(pin(&agent))),
            true,
        ),
        (&issued, issued.trust(), Some(vouched()), true),
        (&agent, pinned(&agent), Some(Recipient::Key(other)), false),
        (&agent, agent.trust(), Some(Recipient::Key(other)), false),
        (&agent, pinned(&agent), Some(vouched()), false),
        (
            &agent,
            pinned(&agent),
            Some(Recipient::Unknown("x".to_owned())),
            false,
        ),
    ] {
        let case = format!("{recipient:?}");
        let (dialled, heard) = received_by(agent, trust, recipient).await;
        assert_eq!(heard.contains("s3cret"), sent, "{case}: {heard}");
        // It is dialled all the same: it might want no token.
        assert!(heard.contains("GET /ws"), "{case}: {heard}");
        let refused = dialled.unwrap_err();
        assert_eq!(refused.question(), Some(Question::Token), "{case}");
        assert_eq!(
            refused.withheld_token().is_some(),
            !sent,
            "{case}: {refused}"
        );
        assert!(!refused.to_string().contains("s3cret"));
    }
}

#[tokio::test]
async fn a_stored_token_for_a_key_is_not_sent_without_tls() {
    let (listener, address) = listener().await;
    let mut endpoint = Endpoint::Plain(format!("ws://{address}").parse().unwrap());
    endpoint.set_token(Token::new("s3cret").unwrap());
    if let Endpoint::Plain(target) = &mut endpoint {
        target.bind_token(Recipient::Key(Pin::from_digest([7; 32])));
    }
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(refusal).await.unwrap();
        String::from_utf8(request[..read].to_vec()).unwrap()
    };
    let (dialled, heard) = tokio::join!(dial_once(&endpoint), server);
    assert!(dialled.unwrap_err().withheld_token().is_some());
    assert!(
        heard.contains("GET /ws") && !heard.contains("s3cret"),
        "{heard}"
    );
}

/// The link dials again and again by itself.
#[tokio::test]
async fn every_attempt_says_why_a_stored_token_is_not_sent() {
    let (listener, address) = listener().await;
    let mut endpoint = Endpoint::Plain(format!("ws://{address}").parse().unwrap());
    endpoint.set_token(Token::new("s3cret").unwrap());
    endpoint.bind_token(Recipient::Key(Pin::from_digest([7; 32])));
    let server = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            assert_ne!(stream.read(&mut request).await.unwrap(), 0);
            let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(refusal).await.unwrap();
        }
    };
    let mut dialer = Dialer::new(endpoint);
    let attempts = async {
        for _ in 0..3 {
            let refused = dialer.dial().await.unwrap_err();
            assert!(refused.withheld_token().is_some(), "{refused}");
            assert_eq!(refused.question(), Some(Question::Token));
        }
    };
    tokio::select! {
        () = attempts => {}
        () = server => unreachable!("the server never ends"),
    }
}

// ---- certificates of clients

/// An authority for clients, and one of its certificates with the key.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    client: ClientIdentity,
}

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = named("a-client").signed_by(&key, &issuer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [cert_file, key_file] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&cert_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    Authority {
        client: ClientIdentity::from_files(&cert_file, &key_file).unwrap(),
        issuer,
    }
}

/// Dials an agent that requires certificates of `authority` from its clients, in both versions of TLS.
async fn dialled_by(
    agent: &Identity,
    authority: &Authority,
    trust: &Trust,
) -> [Result<Dialect, DialError>; 2] {
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .unwrap();
    let acceptor = |version| {
        let config = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(clients.clone())
            .with_single_cert(vec![agent.certificate.der().clone()], agent.secret())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    };
    [
        dialled(acceptor(&rustls::version::TLS13), trust.clone()).await,
        dialled(acceptor(&rustls::version::TLS12), trust.clone()).await,
    ]
}

#[tokio::test]
async fn a_clients_certificate_is_shown_by_every_kind_of_trust() {
    let clients = authority();
    let agent = Identity::self_signed("127.0.0.1");
    for trust in [pinned(&agent), agent.trust()] {
        let trust = trust.presenting(clients.client.clone());
        for dialled in dialled_by(&agent, &clients, &trust).await {
            assert_eq!(dialled.unwrap(), Dialect::Native);
        }
    }
    let issued = Identity::issued(&named("127.0.0.1"));
    let mut roots = RootCertStore::empty();
    let root = rustls::pki_types::pem::PemObject::from_pem_slice(issued.pem.as_bytes());
    roots.add(root.unwrap()).unwrap();
    let trust = Trust::authorities(roots)
        .unwrap()
        .presenting(clients.client.clone());
    for dialled in dialled_by(&issued, &clients, &trust).await {
        assert_eq!(dialled.unwrap(), Dialect::Native);
    }
}

#[tokio::test]
async fn required_client_certificate_is_explained() {
    let clients = authority();
    let agent = Identity::self_signed("127.0.0.1");
    for refused in dialled_by(&agent, &clients, &pinned(&agent)).await {
        let message = refused.unwrap_err().to_string();
        assert!(
            message.contains("requires a client certificate that is issued by its client_ca")
                && message.contains("--cert and --key"),
            "{message}"
        );
    }
    let strangers = pinned(&agent).presenting(authority().client);
    for refused in dialled_by(&agent, &clients, &strangers).await {
        let message = refused.unwrap_err().to_string();
        assert!(
            message.contains("refuses the client certificate; pass --cert and --key"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn client_certificate_is_not_sent_unrequested() {
    let agent = Identity::self_signed("127.0.0.1");
    let config = server()
        .with_no_client_auth()
        .with_single_cert(vec![agent.certificate.der().clone()], agent.secret())
        .unwrap();
    let trust = pinned(&agent).presenting(authority().client);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    assert_eq!(dialled(acceptor, trust).await.unwrap(), Dialect::Native);
}
