//! The real binary under a service manager: passed sockets, readiness, idle exit.

use std::net::UdpSocket;
use std::time::Duration;

use rustix::process::Signal;
use socktop_testkit::agent::http::get;
use socktop_testkit::agent::{ServiceManager, end, listening_socket, signal};
use socktop_testkit::wait::DEADLINE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::client_async;

const AGENT: &str = env!("CARGO_BIN_EXE_socktop-agent");

#[tokio::test]
async fn agent_serves_passed_sockets_and_exits_when_idle() {
    let manager = ServiceManager::new(AGENT, "idle_exit_seconds = 0.05");
    let (listener, address) = listening_socket();
    let port = listener.local_addr().unwrap().port();
    // Queued before the agent is there.
    let client = tokio::spawn({
        let address = address.clone();
        async move {
            let stream = TcpStream::connect(&address).await.unwrap();
            client_async(format!("ws://{address}/ws"), stream)
                .await
                .unwrap()
                .0
        }
    });
    let held = listener.try_clone().unwrap();
    let child = manager.command(vec![listener.into()]).spawn().unwrap();
    let client = timeout(DEADLINE, client).await.unwrap().unwrap();
    let ready = manager.next_notification().await;
    assert!(ready.starts_with("READY=1\nSTATUS="), "{ready:?}");
    manager
        .wait_for(&format!("STATUS=1 client on port {port}\n"))
        .await;
    drop(client);
    manager.wait_for("STATUS=0 clients").await;
    assert_eq!(manager.wait_for("STOPPING").await, "STOPPING=1\n");
    let (success, log) = end(child).await;
    assert!(success, "{log}");
    assert!(
        log.contains(&format!("ws://{address}/ws (systemd's socket)")),
        "{log}"
    );
    assert!(log.contains("no client was connected for 0.05 s"), "{log}");
    drop(held);
}

#[tokio::test]
async fn health_checks_do_not_prevent_the_idle_exit() {
    let manager = ServiceManager::new(AGENT, "idle_exit_seconds = 1");
    let (listener, address) = listening_socket();
    let held = listener.try_clone().unwrap();
    let mut command = manager.command(vec![listener.into()]);
    let child = command.env_remove("NOTIFY_SOCKET").spawn().unwrap();
    let checks = async {
        loop {
            get(&address, "/healthz").await.unwrap();
            // Some only look whether the port is open.
            drop(TcpStream::connect(&address).await.unwrap());
            sleep(Duration::from_millis(20)).await;
        }
    };
    let (success, log) = tokio::select! {
        // The last check waits for the next agent.
        () = checks => unreachable!("checks never end"),
        ended = end(child) => ended,
    };
    assert!(success, "{log}");
    assert!(log.contains("no client was connected for 1 s"), "{log}");
    drop(held);
}

#[tokio::test]
async fn silent_connections_do_not_prevent_the_idle_exit() {
    let manager = ServiceManager::new(AGENT, "idle_exit_seconds = 1\nlimits.handshake_seconds = 1");
    let (listener, address) = listening_socket();
    let held = listener.try_clone().unwrap();
    let mut command = manager.command(vec![listener.into()]);
    let child = command.env_remove("NOTIFY_SOCKET").spawn().unwrap();
    let silent = async {
        loop {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            // Until the agent has enough of it.
            let _ = stream.read(&mut [0]).await;
        }
    };
    let (success, log) = tokio::select! {
        // The last connection waits for the next agent.
        () = silent => unreachable!("connections never end"),
        ended = end(child) => ended,
    };
    assert!(success, "{log}");
    assert!(log.contains("no client was connected for 1 s"), "{log}");
    drop(held);
}

