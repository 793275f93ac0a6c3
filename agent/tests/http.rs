//! HTTP requests before the upgrade, over real sockets: which are answered and which refused.
#![cfg(test)]

use socktop_agent::config::Limits;
use socktop_testkit::agent::RunningAgent;
use socktop_testkit::agent::http::{exchange, head, refused_exchange};

const TOKEN: &str = "right-right-right-right";

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/// The first line of the answer to a request for `path` with these headers. The connection is closed behind it.
async fn status(server: &RunningAgent, path: &str, headers: &str) -> String {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let mut stream = server.connect().await;
    let request = format!("GET {path} HTTP/1.1\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.unwrap();
    line.trim().to_owned()
}

#[tokio::test]
async fn head_is_answered_as_get_without_a_body() {
    let server = RunningAgent::start();
    let ask = async |method: &str| {
        let request = format!("{method} /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
        exchange(server.address(), request.as_bytes())
            .await
            .unwrap()
    };
    for method in ["GET", "HEAD"] {
        let answer = ask(method).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{method}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{method}: {answer}");
    }
    assert!(ask("POST").await.starts_with("HTTP/1.1 405"));
    server.stop().await;
}

#[tokio::test]
async fn local_reverse_proxy_may_forward_the_clients_host_header() {
    let server = RunningAgent::builder().token(TOKEN).start();
    let proxied = format!("host: monitor.example\r\n{UPGRADE}");
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    let by_query = format!("/ws?token={TOKEN}");
    let enters = async |path: &str, headers: &str| {
        let status = status(&server, path, headers).await;
        status.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(enters("/ws", &format!("{proxied}{bearer}")).await, "101");
    assert_eq!(enters(&by_query, &proxied).await, "101");
    // Without a token it may be a web page whose name was made to resolve to this machine.
    assert_eq!(enters("/ws", &proxied).await, "403");
    assert_eq!(enters("/ws?token=wrong", &proxied).await, "401");
    // A foreign page is refused, whatever it has.
    let page = format!("{proxied}{bearer}origin: https://evil.example\r\n");
    assert_eq!(enters("/ws", &page).await, "403");
    server.stop().await;
}

#[tokio::test]
async fn path_with_and_without_trailing_slash_is_checked_alike() {
    let server = RunningAgent::builder().token(TOKEN).start();
    let local = format!("host: localhost\r\n{UPGRADE}");
    for path in ["/ws", "/ws/"] {
        for (query, headers, wanted) in [
            (format!("?token={TOKEN}"), local.clone(), "101"),
            ("?token=wrong".to_owned(), local.clone(), "401"),
            (String::new(), local.clone(), "401"),
            (
                format!("?token={TOKEN}"),
                format!("{local}origin: https://evil.example\r\n"),
                "403",
            ),
            (
                format!("?token={TOKEN}"),
                format!("{local}content-length: 3\r\n"),
                "400",
            ),
            (
                format!("?token={TOKEN}"),
                "host: localhost\r\n".to_owned(),
                "426",
            ),
        ] {
            let status = status(&server, &format!("{path}{query}"), &headers).await;
            assert!(status.contains(wanted), "{path}{query} {headers}: {status}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn ambiguous_requests_are_refused() {
    let server = RunningAgent::start();
    let get = "GET /ws HTTP/1.1\r\n";
    let host = "host: localhost\r\n";
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let origin = "origin: https://good.example\r\n";
    for (request, word) in [
        (format!("{get}{host}{host}{upgrade}\r\n"), "Host"),
        (format!("{get}{upgrade}\r\n"), "Host"),
        (
            format!("{get}{host}{origin}{origin}{upgrade}\r\n"),
            "Origin",
        ),
        (
            format!("{get}{host}{upgrade}content-length: 3\r\n\r\nabc"),
            "body",
        ),
        (
            format!("{get}{host}{upgrade}transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            "body",
        ),
    ] {
        // The same by the other way to write the path.
        let with_slash = request.replacen("/ws ", "/ws/ ", 1);
        for request in [request, with_slash] {
            let answer = refused_exchange(server.address(), request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{request}: {answer}");
            assert!(answer.contains(word), "{request}: {answer}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_connection_serves_one_request() {
    let server = RunningAgent::start();
    let one = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = refused_exchange(server.address(), one.repeat(2).as_bytes()).await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    let smuggled = format!(
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{one}",
        one.len()
    );
    let answer = refused_exchange(server.address(), smuggled.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let server = RunningAgent::builder()
        .limits(Limits {
            header_bytes: 8192,
            ..Limits::default()
        })
        .start();
    let long = format!("x-long: {}\r\n", "x".repeat(9000));
    let many = "x-many: x\r\n".repeat(65);
    for headers in [long, many] {
        let answer = refused_exchange(server.address(), &head("/healthz", &headers)).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let fits = format!("x-long: {}\r\n", "x".repeat(7000));
    let answer = refused_exchange(server.address(), &head("/healthz", &fits)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.stop().await;
}
