//! The real binary as a service: invalid settings, reloads, credentials, its log.
#![cfg(test)]

use std::net::TcpListener;
use std::path::Path;

use rustix::process::Signal;
use socktop_agent::tls::credentials::Pairs;
use socktop_testkit::agent::client::connect_tls;
use socktop_testkit::agent::http::{get, head};
use socktop_testkit::agent::{ServiceManager, end, listening_socket, signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;

const AGENT: &str = env!("CARGO_BIN_EXE_socktop-agent");
const UPGRADE: &str = "/ws HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nx:";

fn spawn(manager: &ServiceManager) -> (Child, TcpListener, String) {
    let (listener, address) = listening_socket();
    let held = listener.try_clone().unwrap();
    let child = manager.command(vec![listener.into()]).spawn().unwrap();
    (child, held, address)
}

#[tokio::test]
async fn invalid_settings_file_is_skipped_and_named_in_the_status() {
    let manager = ServiceManager::new(AGENT, "[cache]\nmetrics_ms = soon");
    let (child, _held, address) = spawn(&manager);
    let ready = manager.wait_for("READY=1").await;
    assert!(ready.contains("agent.toml, line 2: "), "{ready}");
    let answer = get(&address, "/healthz").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    signal(&child, Signal::TERM);
    let (success, log) = end(child).await;
    assert!(success && log.contains("agent.toml, line 2: "), "{log}");
}

#[tokio::test]
async fn invalid_access_file_denies_all_clients_until_repaired_and_reloaded() {
    let manager = ServiceManager::new(AGENT, "");
    manager.write("access.toml", "allowed_origins = 5");
    let (child, _held, address) = spawn(&manager);
    manager.wait_for("access.toml, line 1: ").await;
    let answer = get(&address, UPGRADE).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("access.toml, line 1: "), "{answer}");

    manager.write("access.toml", "");
    signal(&child, Signal::HUP);
    manager.wait_for("RELOADING=1\nMONOTONIC_USEC=").await;
    let ready = manager.wait_for("READY=1").await;
    assert!(!ready.contains("access.toml"), "{ready}");
    let answer = get(&address, "/ws").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
    signal(&child, Signal::TERM);
    assert!(end(child).await.0);
}

#[tokio::test]
async fn reload_applies_valid_settings_and_ignores_invalid_ones() {
    let manager = ServiceManager::new(AGENT, "");
    let (child, _held, address) = spawn(&manager);
    manager.wait_for("READY=1").await;

    manager.write("agent.toml", "idle_exit_seconds = 0.05");
    manager.write("access.toml", "no_token =");
    signal(&child, Signal::HUP);
    manager.wait_for("RELOADING=1").await;
    manager.wait_for("access.toml, line 1: ").await;
    // Neither the idle exit nor the doors have changed.
    let answer = get(&address, "/ws").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");

    manager.write("access.toml", "");
    signal(&child, Signal::HUP);
    manager.wait_for("STOPPING=1").await;
    let (success, log) = end(child).await;
    assert!(success, "{log}");
    assert!(
        log.contains("stay as they were") && log.contains("read anew"),
        "{log}"
    );
}

#[tokio::test]
async fn the_credentials_are_token_and_identity() {
    let manager = ServiceManager::new(AGENT, "");
    let credentials = manager.path("credentials");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("token"), "secret-token\n").unwrap();
    let pairs = Pairs::in_folder(&credentials, "tls_");
    pairs.made.ensure("host", &[]).unwrap();
    std::fs::write(&pairs.own.certificate, "not a certificate").unwrap();

    let (listener, address) = listening_socket();
    let child = manager
        .command(vec![listener.into()])
        .env_remove("SOCKTOP_ENABLE_SSL")
        .env("CREDENTIALS_DIRECTORY", &credentials)
        .spawn()
        .unwrap();
    let ready = manager.wait_for("READY=1").await;
    assert!(ready.contains("tls_cert.pem"), "{ready}");
    signal(&child, Signal::HUP);
    manager.wait_for("RELOADING=1").await;
    let ready = manager.wait_for("READY=1").await;
    assert!(ready.contains("tls_cert.pem"), "{ready}");

    let certificate = &pairs.made.certificate;
    let refused = https(&address, certificate, "/ws?token=wrong-token").await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let welcome = https(&address, certificate, "/ws?token=secret-token").await;
    assert!(welcome.starts_with("HTTP/1.1 426"), "{welcome}");
    signal(&child, Signal::TERM);
    assert!(end(child).await.0);
}

/// Asks by HTTPS, trusting `certificate` alone.
async fn https(address: &str, certificate: &Path, path: &str) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = connect_tls(stream, certificate, None).await.unwrap();
    let request = head(path, "connection: close\r\n");
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    // A server may end without TLS's close_notify.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}
