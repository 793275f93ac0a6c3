//! The write timeout: a client that reads nothing of what is sent to it is disconnected.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::sockopt::{
    set_socket_linger, set_socket_recv_buffer_size, set_socket_send_buffer_size,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// What the kernel may keep of a client before we read it. Requests are tens of bytes, and the largest head of an
/// HTTP request needs no more at once.
const RECEIVE_BUFFER_BYTES: usize = 16 * 1024;

/// A connection on which a write fails once the client has taken nothing for a time.
///
/// Every byte that the kernel accepts counts. It does so again once a third of what waits in it is gone, so of
/// 64 KiB a client has to take some 20 KiB in that time.
#[derive(Debug)]
pub(crate) struct WriteTimeout {
    stream: TcpStream,
    patience: Duration,
    forgets: Arc<AtomicBool>,
    /// There is a timer only while the client does not take what is sent.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// Bounds what the kernel keeps for a connection accepted from `socket`, or for the connection `socket` itself.
///
/// The kernel doubles the size that is set, for its own bookkeeping, and counts that together with the data
/// (`socket(7)` `SO_SNDBUF`, `tcp(7)`). Half of `queued_bytes` is therefore set, so that this is the total. Setting a
/// size also turns off the kernel's own choice, which reaches megabytes.
///
/// # Errors
/// Where it is no socket.
pub(crate) fn bound_buffers(
    socket: &impl std::os::fd::AsFd,
    queued_bytes: usize,
) -> rustix::io::Result<()> {
    set_socket_send_buffer_size(socket, queued_bytes / 2)?;
    set_socket_recv_buffer_size(socket, RECEIVE_BUFFER_BYTES)
}

impl WriteTimeout {
    /// Where `forgets` is set by the end, the kernel does not keep for the client what it has not taken by then.
    pub(crate) fn new(stream: TcpStream, patience: Duration, forgets: Arc<AtomicBool>) -> Self {
        Self {
            stream,
            patience,
            forgets,
            stalled: None,
        }
    }

    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        self.forgets.store(true, Ordering::Relaxed);
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "the client took nothing of what was sent for {} s (limits.send_seconds)",
                patience.as_secs_f64()
            ),
        )))
    }
}

impl Drop for WriteTimeout {
    fn drop(&mut self) {
        if self.forgets.load(Ordering::Relaxed) {
            // It would else be kept for a minute, for any number of connections that have ended.
            let _ = set_socket_linger(&self.stream, Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for WriteTimeout {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WriteTimeout {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.written(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::{socket_recv_buffer_size, socket_send_buffer_size};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn connected(patience: Duration) -> (WriteTimeout, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        bound_buffers(&listener, 8192).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        let forgets = Arc::default();
        let paced = WriteTimeout::new(accepted.unwrap().0, patience, forgets);
        (paced, client.unwrap())
    }

    #[tokio::test]
    async fn accepted_connection_has_the_listeners_buffer_sizes() {
        let (paced, _client) = connected(Duration::from_secs(1)).await;
        assert_eq!(socket_send_buffer_size(&paced.stream).unwrap(), 8192);
        assert_eq!(
            socket_recv_buffer_size(&paced.stream).unwrap(),
            2 * RECEIVE_BUFFER_BYTES
        );
    }

    #[tokio::test]
    async fn stalled_reader_is_disconnected() {
        let (mut paced, _client) = connected(Duration::from_millis(20)).await;
        let error = paced.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("send_seconds"), "{error}");
    }

    #[tokio::test]
    async fn unsent_output_is_discarded_at_close_on_request() {
        for forgets in [true, false] {
            let (mut paced, mut client) = connected(Duration::from_secs(1)).await;
            paced.write_all(b"unread").await.unwrap();
            paced.forgets.store(forgets, Ordering::Relaxed);
            drop(paced);
            let read = client.read_to_end(&mut Vec::new()).await;
            assert_eq!(read.is_err(), forgets, "{read:?}");
        }
    }

    #[tokio::test]
    async fn slow_reader_gets_everything() {
        const SIZE: usize = 1 << 20;
        let (mut paced, mut client) = connected(Duration::from_mins(1)).await;
        let sent = tokio::spawn(async move { paced.write_all(&vec![0; SIZE]).await });
        let mut taken = 0;
        while taken < SIZE {
            tokio::task::yield_now().await;
            taken += client.read(&mut [0; 2048]).await.unwrap();
        }
        sent.await.unwrap().unwrap();
    }
}
