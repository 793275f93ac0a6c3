//! Authorization over real sockets: named tokens, client certificates, redaction.
#![cfg(test)]

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use socktop_agent::tls::identity::Identity;
use socktop_proto::model::body;
use socktop_proto::{ErrorCode, Query};
use socktop_testkit::agent::RunningAgent;
use socktop_testkit::agent::client::{ask, ask_native, connect_tls, dial_native};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;

/// A server with its settings in a folder.
struct Host {
    folder: tempfile::TempDir,
    identity: Identity,
    agent: RunningAgent,
}

/// Files of settings, by name. `FOLDER` in them is the folder's path.
fn host(files: &[(&str, &str)]) -> Host {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("agent.toml", ""), ("ca.pem", CA.issuer.pem().as_str())]
        .iter()
        .chain(files)
    {
        let text = text.replace("FOLDER", folder.path().to_str().unwrap());
        fs::write(folder.path().join(name), text).unwrap();
    }
    let identity = Identity {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    identity.ensure("localhost", &[]).unwrap();
    let agent = RunningAgent::builder()
        .settings(&folder.path().join("agent.toml"))
        .identity(&identity)
        .start();
    Host {
        folder,
        identity,
        agent,
    }
}

/// An authority and what it vouches for.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

static CA: std::sync::LazyLock<Authority> = std::sync::LazyLock::new(Authority::new);

