//! TLS trust by certificate files, over real sockets.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::super::{DialError, Endpoint};
use super::agent::accept;
use super::network::{dial_once, listener};
use super::*;
use crate::trust::Trust;

/// An agent's certificate and key.
pub(super) struct Identity {
    folder: tempfile::TempDir,
    pub(super) certificate: rcgen::Certificate,
    pub(super) key: KeyPair,
    /// What its user gives to `--tls-ca`.
    pub(super) pem: String,
}

impl Identity {
    /// As a published agent makes it: self-signed, and no authority.
    pub(super) fn self_signed(name: &str) -> Self {
        Self::of(&named(name))
    }

    pub(super) fn expired(name: &str) -> Self {
        let mut params = named(name);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        Self::of(&params)
    }

    pub(super) fn of(params: &CertificateParams) -> Self {
        Self::over(KeyPair::generate().unwrap(), params)
    }

    pub(super) fn over(key: KeyPair, params: &CertificateParams) -> Self {
        let certificate = params.self_signed(&key).unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            pem: certificate.pem(),
            certificate,
            key,
        }
    }

    /// Issued by an authority, which is what the user has.
    pub(super) fn issued(params: &CertificateParams) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            certificate: params.signed_by(&key, &issuer).unwrap(),
            key,
            pem: issuer.pem(),
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        let path = self.folder.path().join("ca.pem");
        std::fs::write(&path, &self.pem).unwrap();
        path
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::from_file(&self.file(), false).unwrap()
    }

    pub(super) fn trust_by_name(&self) -> Trust {
        Trust::from_file(&self.file(), true).unwrap()
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let config = server()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], self.secret())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    pub(super) fn secret(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    /// Dials an agent of this identity as 127.0.0.1.
    pub(super) async fn dialled_with(&self, trust: Trust) -> Result<Dialect, String> {
        dialled(self.acceptor(), trust)
            .await
            .map_err(|error| error.to_string())
    }
}

pub(super) fn server() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

/// Dials an agent at 127.0.0.1 that takes connections with `acceptor`.
pub(super) async fn dialled(acceptor: TlsAcceptor, trust: Trust) -> Result<Dialect, DialError> {
    let (listener, address) = listener().await;
    let endpoint = Endpoint::Tls(address.to_string().parse().unwrap(), trust);
    let server = Box::pin(async {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that does not trust us, or that we do not trust, is gone in the middle.
        if let Ok(stream) = acceptor.accept(stream).await {
            accept(stream, Some("socktop.v2")).await;
        }
    });
    let (dialect, ()) = tokio::join!(dial_once(&endpoint), server);
    dialect
}

pub(super) fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

#[tokio::test]
async fn certificate_in_the_file_is_accepted_with_any_name_and_dates() {
    for agent in [
        Identity::self_signed("127.0.0.1"),
        Identity::self_signed("elsewhere"),
        Identity::expired("elsewhere"),
    ] {
        assert_eq!(agent.dialled_with(agent.trust()).await, Ok(Dialect::Native));
    }
}

#[tokio::test]
async fn certificate_name_is_checked_on_request() {
    let agent = Identity::self_signed("127.0.0.1");
    let dialled = agent.dialled_with(agent.trust_by_name()).await;
    assert_eq!(dialled, Ok(Dialect::Native));
    let agent = Identity::self_signed("elsewhere");
    let refused = agent.dialled_with(agent.trust_by_name()).await.unwrap_err();
    assert!(
        refused.contains("not for this name but for elsewhere;"),
        "{refused}"
    );
}

#[tokio::test]
async fn another_certificate_is_refused() {
    let known = Identity::self_signed("127.0.0.1");
    let other = Identity::self_signed("127.0.0.1");
    for trust in [known.trust(), known.trust_by_name()] {
        let refused = other.dialled_with(trust).await.unwrap_err();
        assert!(refused.contains("is neither in"), "{refused}");
        assert!(refused.contains("…/tls/cert.pem"), "{refused}");
    }
}

#[tokio::test]
async fn certificate_of_an_authority_in_the_file_has_its_name_checked() {
    let agent = Identity::issued(&named("127.0.0.1"));
    assert_eq!(agent.dialled_with(agent.trust()).await, Ok(Dialect::Native));
    let agent = Identity::issued(&named("elsewhere"));
    let refused = agent.dialled_with(agent.trust()).await.unwrap_err();
    assert!(
        refused.contains("not for this name but for elsewhere;"),
        "{refused}"
    );
}

#[tokio::test]
async fn issued_certificate_expires() {
    let mut params = named("127.0.0.1");
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    let agent = Identity::issued(&params);
    let refused = agent.dialled_with(agent.trust()).await.unwrap_err();
    assert!(refused.contains("compare the clocks"), "{refused}");
}

#[tokio::test]
async fn one_of_several_certificates_is_enough() {
    let mut agent = Identity::self_signed("elsewhere");
    let other = Identity::self_signed("other");
    agent.pem = format!("Some notes.\n{}\n{}", other.pem, agent.pem);
    assert_eq!(agent.dialled_with(agent.trust()).await, Ok(Dialect::Native));
}

#[tokio::test]
async fn port_without_tls_is_explained() {
    let (listener, address) = listener().await;
    let agent = Identity::self_signed("127.0.0.1");
    let endpoint = Endpoint::Tls(address.to_string().parse().unwrap(), agent.trust());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer)
            .await
            .unwrap();
        stream
    };
    let (error, _stream) = tokio::join!(dial_once(&endpoint), server);
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("does not speak TLS")
            && message.contains(&format!("use: socktop ws://{address}")),
        "{message}"
    );
}
