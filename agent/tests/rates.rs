//! Rate limits for requests and connections, over real sockets.

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use socktop_agent::config::Limits;
use socktop_testkit::agent::RunningAgent;
use socktop_testkit::agent::client::dial;
use socktop_testkit::agent::http::head;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

const GOOD: &str = "127.0.0.1";
const BAD: &str = "127.0.0.2";

#[tokio::test]
async fn new_connections_share_the_request_rate() {
    const CONNECTIONS: u32 = 20;
    let server = RunningAgent::builder()
        .limits(Limits {
            requests_per_second: 50,
            ..Limits::default()
        })
        .start();
    let start = Instant::now();
    let mut sockets = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut socket = dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
        for _ in 0..20 {
            socket.send("nonsense".into()).await.unwrap();
        }
        sockets.push(socket);
    }
    let mut answers = futures_util::stream::select_all(sockets);
    for answered in 1..=200_u32 {
        answers.next().await.unwrap().unwrap();
        // A burst of two seconds, the rate, and one more of each connection that waited.
        let allowed = 100.0 + 50.0 * start.elapsed().as_secs_f64() + f64::from(CONNECTIONS);
        assert!(f64::from(answered) <= allowed, "{answered} > {allowed}");
    }
    server.stop().await;
}

#[tokio::test]
async fn connection_rate_limit_is_per_address() {
    let server = RunningAgent::builder()
        .limits(Limits {
            connections_per_second: 20,
            ..Limits::default()
        })
        .start();
    let start = Instant::now();
    for served in 1..=60_u32 {
        let mut stream = server.connect_from(BAD).await;
        stream.write_all(&head("/healthz", "")).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let allowed = 40.0 + 20.0 * start.elapsed().as_secs_f64();
        assert!(f64::from(served) <= allowed, "{served} > {allowed}");
    }
    // Several wait their turn and none is lost; one of another address does not wait for them.
    let bad = async || {
        let stream = server.connect_from(BAD).await;
        dial(stream, "/ws").await.unwrap()
    };
    let mut waiting: FuturesUnordered<_> = (0..10).map(|_| bad()).collect();
    let good = async || dial(server.connect_from(GOOD).await, "/ws").await.unwrap();
    let mut good = Box::pin(good());
    let mut before = 0;
    loop {
        tokio::select! {
            _ = &mut good => break,
            Some(_) = waiting.next() => before += 1,
        }
    }
    assert!(before < 10, "it waited for all of them");
    while waiting.next().await.is_some() {}
    drop((waiting, good));
    server.stop().await;
}
