//! A limit on WebSocket frames without payload: empty and tiny fragments, pings and pongs. The WebSocket library
//! accepts any number of them, and assembles fragments without reporting progress.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Frames are counted over so long.
const WINDOW: Duration = Duration::from_secs(10);

/// Frames in a window that need bring nothing: pings, ends of messages.
const FREE_FRAMES: usize = 1024;

/// Every further frame of data must bring so many bytes, on average.
const BYTES_PER_FRAME: usize = 64;

/// More frames came than that.
#[derive(Debug, thiserror::Error)]
#[error(
    "more than {FREE_FRAMES} frames in {} s that are empty, tiny or pings",
    WINDOW.as_secs()
)]
pub(super) struct TooManyFrames;

/// A stream from an agent whose frames are counted as they are read.
#[derive(Debug)]
pub(super) struct FrameLimited<S> {
    stream: S,
    frames: Frames,
    window_end: Instant,
}

impl<S> FrameLimited<S> {
    /// Counts the frames of `stream`, which begins with one.
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            frames: Frames::default(),
            window_end: Instant::now() + WINDOW,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameLimited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = read {
            let now = Instant::now();
            if now >= self.window_end {
                self.window_end = now + WINDOW;
                self.frames.restart();
            }
            self.frames
                .read(buffer.filled().get(before..).unwrap_or_default());
            if self.frames.are_too_many() {
                return Poll::Ready(Err(io::Error::other(TooManyFrames)));
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FrameLimited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Follows the frames of a stream (RFC 6455, section 5.2) by their headers alone. What is wrong with them is left to the
/// WebSocket library, which reads the same bytes.
#[derive(Debug, Default)]
struct Frames {
    /// Frames of this window.
    count: usize,
    /// Their payload, but for that of control frames.
    data_bytes: usize,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// The first byte of a frame comes next.
    #[default]
    Opcode,
    /// The byte with the short length.
    Length { is_control: bool },
    /// Bytes of the long length.
    LongLength {
        is_control: bool,
        is_masked: bool,
        missing: u8,
        length: u64,
    },
    /// Payload, and a mask before it.
    Payload { missing: u64 },
}

impl Frames {
    /// A new window: what is under way goes on.
    fn restart(&mut self) {
        self.count = 0;
        self.data_bytes = 0;
    }

    fn are_too_many(&self) -> bool {
        self.count > FREE_FRAMES + self.data_bytes / BYTES_PER_FRAME
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while let Some(&byte) = bytes.first() {
            if let State::Payload { missing } = &mut self.state {
                let here = usize::try_from(*missing)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *missing -= here as u64;
                if *missing == 0 {
                    self.state = State::Opcode;
                }
                bytes = bytes.get(here..).unwrap_or_default();
                continue;
            }
            self.read_header(byte);
            bytes = bytes.get(1..).unwrap_or_default();
        }
    }

    fn read_header(&mut self, byte: u8) {
        self.state = match self.state {
            State::Opcode => {
                self.count = self.count.saturating_add(1);
                State::Length {
                    is_control: byte & 0x08 != 0,
                }
            }
            State::Length { is_control } => {
                let is_masked = byte & 0x80 != 0;
                let missing = match byte & 0x7f {
                    126 => 2,
                    127 => 8,
                    length => return self.begin_payload(is_control, is_masked, length.into()),
                };
                State::LongLength {
                    is_control,
                    is_masked,
                    missing,
                    length: 0,
                }
            }
            State::LongLength {
                is_control,
                is_masked,
                missing,
                length,
            } => {
                let length = length << 8 | u64::from(byte);
                if missing <= 1 {
                    return self.begin_payload(is_control, is_masked, length);
                }
                State::LongLength {
                    is_control,
                    is_masked,
                    missing: missing - 1,
                    length,
                }
            }
            // Its bytes are skipped, not read one by one.
            State::Payload { missing } => State::Payload { missing },
        };
    }

    fn begin_payload(&mut self, is_control: bool, is_masked: bool, length: u64) {
        if !is_control {
            let bytes = usize::try_from(length).unwrap_or(usize::MAX);
            self.data_bytes = self.data_bytes.saturating_add(bytes);
        }
        let mask = if is_masked { 4 } else { 0 };
        self.state = match length.saturating_add(mask) {
            0 => State::Opcode,
            missing => State::Payload { missing },
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame as an agent sends it.
    fn frame(opcode: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![opcode];
        match length {
            0..126 => bytes.push(u8::try_from(length).unwrap()),
            126..0x1_0000 => {
                bytes.push(126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(vec![0x89; length]);
        bytes
    }

    fn read(bytes: &[u8], pieces: usize) -> Frames {
        let mut frames = Frames::default();
        bytes.chunks(pieces).for_each(|piece| frames.read(piece));
        frames
    }

    proptest! {
        #[test]
        fn frames_and_their_bytes_are_counted_wherever_they_are_cut(
            sent in proptest::collection::vec((0..16_u8, prop_oneof![0..300_usize, 65_530..65_540_usize]), 0..20),
            pieces in 1..200_usize,
        ) {
            let bytes: Vec<u8> = sent.iter().flat_map(|(opcode, length)| frame(*opcode, *length)).collect();
            let frames = read(&bytes, pieces);
            prop_assert_eq!(frames.count, sent.len());
            let data = sent.iter().filter(|(opcode, _)| opcode & 8 == 0);
            prop_assert_eq!(frames.data_bytes, data.map(|(_, length)| length).sum::<usize>());
            prop_assert!(matches!(frames.state, State::Opcode));
        }
    }

    #[test]
    fn frames_with_payload_are_not_limited() {
        let answers = frame(0x82, 100_000).repeat(2000);
        assert!(!read(&answers, 8192).are_too_many());
        let fragments = frame(0x00, BYTES_PER_FRAME).repeat(100_000);
        assert!(!read(&fragments, 8192).are_too_many());
    }

    #[test]
    fn floods_of_tiny_fragments_and_pings_are_limited() {
        for frame in [
            frame(0x00, 0),
            frame(0x00, 1),
            frame(0x89, 125),
            frame(0x8a, 0),
        ] {
            assert!(!read(&frame.repeat(FREE_FRAMES), 8192).are_too_many());
            assert!(read(&frame.repeat(FREE_FRAMES + 20), 8192).are_too_many());
        }
    }
}
