//! The watchdog ends an agent whose serving thread hangs, so that the service manager restarts it. Needs a user
//! namespace.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use rustix::process::Signal;
use socktop_testkit::agent::http::get;
use socktop_testkit::agent::{ServiceManager, listening_socket};
use socktop_testkit::wait::DEADLINE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const AGENT: &str = env!("CARGO_BIN_EXE_socktop-agent");

/// A request for metrics in the text dialect, in a masked WebSocket frame.
const ASK: &[u8] = b"\x81\x8b\0\0\0\0get_metrics";

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

#[tokio::test]
async fn hung_serving_thread_ends_the_agent_by_sigalrm() {
    let own_mounts = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "true"])
        .output();
    if !own_mounts.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user may make no user namespace, or is in a chroot");
        return;
    }
    let manager = ServiceManager::new(AGENT, "");
    let (listener, address) = listening_socket();
    // A kernel file that cannot hang is replaced by one that does: opening a FIFO waits for its other end.
    let fifo = manager.path("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let script = "exec 3<&0 </dev/null; export FIFO LISTEN_PID\n\
        exec unshare --user --map-root-user --mount sh -c \
        'mount --bind \"$FIFO\" /proc/loadavg && LISTEN_PID=$$ exec \"$@\"' sh \"$@\"";
    let mut command = manager.bare_command(script, "1");
    let mut agent = command
        .env("FIFO", &fifo)
        .stdin(std::process::Stdio::from(std::os::fd::OwnedFd::from(
            listener,
        )))
        .spawn()
        .unwrap();
    manager.wait_for("READY=1").await;
    assert!(get(&address, "/healthz").await.unwrap().contains("200 OK"));

    let mut client = TcpStream::connect(&address).await.unwrap();
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    let mut upgraded = [0; 12];
    client.read_exact(&mut upgraded).await.unwrap();
    assert_eq!(&upgraded, b"HTTP/1.1 101");
    client.write_all(ASK).await.unwrap();

    let ended = timeout(DEADLINE, agent.wait())
        .await
        .expect("it hangs for ever")
        .unwrap();
    assert_eq!(ended.signal(), Some(Signal::ALARM.as_raw()));
}
