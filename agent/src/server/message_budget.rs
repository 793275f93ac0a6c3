//! A memory budget for incomplete messages of all connections together.
//!
//! tungstenite keeps a frame that is not whole, and the fragments before it: twice the largest message. Requests are
//! tens of bytes, so only a few conversations at once may ever send more than some kilobytes at a time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_tungstenite::WebSocketStream;

/// What every conversation may send for one message.
const SMALL_BYTES: usize = 8 * 1024;

/// How many conversations at once may have sent more. The buffer stays as large as it once was, so each counts to
/// its end.
const LARGE_AT_ONCE: usize = 16;

/// The connections that send large messages.
#[derive(Debug, Clone)]
pub(crate) struct LargeMessages(Arc<Semaphore>);

impl Default for LargeMessages {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LARGE_AT_ONCE)))
    }
}

/// A connection on which what is read for one message is counted.
#[derive(Debug)]
pub(crate) struct BudgetedStream<S> {
    stream: S,
    places: LargeMessages,
    place: Option<OwnedSemaphorePermit>,
    /// Since the last whole message.
    read_bytes: usize,
    /// With what fragments and pings among them add to a message.
    most_bytes: usize,
}

impl<S> BudgetedStream<S> {
    pub(crate) fn new(stream: S, places: LargeMessages, message_bytes: usize) -> Self {
        Self {
            stream,
            places,
            place: None,
            read_bytes: 0,
            most_bytes: message_bytes + SMALL_BYTES,
        }
    }

    /// Whether one may read on after `count` bytes more.
    fn count(&mut self, count: usize) -> io::Result<()> {
        self.read_bytes += count;
        if self.read_bytes > SMALL_BYTES && self.place.is_none() {
            let place = Arc::clone(&self.places.0).try_acquire_owned();
            self.place = Some(place.map_err(|_| {
                io::Error::other(format!(
                    "{LARGE_AT_ONCE} clients have sent messages of more than {SMALL_BYTES} bytes: try again later"
                ))
            })?);
        }
        if self.read_bytes > self.most_bytes {
            return Err(io::Error::other(
                "the client sent more than the largest message (limits.message_bytes) and none was whole",
            ));
        }
        Ok(())
    }
}

/// Notes that a message was whole.
pub(crate) fn whole<S>(socket: &mut WebSocketStream<BudgetedStream<S>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    socket.get_mut().read_bytes = 0;
}

impl<S: AsyncRead + Unpin> AsyncRead for BudgetedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        Poll::Ready(this.count(buffer.filled().len() - before))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BudgetedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
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
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(
        stream: &mut BudgetedStream<tokio::io::Repeat>,
        bytes: usize,
    ) -> io::Result<usize> {
        stream.read_exact(&mut vec![0; bytes]).await
    }

    #[tokio::test]
    async fn sixteen_clients_may_send_large_messages() {
        let places = LargeMessages::default();
        let new = || BudgetedStream::new(tokio::io::repeat(0), places.clone(), 65_536);
        let mut large: Vec<_> = (0..LARGE_AT_ONCE).map(|_| new()).collect();
        for stream in &mut large {
            read(stream, 65_536).await.unwrap();
        }
        let mut other = new();
        read(&mut other, SMALL_BYTES).await.unwrap();
        let error = read(&mut other, 1).await.unwrap_err().to_string();
        assert!(error.contains("try again later"), "{error}");
        large.pop();
        read(&mut other, 1).await.unwrap();
    }

    #[tokio::test]
    async fn budget_covers_only_unfinished_messages() {
        let mut stream = BudgetedStream::new(tokio::io::repeat(0), LargeMessages::default(), 1024);
        read(&mut stream, 1024 + SMALL_BYTES).await.unwrap();
        stream.read_bytes = 0;
        read(&mut stream, 1024 + SMALL_BYTES).await.unwrap();
        let error = read(&mut stream, 1).await.unwrap_err().to_string();
        assert!(error.contains("limits.message_bytes"), "{error}");
    }
}
