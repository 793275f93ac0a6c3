//! The server as a client sees it, over real sockets: every dialect and every invalid input.
#![cfg(test)]

use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use socktop_agent::server::shared::Agent;
use socktop_agent::transport::accept::connect_in_process;
use socktop_proto::Query;
use socktop_proto::dialect::native;
use socktop_proto::model::body;
use socktop_testkit::agent::RunningAgent;
use socktop_testkit::agent::client::{NATIVE, ask, ask_native, upgrade};
use socktop_testkit::agent::http::{exchange, get};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

async fn plain(server: &RunningAgent) -> WebSocketStream<TcpStream> {
    server.dial("/ws", &[]).await.unwrap().0
}

/// The status by which the agent refuses an upgrade.
async fn refusal(server: &RunningAgent, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    match server.dial(path, headers).await {
        Err(WsError::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("admitted"),
    }
}

fn error_of(reply: &Message) -> String {
    let json: serde_json::Value = serde_json::from_str(reply.to_text().unwrap()).unwrap();
    json["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn healthz_answers_and_other_paths_do_not() {
    let server = RunningAgent::start();
    for (path, status) in [
        ("/healthz", "200"),
        ("/", "404"),
        ("/../etc/passwd", "404"),
        ("/ws", "426"),
    ] {
        let answer = get(server.address(), path).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    let post = "POST /ws HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = exchange(server.address(), post.as_bytes()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn the_native_dialect_is_chosen_by_its_subprotocol() {
    let server = RunningAgent::start();
    let (mut socket, response) = server.dial("/ws", &[NATIVE]).await.unwrap();
    assert_eq!(
        response.headers()["sec-websocket-protocol"],
        native::SUBPROTOCOL
    );
    let body = ask_native(&mut socket, Query::Host).await;
    assert!(matches!(body.kind, Some(body::Kind::Host(_))), "{body:?}");
    server.stop().await;
}

#[tokio::test]
async fn sensors_are_told_in_native_and_json_and_not_in_text() {
    let server = RunningAgent::start();
    let (mut socket, _) = server.dial("/ws", &[NATIVE]).await.unwrap();
    let body = ask_native(&mut socket, Query::Sensors).await;
    let Some(body::Kind::Sensors(list)) = body.kind else {
        panic!("no sensors: {body:?}");
    };
    assert!(list.time.is_some());
    let mut socket = plain(&server).await;
    let reply = ask(&mut socket, "{\"type\":\"sensors\"}").await;
    let json: serde_json::Value = serde_json::from_str(reply.to_text().unwrap()).unwrap();
    let listed = json["sensors"].as_array().unwrap().iter();
    let labels: Vec<_> = listed
        .map(|sensor| sensor["label"].as_str().unwrap())
        .collect();
    let expected: Vec<_> = list
        .sensors
        .iter()
        .map(|sensor| sensor.label.as_str())
        .collect();
    assert_eq!(labels, expected);
    let reply = ask(&mut socket, "get_sensors").await;
    assert!(error_of(&reply).contains("unknown request"), "{reply}");
    server.stop().await;
}

#[tokio::test]
async fn native_replies_do_not_wait_for_slower_ones() {
    let server = RunningAgent::start();
    let (mut socket, _) = server.dial("/ws", &[NATIVE]).await.unwrap();
    // The first metrics wait for their window; facts do not.
    for (id, query) in [(1, Query::Metrics), (2, Query::Host)] {
        let request = native::encode_request(id, query);
        socket.send(request.into()).await.unwrap();
    }
    let mut ids = Vec::new();
    for _ in 0..2 {
        let reply = socket.next().await.unwrap().unwrap().into_data();
        ids.push(native::decode_reply(&reply, 1 << 24).unwrap().id);
    }
    assert_eq!(ids, [2, 1]);
    server.stop().await;
}

#[tokio::test]
async fn text_requests_are_answered_in_order() {
    let server = RunningAgent::start();
    let mut socket = plain(&server).await;
    for request in [
        "get_metrics",
        "get_disks",
        "nonsense",
        "{\"type\":\"disks\"}",
    ] {
        socket.send(request.into()).await.unwrap();
    }
    let mut replies = Vec::new();
    for _ in 0..4 {
        replies.push(socket.next().await.unwrap().unwrap());
    }
    assert!(error_of(&replies[2]).contains("nonsense"));
    assert!(replies[3].is_text());
    server.stop().await;
}

#[tokio::test]
async fn invalid_request_is_answered_and_the_session_continues() {
    let server = RunningAgent::start();
    let mut socket = plain(&server).await;
    for (request, word) in [
        ("get_everything", "get_everything"),
        ("", "unknown request"),
        ("get_process_metrics", "unknown request"),
        ("get_process_metrics:", "process id"),
        ("get_process_metrics:-1", "-1"),
        ("get_process_metrics:99999999999", "99999999999"),
        ("get_journal_entries:x", "\"x\""),
        ("get_process_metrics:4294967295", "4294967295"),
        ("{", "malformed"),
        ("{\"type\":5}", "malformed"),
        ("[]", "malformed"),
        ("{\"type\":\"everything\"}", "everything"),
        ("{\"type\":\"process_metrics\"}", "pid"),
    ] {
        let reply = ask(&mut socket, request).await;
        let error = error_of(&reply);
        assert!(error.contains(word), "{request:?}: {error}");
    }
    let reply = ask(&mut socket, vec![1, 2, 3]).await;
    assert!(error_of(&reply).contains("binary"));
    ask(&mut socket, "get_disks").await;
    server.stop().await;
}

#[tokio::test]
async fn invalid_native_request_is_answered() {
    let server = RunningAgent::start();
    let (mut socket, _) = server.dial("/ws", &[NATIVE]).await.unwrap();
    let unknown = vec![0x08, 0x05, 0xfa, 0x01, 0x00]; // id 5, field 31
    for (request, id) in [
        (Message::binary(vec![0xff; 9]), 0),
        (Message::binary(unknown), 5),
        (Message::text("get_metrics"), 0),
    ] {
        let reply = ask(&mut socket, request).await.into_data();
        let answer = native::decode_reply(&reply, 1 << 16).unwrap();
        let (got, body) = (answer.id, answer.payload.whole().unwrap());
        assert_eq!(got, id);
        assert!(matches!(body.kind, Some(body::Kind::Error(_))), "{body:?}");
    }
    ask_native(&mut socket, Query::Host).await;
    server.stop().await;
}

#[tokio::test]
async fn an_oversized_message_is_refused_with_a_reason() {
    let server = RunningAgent::start();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let url = format!("ws://{}/ws", server.address());
    let unbounded = WebSocketConfig::default().max_write_buffer_size(1 << 30);
    let (mut socket, _) = client_async_with_config(url, stream, Some(unbounded))
        .await
        .unwrap();
    socket.send("x".repeat(65_537).into()).await.unwrap();
    let reply = socket.next().await.unwrap().unwrap();
    let Message::Close(Some(frame)) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(u16::from(frame.code), 1009);
    assert!(frame.reason.contains("65536"));
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_token_is_refused_before_the_upgrade() {
    let server = RunningAgent::builder().token("secret").start();
    assert_eq!(refusal(&server, "/ws", &[]).await, 401);
    assert_eq!(refusal(&server, "/ws?token=wrong", &[]).await, 401);
    let wrong = [("authorization", "Bearer wrong")];
    assert_eq!(refusal(&server, "/ws", &wrong).await, 401);
    server.dial("/ws?token=secret", &[]).await.unwrap();
    let right = [("authorization", "Bearer secret")];
    server.dial("/ws", &right).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_foreign_origin_and_a_rebound_host_are_refused() {
    let server = RunningAgent::start();
    let origin = [("origin", "https://evil.example")];
    assert_eq!(refusal(&server, "/ws", &origin).await, 403);
    let host = [("host", "evil.example:3000")];
    assert_eq!(refusal(&server, "/ws", &host).await, 403);
    server.stop().await;
}

#[tokio::test]
async fn stopping_agent_sends_a_close_frame() {
    let server = RunningAgent::start();
    let mut socket = plain(&server).await;
    ask(&mut socket, "get_disks").await;
    let stopped = tokio::spawn(server.stop());
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else {
        panic!("no goodbye")
    };
    assert_eq!(u16::from(frame.code), 1001);
    assert!(socket.next().await.is_none());
    stopped.await.unwrap();
}

#[tokio::test]
async fn stopping_agent_answers_one_request_of_a_new_client() {
    let server = RunningAgent::start();
    let mut socket = plain(&server).await;
    let stopped = tokio::spawn(server.stop());
    // By then the conversation has heard of it.
    sleep(Duration::from_millis(50)).await;
    ask(&mut socket, "get_disks").await;
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else {
        panic!("no goodbye")
    };
    assert_eq!(u16::from(frame.code), 1001);
    stopped.await.unwrap();
}

#[tokio::test]
async fn silent_client_does_not_delay_the_stop_and_gets_a_close_frame() {
    let server = RunningAgent::start();
    let mut socket = plain(&server).await;
    let stopped = tokio::spawn(server.stop());
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else {
        panic!("no goodbye")
    };
    assert_eq!(u16::from(frame.code), 1001);
    stopped.await.unwrap();
}

#[tokio::test]
async fn in_process_agent_answers_without_a_port() {
    let agent = Agent::in_process(&socktop_collect::sampler::Sampling::default()).unwrap();
    let url = "ws://in-process/ws";
    let (mut socket, _) = upgrade(connect_in_process(&agent), url, &[NATIVE])
        .await
        .unwrap();
    let body = ask_native(&mut socket, Query::Host).await;
    assert!(matches!(body.kind, Some(body::Kind::Host(_))));
}

/// Runs the real binary to its end.
async fn agent(arguments: &[&str], home: &Path) -> std::process::Output {
    let run = tokio::process::Command::new(env!("CARGO_BIN_EXE_socktop-agent"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(Duration::from_mins(1), run)
        .await
        .expect("it serves instead of ending")
        .unwrap()
}

#[tokio::test]
async fn help_and_version_print_and_exit() {
    let home = tempfile::tempdir().unwrap();
    for flag in ["--help", "-h", "--version", "-V"] {
        let output = agent(&[flag], home.path()).await;
        assert!(output.status.success(), "{flag}");
        assert!(!output.stdout.is_empty(), "{flag}");
    }
}

#[tokio::test]
async fn fatal_errors_name_the_problem_and_its_place() {
    let home = tempfile::tempdir().unwrap();
    let broken = home.path().join("broken.toml");
    std::fs::write(&broken, "[tls]\nenabled = \"maybe\"\n").unwrap();
    let busy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let busy = busy.local_addr().unwrap().to_string();
    for (arguments, words) in [
        (&["--prot", "1"] as &[&str], ["--prot", "--port"]),
        (&["--port", "66000"], ["--port", "66000"]),
        (&["--listen", "nowhere"], ["nowhere", "192.0.2.1"]),
        (
            &["--config", "/nonexistent"],
            ["/nonexistent", "No such file"],
        ),
        (
            &["--config", broken.to_str().unwrap()],
            ["broken.toml", "line 2"],
        ),
        (&["--token-file", "/nonexistent"], ["/nonexistent", "token"]),
        (&["--listen", &busy], [&busy, "taken"]),
    ] {
        let output = agent(arguments, home.path()).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        for word in words {
            assert!(
                said.contains(word),
                "{arguments:?}: {word:?} is not in {said:?}"
            );
        }
    }
}
