//! HTTP requests, written out byte by byte.

use std::io::Result;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;

use crate::wait::DEADLINE;

/// A request for `path` with `headers` behind those that each one has.
#[must_use]
pub fn head(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes()
}

/// Asks for `path` and returns the whole answer.
///
/// # Errors
/// When the connection fails before the answer's end.
pub async fn get(address: impl ToSocketAddrs, path: &str) -> Result<String> {
    exchange(address, &head(path, "connection: close\r\n")).await
}

/// Sends a request as it stands, and returns all that comes back.
///
/// # Errors
/// When the connection fails before the answer's end.
pub async fn exchange(address: impl ToSocketAddrs, request: &[u8]) -> Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(DEADLINE, exchange).await.expect("an answer")
}

/// The same for a request that is refused before all of it is read: the agent then closes the connection with a reset,
/// behind its answer.
pub async fn refused_exchange(address: impl ToSocketAddrs, request: &[u8]) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // The reset is an error, and what came before it stays.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    timeout(DEADLINE, exchange).await.expect("an answer")
}
