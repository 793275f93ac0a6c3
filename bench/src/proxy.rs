//! A TCP proxy between client and agent that counts bytes.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Result;

/// Passes every byte on, both ways.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    passed: Arc<AtomicU64>,
}

impl Proxy {
    /// Starts one before the agent at `port`. It lasts as long as this program.
    ///
    /// # Errors
    /// When no port is to be had.
    pub fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let proxy = Self {
            port: listener.local_addr()?.port(),
            passed: Arc::default(),
        };
        let passed = Arc::clone(&proxy.passed);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A client whose agent is gone sees its connection closed.
                let _ = serve(client, port, &passed);
            }
        });
        Ok(proxy)
    }

    /// Bytes so far, both ways, as TCP carries them: replies, requests and the frames around them.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

fn serve(client: TcpStream, port: u16, passed: &Arc<AtomicU64>) -> std::io::Result<()> {
    let agent = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    for stream in [&client, &agent] {
        stream.set_nodelay(true)?;
    }
    let back = (agent.try_clone()?, client.try_clone()?);
    for (from, to) in [(client, agent), back] {
        let passed = Arc::clone(passed);
        thread::spawn(move || pass(from, to, &passed));
    }
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, passed: &AtomicU64) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        passed.fetch_add(u64::try_from(length).unwrap_or(0), Ordering::Relaxed);
        if to
            .write_all(buffer.get(..length).unwrap_or_default())
            .is_err()
        {
            break;
        }
    }
    // The other end sees that the connection is closed.
    let _ = to.shutdown(Shutdown::Write);
}
