//! An upgraded connection.

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;

use super::frame_limit::FrameLimited;

/// A WebSocket whose frames are bounded.
pub(super) type Socket = WebSocketStream<FrameLimited<TokioIo<Upgraded>>>;
