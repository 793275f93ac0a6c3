//! Over real sockets: refusals and tokens. Nothing here depends on how long anything takes.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::server::Request;

use super::super::dial::Dialer;
use super::super::{DialError, Endpoint};
use super::agent::accept;
use super::*;
use crate::config::agent_url::AgentUrl;
use crate::secrets::token::Token;

/// Dials and hangs up.
pub(super) async fn dial_once(endpoint: &Endpoint) -> Result<Dialect, DialError> {
    let (_, dialect) = Dialer::new(endpoint.clone()).dial().await?;
    Ok(dialect)
}

pub(super) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn plain(address: SocketAddr) -> Endpoint {
    Endpoint::Plain(format!("ws://{address}").parse().unwrap())
}

async fn fault(endpoint: &Endpoint) -> String {
    dial_once(endpoint).await.unwrap_err().to_string()
}

// ---- without TLS

#[tokio::test]
async fn closed_port_is_explained() {
    let (listener, address) = listener().await;
    drop(listener);
    let message = fault(&plain(address)).await;
    assert_eq!(
        message,
        format!(
            "ws://{address}/ws: connecting failed: {address} refuses connections; start the agent there, or check \
             the port"
        )
    );
}

#[tokio::test]
async fn invalid_host_name_is_explained() {
    // Longer than any name can be: refused without a name server being asked.
    let name = format!("{}.invalid", "a".repeat(64));
    let endpoint = Endpoint::Plain(format!("ws://{name}:3000").parse().unwrap());
    let message = fault(&endpoint).await;
    let expected = format!("looking up the address of {name} failed");
    assert!(message.contains(&expected), "{message}");
}

/// What is said of a server that answers any request with `answer`.
async fn fault_of(answer: &'static str) -> String {
    let (listener, address) = listener().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let endpoint = plain(address);
    tokio::join!(fault(&endpoint), server).0
}

#[tokio::test]
async fn server_other_than_an_agent_is_explained() {
    let ok = fault_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
    assert!(
        ok.contains("no socktop agent") && ok.contains("200 OK: hello"),
        "{ok}"
    );
    let not_found = fault_of("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    assert!(
        not_found.contains("a socktop agent's path is /ws"),
        "{not_found}"
    );
    let moved = fault_of("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n").await;
    assert!(moved.contains("redirections are not followed"), "{moved}");
    let page = fault_of(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>no</p>",
    )
    .await;
    assert!(
        page.contains("does not say why (HTTP status 503") && !page.contains("<p>"),
        "{page}"
    );
    let broken = fault_of(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 23\r\n\r\n\
         all clients are refused",
    )
    .await;
    assert!(
        broken.contains("the agent refuses: all clients are refused (HTTP status 503"),
        "{broken}"
    );
    let tls = fault_of("\x15\x03\x01\0\x02\x02\x16").await;
    assert!(
        tls.contains("If it serves TLS, use: socktop wss://127.0.0.1"),
        "{tls}"
    );
    let switched =
        fault_of("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
            .await;
    assert!(
        switched.contains("switches to some other protocol"),
        "{switched}"
    );
}

// ---- tokens

#[tokio::test]
async fn token_is_sent_only_in_the_header() {
    let (listener, address) = listener().await;
    let mut endpoint = plain(address);
    endpoint.set_token(Token::new("s3cret").unwrap());
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        accept(stream, Some("socktop.v2")).await.1
    };
    let (dialect, request) = tokio::join!(dial_once(&endpoint), server);
    assert_eq!(dialect.unwrap(), Dialect::Native);
    assert_eq!(request.headers()["authorization"], "Bearer s3cret");
    assert_eq!(request.headers()["host"], address.to_string());
    assert_eq!(request.uri(), "/ws");
}

/// The upgrade requests that an agent of socktop 1.60 gets, until one succeeds.
async fn requests_of(endpoint: Endpoint, listener: TcpListener) -> Vec<Request> {
    let mut link = Link::spawn(endpoint);
    let server = async {
        let mut requests = Vec::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (agent, request) = accept(stream, None).await;
            let has_token = request.uri().query() == Some("token=s3cret");
            requests.push(request);
            if has_token {
                return (requests, agent);
            }
        }
    };
    let client = async {
        assert_eq!(state(&mut link).await, LinkState::Connecting);
        assert_eq!(
            state(&mut link).await,
            LinkState::Connected {
                dialect: Dialect::Text,
                security: Security::Plain
            }
        );
    };
    let ((requests, _agent), ()) = tokio::join!(server, client);
    requests
}

#[tokio::test]
async fn legacy_agent_is_redialled_with_the_token_in_the_query() {
    let (listener, address) = listener().await;
    let mut endpoint = plain(address);
    endpoint.set_token(Token::new("s3cret").unwrap());
    let requests = requests_of(endpoint, listener).await;
    let uris: Vec<_> = requests
        .iter()
        .map(|request| request.uri().to_string())
        .collect();
    assert_eq!(uris, ["/ws", "/ws?token=s3cret"]);
}

#[tokio::test]
async fn a_token_in_the_url_stays_in_the_request() {
    let (listener, address) = listener().await;
    let target: AgentUrl = format!("ws://{address}/ws?token=s3cret").parse().unwrap();
    let requests = requests_of(Endpoint::Plain(target), listener).await;
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn no_message_holds_the_token() {
    let (listener, address) = listener().await;
    drop(listener);
    let target: AgentUrl = format!("ws://{address}/ws?token=s3cret").parse().unwrap();
    let endpoint = Endpoint::Plain(target);
    let error = dial_once(&endpoint).await.unwrap_err();
    for shown in [
        error.to_string(),
        format!("{error:?}"),
        format!("{endpoint:?} {endpoint}"),
    ] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
