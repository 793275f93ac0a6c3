//! WebSocket conversations with an agent, over any stream.

use std::path::Path;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use socktop_proto::dialect::native;
use socktop_proto::{Body, Query};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// The header by which a client chooses the native dialect.
pub const NATIVE: (&str, &str) = ("sec-websocket-protocol", native::SUBPROTOCOL);

/// Far above any reply of a test.
const UNPACKED_LIMIT: usize = 1 << 24;

/// Any id but the default one.
const ID: u64 = 7;

/// Opens a conversation with `url`, with headers beside those that each one has.
///
/// # Errors
/// When the agent refuses it.
pub async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    url: &str,
    headers: &[(&'static str, &str)],
) -> Result<(WebSocketStream<S>, Response), Error> {
    let mut request = url.into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    client_async(request, stream).await
}

/// Opens a conversation at a path of this machine.
///
/// # Errors
/// When the agent refuses it.
pub async fn dial<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    path: &str,
) -> Result<WebSocketStream<S>, Error> {
    let url = format!("ws://localhost{path}");
    Ok(upgrade(stream, &url, &[]).await?.0)
}

/// Opens a conversation in the native dialect, with a token or none.
///
/// # Errors
/// When the agent refuses it.
pub async fn dial_native<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    token: Option<&str>,
) -> Result<WebSocketStream<S>, Error> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![NATIVE];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    Ok(upgrade(stream, "ws://localhost/ws", &headers).await?.0)
}

/// Connects by TLS as a client that trusts only the agent's `certificate`, with a client certificate or none.
///
/// # Errors
/// When the handshake fails.
pub async fn connect_tls<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    certificate: &Path,
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> std::io::Result<TlsStream<S>> {
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_file(certificate).unwrap();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        Some((certificate, key)) => builder
            .with_client_auth_cert(vec![certificate], key)
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await
}

/// Sends a request and returns the next message.
pub async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    request: impl Into<Message>,
) -> Message {
    socket.send(request.into()).await.unwrap();
    socket.next().await.unwrap().unwrap()
}

/// Asks in the native dialect and returns the reply, which has the request's id.
pub async fn ask_native<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    query: Query,
) -> Body {
    let reply = ask(socket, native::encode_request(ID, query)).await;
    let reply = native::decode_reply(&reply.into_data(), UNPACKED_LIMIT).unwrap();
    assert_eq!(reply.id, ID);
    reply.payload.whole().unwrap()
}