#[tokio::test]
async fn several_sockets_are_served() {
    let manager = ServiceManager::new(AGENT, "");
    let ((one, first), (other, second)) = (listening_socket(), listening_socket());
    let child = manager
        .command(vec![one.into(), other.into()])
        .spawn()
        .unwrap();
    for address in [first, second] {
        let answer = get(&address, "/healthz").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    signal(&child, Signal::TERM);
    assert_eq!(manager.wait_for("STOPPING").await, "STOPPING=1\n");
    assert!(end(child).await.0);
}

#[tokio::test]
async fn addresses_in_settings_are_ignored_with_a_warning_under_socket_activation() {
    let manager = ServiceManager::new(AGENT, "listen = [\"127.0.0.1:1\"]");
    let (listener, address) = listening_socket();
    let child = manager.command(vec![listener.into()]).spawn().unwrap();
    manager.wait_for("READY=1").await;
    get(&address, "/healthz").await.unwrap();
    signal(&child, Signal::TERM);
    let (success, log) = end(child).await;
    assert!(success, "{log}");
    assert!(
        log.contains("127.0.0.1:1") && log.contains("ListenStream="),
        "{log}"
    );
}

#[tokio::test]
async fn sockets_of_another_process_are_left_alone() {
    let manager = ServiceManager::new(AGENT, "listen = [\"127.0.0.1:0\"]");
    let script = "LISTEN_PID=1 exec \"$@\"";
    let child = manager.bare_command(script, "1").spawn().unwrap();
    manager.wait_for("READY=1").await;
    signal(&child, Signal::TERM);
    let (success, log) = end(child).await;
    assert!(success && !log.contains("systemd's socket"), "{log}");
}

#[tokio::test]
async fn non_listening_socket_is_a_clear_error() {
    let manager = ServiceManager::new(AGENT, "");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (success, log) = end(manager.command(vec![udp.into()]).spawn().unwrap()).await;
    assert!(!success);
    assert!(
        log.contains("descriptor 3") && log.contains("ListenStream="),
        "{log}"
    );

    let script = "LISTEN_PID=$$ exec \"$@\"";
    let (success, log) = end(manager.bare_command(script, "7").spawn().unwrap()).await;
    assert!(!success);
    assert!(log.contains("LISTEN_FDS"), "{log}");
}

#[tokio::test]
async fn notifications_are_off_without_a_notify_socket() {
    let manager = ServiceManager::new(AGENT, "idle_exit_seconds = 0.05");
    let (listener, _) = listening_socket();
    let mut command = manager.command(vec![listener.into()]);
    let (success, log) = end(command.env_remove("NOTIFY_SOCKET").spawn().unwrap()).await;
    assert!(success && !log.contains("NOTIFY_SOCKET"), "{log}");
}

#[tokio::test]
async fn accepted_connection_is_answered_before_the_exit() {
    let manager = ServiceManager::new(AGENT, "");
    let (listener, address) = listening_socket();
    let child = manager.command(vec![listener.into()]).spawn().unwrap();
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    // One has sent nothing yet, the other is in the middle of its request.
    let mut slow = Vec::new();
    for said in [0, 23] {
        let mut client = TcpStream::connect(&address).await.unwrap();
        let (now, later) = request.split_at(said);
        client.write_all(now.as_bytes()).await.unwrap();
        slow.push((client, later));
    }
    // The queue is in order: with this one the others are accepted.
    get(&address, "/healthz").await.unwrap();
    signal(&child, Signal::TERM);
    manager.wait_for("STOPPING=1").await;
    for (mut client, later) in slow {
        client.write_all(later.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(end(child).await.0);
}

#[tokio::test]
async fn generated_token_is_not_logged() {
    let manager = ServiceManager::new(AGENT, "listen = [\"0.0.0.0:0\"]");
    for (variable, shown) in [("JOURNAL_STREAM", false), ("NO_STREAM", true)] {
        let script = format!("{variable}=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$@\"");
        let child = manager.bare_command(&script, "0").spawn().unwrap();
        manager.wait_for("READY=1").await;
        signal(&child, Signal::TERM);
        manager.wait_for("STOPPING=1").await;
        let (success, log) = end(child).await;
        assert!(success);
        assert_eq!(log.contains("SOCKTOP_TOKEN="), shown, "{log}");
    }
}

/// A client that connects around an idle exit is served by the agent that ends or by the next.
#[tokio::test]
async fn connection_during_an_idle_exit_is_served() {
    const CONNECTS: u32 = 60;
    let manager = ServiceManager::new(AGENT, "idle_exit_seconds = 0.05");
    let (listener, address) = listening_socket();
    let clients = tokio::spawn(async move {
        for connect in 0..CONNECTS {
            let answer = get(&address, "/healthz").await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            // The exit falls 50 ms after the last client: come a little earlier, or a little later.
            sleep(Duration::from_micros(
                49_000 + u64::from(connect % 20) * 150,
            ))
            .await;
        }
    });
    let mut exits = 0;
    while !clients.is_finished() {
        let mut command = manager.command(vec![listener.try_clone().unwrap().into()]);
        // Nothing reads there, and unread notifications would fill the socket.
        let (success, log) = end(command.env_remove("NOTIFY_SOCKET").spawn().unwrap()).await;
        assert!(success, "{log}");
        exits += 1;
    }
    clients.await.unwrap();
    assert!(exits > 5, "{exits} exits are too few to prove anything");
}