type Identified = (rcgen::Certificate, KeyPair);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    fn client(&self) -> Identified {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

impl Host {
    /// Dials with TLS, trusting the host's certificate.
    async fn dial_tls(
        &self,
        certificate: Option<&Identified>,
        token: Option<&str>,
    ) -> Result<WebSocketStream<impl AsyncRead + AsyncWrite + Unpin>, WsError> {
        let own = certificate.map(|(certificate, key)| {
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            (certificate.der().clone(), key)
        });
        let stream = self.agent.connect().await;
        let stream = connect_tls(stream, &self.identity.certificate, own).await?;
        dial_native(stream, token).await
    }

    async fn dial(&self, token: &str) -> Result<WebSocketStream<TcpStream>, WsError> {
        dial_native(self.agent.connect().await, Some(token)).await
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The status of a refusal by HTTP, or nothing where TLS refused already.
fn status<S>(dialled: Result<WebSocketStream<S>, WsError>) -> Option<u16> {
    match dialled {
        Ok(_) => panic!("admitted"),
        Err(WsError::Http(response)) => Some(response.status().as_u16()),
        Err(_) => None,
    }
}

fn me() -> u32 {
    std::process::id()
}

const TOKENS: &str = "secret\ngraph name=grafana rights=metrics\n";
const TOKEN_FILE: (&str, &str) = ("agent.toml", "token_file = \"FOLDER/token\"\n");

#[tokio::test]
async fn metrics_token_grants_neither_details_nor_journal() {
    let host = host(&[TOKEN_FILE, ("token", TOKENS)]);
    let mut full = host.dial("secret").await.unwrap();
    let mut graph = host.dial("graph").await.unwrap();
    assert_eq!(status(host.dial("grafana").await), Some(401));
    for query in [
        Query::Host,
        Query::Metrics,
        Query::Processes,
        Query::Disks,
        Query::Sensors,
    ] {
        let body = ask_native(&mut graph, query).await;
        assert!(
            !matches!(body.kind, Some(body::Kind::Error(_))),
            "{query:?}"
        );
    }
    for query in [Query::Process { pid: me() }, Query::Journal { pid: me() }] {
        // A client that has the right has just had it sampled.
        let allowed = ask_native(&mut full, query).await;
        let Some(body::Kind::Error(error)) = ask_native(&mut graph, query).await.kind else {
            panic!("{query:?} was answered");
        };
        assert_eq!(error.code(), ErrorCode::PermissionDenied);
        assert!(error.message.contains("metrics alone"), "{}", error.message);
        if let Query::Process { .. } = query {
            assert!(matches!(allowed.kind, Some(body::Kind::Process(_))));
        }
    }
}

#[tokio::test]
async fn legacy_dialects_check_the_same_rights() {
    let host = host(&[TOKEN_FILE, ("token", TOKENS)]);
    let (mut socket, _) = host.agent.dial("/ws?token=graph", &[]).await.unwrap();
    for request in [
        format!("get_process_metrics:{}", me()),
        format!("get_journal_entries:{}", me()),
        format!("{{\"type\":\"process\",\"pid\":{}}}", me()),
    ] {
        let reply = ask(&mut socket, request).await;
        let reply = reply.to_text().unwrap();
        assert!(reply.starts_with("{\"error\":"), "{reply}");
        assert!(!reply.contains("\"command\""), "{reply}");
    }
}

#[tokio::test]
async fn arguments_are_redacted_when_configured() {
    let host = host(&[TOKEN_FILE, ("token", TOKENS)]);
    let mut client = host.dial("secret").await.unwrap();
    let watched = tokio::process::Command::new("sleep")
        .arg("60")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = watched.id().unwrap();
    let mut command = async || {
        let body = ask_native(&mut client, Query::Process { pid }).await;
        let Some(body::Kind::Process(details)) = body.kind else {
            panic!("{body:?}");
        };
        details.command
    };
    assert_eq!(command().await, ["sleep", "60"]);
    let settings =
        "token_file = \"FOLDER/token\"\ncollect.redact_arguments = true\ncache.metrics_ms = 0\n";
    host.write(
        "agent.toml",
        &settings.replace("FOLDER", host.folder.path().to_str().unwrap()),
    );
    host.agent.reload();
    let redacted = command().await;
    let [program, rest] = &redacted[..] else {
        panic!("{redacted:?}")
    };
    assert!(program.ends_with("sleep") && rest == "…", "{redacted:?}");
}

const TLS: (&str, &str) = (
    "agent.toml",
    "token_file = \"FOLDER/token\"\ntls.enabled = true\n",
);

fn access(require: &str) -> String {
    format!("client_ca = \"FOLDER/ca.pem\"\nrequire = \"{require}\"\n")
}

#[tokio::test]
async fn client_certificate_grants_access_as_configured() {
    let good = CA.client();
    for (require, bare, by_token, by_certificate, by_both) in [
        ("either", Some(401), true, true, true),
        ("certificate", None, false, true, true),
        ("both", None, false, false, true),
    ] {
        let host = host(&[TLS, ("token", TOKENS), ("access.toml", &access(require))]);
        let dial = async |certificate, token| host.dial_tls(certificate, token).await;
        assert_eq!(status(dial(None, None).await), bare, "{require}");
        for (certificate, token, enters) in [
            (None, Some("secret"), by_token),
            (Some(&good), None, by_certificate),
            (Some(&good), Some("secret"), by_both),
        ] {
            let dialled = dial(certificate, token).await;
            assert_eq!(dialled.is_ok(), enters, "{require} {token:?}");
        }
    }
}

#[tokio::test]
async fn certificate_of_another_authority_or_purpose_is_refused() {
    let stranger = Authority::new().client();
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    let server = (params.signed_by(&key, &CA.issuer).unwrap(), key);
    for require in ["either", "certificate", "both"] {
        let host = host(&[TLS, ("token", TOKENS), ("access.toml", &access(require))]);
        for certificate in [&stranger, &server] {
            let dialled = host.dial_tls(Some(certificate), Some("secret")).await;
            assert_eq!(status(dialled), None, "{require}");
        }
    }
}

#[tokio::test]
async fn reload_changes_the_certificate_requirement() {
    let host = host(&[TLS, ("token", TOKENS)]);
    let by_token = async || host.dial_tls(None, Some("secret")).await.is_ok();
    assert!(by_token().await);
    let file = access("certificate").replace("FOLDER", host.folder.path().to_str().unwrap());
    host.write("access.toml", &file);
    host.agent.reload();
    assert!(!by_token().await);
    assert!(host.dial_tls(Some(&CA.client()), None).await.is_ok());
    fs::remove_file(host.path("access.toml")).unwrap();
    host.agent.reload();
    assert!(by_token().await);
}

#[tokio::test]
async fn unreadable_client_ca_denies_all_clients() {
    let access = "client_ca = \"FOLDER/nowhere.pem\"\n";
    let host = host(&[TLS, ("token", TOKENS), ("access.toml", access)]);
    let dialled = host.dial_tls(None, Some("secret")).await;
    assert_eq!(status(dialled), Some(503));
}
