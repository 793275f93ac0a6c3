//! Limits on connections, requests and memory, over real sockets: no client can lock out another or exhaust the host.
#![cfg(test)]

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socktop_agent::config::Limits;
use socktop_agent::tls::identity::Identity;
use socktop_proto::Query;
use socktop_proto::dialect::native;
use socktop_testkit::agent::RunningAgent;
use socktop_testkit::agent::client::{ask, connect_tls, dial, dial_native};
use socktop_testkit::agent::http::{head, refused_exchange};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

const TOKEN: &str = "right-right-right-right";
const GOOD: &str = "127.0.0.1";
const BAD: &str = "127.0.0.2";
const SECOND: Duration = Duration::from_secs(1);

/// Limits with which no connection times out.
fn patient() -> Limits {
    Limits {
        handshake_time: Duration::from_hours(1),
        ..Limits::default()
    }
}

/// Limits that let a client ask as often as it likes.
fn unlimited_requests() -> Limits {
    Limits {
        requests_per_second: 10_000,
        ..Limits::default()
    }
}

/// A server with these limits that samples anew for each request.
fn start(limits: Limits) -> RunningAgent {
    RunningAgent::builder()
        .limits(limits)
        .without_cache()
        .start()
}

/// As many files as the host allows: a flood has two ends here.
fn allow_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// The close frame that ends a conversation, after whatever comes before.
async fn farewell(socket: &mut WebSocketStream<TcpStream>) -> (u16, String) {
    loop {
        if let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() {
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

#[tokio::test]
async fn thousand_half_open_connections_do_not_lock_others_out() {
    allow_many_files();
    let server = start(patient());
    let mut flood = Vec::new();
    for number in 0..1000 {
        let mut stream = server.connect_from(BAD).await;
        // Some say nothing, some begin and never end.
        if number % 2 == 0 {
            stream.write_all(b"GET /ws HTTP").await.unwrap();
        }
        flood.push(stream);
    }
    let mut good = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    ask(&mut good, "get_disks").await;
    // All but the last 32 were closed, the oldest first.
    assert_eq!(flood[0].read(&mut [0]).await.unwrap_or(0), 0);
    ask(&mut good, "get_disks").await;
    server.stop().await;
}

#[tokio::test]
async fn thousand_half_open_tls_connections_do_not_lock_others_out() {
    allow_many_files();
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    identity.ensure("localhost", &[]).unwrap();
    let server = RunningAgent::builder()
        .limits(patient())
        .tls(&identity)
        .start();
    let mut flood = Vec::new();
    for _ in 0..1000 {
        let mut stream = server.connect_from(BAD).await;
        // The beginning of a ClientHello of 512 bytes.
        let _ = stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3]).await;
        flood.push(stream);
    }
    let stream = server.connect_from(GOOD).await;
    let stream = connect_tls(stream, &identity.certificate, None).await;
    let mut good = dial(stream.unwrap(), "/ws").await.unwrap();
    ask(&mut good, "get_disks").await;
    // All but the last 32 were closed, the oldest first.
    assert_eq!(flood[0].read(&mut [0]).await.unwrap_or(0), 0);
    server.stop().await;
}

#[tokio::test]
async fn refusal_names_the_exceeded_limit() {
    let server = start(Limits {
        connections: 3,
        per_address: 2,
        ..Limits::default()
    });
    let enter = async |from| dial(server.connect_from(from).await, "/ws").await;
    let refused = async |from| match enter(from).await {
        Err(WsError::Http(response)) => {
            assert_eq!(response.status(), 503);
            String::from_utf8(response.into_body().unwrap()).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let mut first = enter(BAD).await.unwrap();
    let _second = enter(BAD).await.unwrap();
    let reason = refused(BAD).await;
    assert!(reason.contains("all 2 connections"), "{reason}");
    assert!(reason.contains("limits.per_address"), "{reason}");
    let _third = enter(GOOD).await.unwrap();
    let reason = refused(GOOD).await;
    assert!(reason.contains("all 3 connections"), "{reason}");
    assert!(reason.contains("limits.connections"), "{reason}");
    // The earlier connections are not affected.
    ask(&mut first, "get_disks").await;
    // A disconnect makes room, once the agent has noticed it.
    drop(first);
    while enter(BAD).await.is_err() {}
    server.stop().await;
}

#[tokio::test]
async fn a_reload_changes_the_limits() {
    let server = RunningAgent::start();
    let enter = async || dial(server.connect_from(GOOD).await, "/ws").await;
    let _first = enter().await.unwrap();
    let one = Limits {
        per_address: 1,
        ..Limits::default()
    };
    server.set_limits(one);
    assert!(enter().await.is_err());
    server.set_limits(Limits::default());
    enter().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn client_that_does_not_read_is_disconnected() {
    let server = start(Limits {
        send_time: Duration::from_millis(100),
        ..unlimited_requests()
    });
    let mut socket = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    // Sooner or later nothing more fits on the way, and then the agent hangs up.
    while socket.send("get_processes".into()).await.is_ok() {}
    server.stop().await;
}

#[tokio::test]
async fn client_that_does_not_read_does_not_block_others() {
    let server = start(Limits {
        send_time: Duration::from_hours(1),
        queued_bytes: 8192,
        ..unlimited_requests()
    });
    let mut bad = dial_native(server.connect_from(BAD).await, None)
        .await
        .unwrap();
    // Until nothing fits on the way any more, in neither direction. What it asks about one process takes a while.
    let pid = std::process::id();
    for query in [Query::Processes, Query::Process { pid }].iter().cycle() {
        let request = native::encode_request(1, *query);
        match timeout(SECOND, bad.send(request.into())).await {
            Ok(sent) => sent.unwrap(),
            Err(_) => break,
        }
    }
    let mut good = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    ask(&mut good, "get_processes").await;
    ask(&mut good, format!("get_process_metrics:{pid}")).await;
    drop(bad);
    server.stop().await;
}

#[tokio::test]
async fn stalled_reader_keeps_its_place_until_it_is_disconnected() {
    let server = start(Limits {
        per_address: 1,
        send_time: Duration::from_millis(100),
        ..unlimited_requests()
    });
    let mut first = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    // It says goodbye, but does not hang up.
    first.send(Message::Close(None)).await.unwrap();
    while dial(server.connect_from(GOOD).await, "/ws").await.is_err() {}
    let error = first.get_mut().write_all(b"x").await;
    let read = first.get_mut().read_to_end(&mut Vec::new()).await;
    assert!(error.is_err() || read.is_err(), "it was not reset");
    server.stop().await;
}

#[tokio::test]
async fn silent_client_is_disconnected_with_the_reason() {
    let server = start(Limits {
        idle_session: Some(Duration::from_millis(100)),
        ..Limits::default()
    });
    let mut silent = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    let mut unfinished = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    // The head of a frame of 100 bytes, and a bit of it.
    let half = [0x81, 0xe4, 0, 0, 0, 0, b'g', b'e', b't'];
    unfinished.get_mut().write_all(&half).await.unwrap();
    for socket in [&mut silent, &mut unfinished] {
        let (code, reason) = farewell(socket).await;
        assert_eq!(code, 1008);
        assert!(reason.contains("no request for 0.1 s"), "{reason}");
        assert!(reason.contains("limits.idle_session_seconds"), "{reason}");
    }
    server.stop().await;
}

#[tokio::test]
async fn configured_message_size_is_the_limit() {
    let server = start(Limits {
        message_bytes: 1024,
        ..Limits::default()
    });
    let mut socket = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    let reply = ask(&mut socket, "x".repeat(1024)).await;
    assert!(reply.to_text().unwrap().contains("unknown request"));
    socket.send("x".repeat(1025).into()).await.unwrap();
    let (code, reason) = farewell(&mut socket).await;
    assert_eq!(code, 1009);
    assert!(reason.contains("1024 bytes"), "{reason}");
    server.stop().await;
}

#[tokio::test]
async fn at_most_sixteen_unfinished_large_messages_are_buffered() {
    let server = start(unlimited_requests());
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = dial(server.connect_from(BAD).await, "/ws").await.unwrap();
        // The head of a frame of 16 KiB, and most of it.
        let mut most = vec![0; 16_000];
        most[..8].copy_from_slice(&[0x81, 0xfe, 0x40, 0, 0, 0, 0, 0]);
        // Its connection may be closed in the middle of it.
        let _ = client.get_mut().write_all(&most).await;
        clients.push(client);
    }
    let mut good = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    ask(&mut good, "get_disks").await;
    let mut ends: FuturesUnordered<_> = clients.iter_mut().map(StreamExt::next).collect();
    for _ in 16..20 {
        let end = ends.next().await.unwrap();
        assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    }
    drop(ends);
    server.stop().await;
}

#[tokio::test]
async fn too_frequent_requests_wait_without_an_error() {
    let server = start(Limits {
        requests_per_second: 4,
        ..Limits::default()
    });
    let mut socket = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    let start = Instant::now();
    for _ in 0..10 {
        socket.send("nonsense".into()).await.unwrap();
    }
    for _ in 0..10 {
        let reply = socket.next().await.unwrap().unwrap();
        assert!(reply.to_text().unwrap().contains("nonsense"));
    }
    // Eight come at once, the others one every quarter of a second.
    assert!(start.elapsed() >= Duration::from_millis(490));
    server.stop().await;
}

#[tokio::test]
async fn wrong_tokens_are_delayed_and_the_right_token_is_not() {
    let server = RunningAgent::builder().token(TOKEN).start();
    let guess = async || {
        let mut stream = server.connect_from(GOOD).await;
        stream
            .write_all(&head("/ws?token=wrong", ""))
            .await
            .unwrap();
        let mut answer = String::new();
        // A new connection may displace it, too.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    };
    let mut guesses: FuturesUnordered<_> = (0..30).map(|_| guess()).collect();
    let (mut refused, mut unanswered) = (0, 0);
    // At most four answers wait at once, the seventh of them for five seconds: thirty would take half a minute.
    while refused == 0 || unanswered == 0 {
        let answer = guesses.next().await.unwrap();
        if answer.is_empty() {
            unanswered += 1;
        } else {
            assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
            refused += 1;
        }
    }
    let right = format!("/ws?token={TOKEN}");
    let mut socket = dial(server.connect_from(GOOD).await, &right).await.unwrap();
    ask(&mut socket, "get_disks").await;
    drop(guesses);
    // A request without a token is refused at once and does not count as a guess.
    for _ in 0..20 {
        let answer = refused_exchange(server.address(), &head("/ws", "")).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    server.stop().await;
}
