//! A connection before authentication: its place in admission, its turn in the handshakes, whether it counts as a
//! client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::server::admission::{Full, Ticket};
use crate::server::handshakes::Slot;
use crate::server::idle_exit::ClientMark;

/// What a connection holds while it is on its way in.
#[derive(Debug)]
pub(crate) struct PendingConnection {
    ticket: Ticket,
    slot: Mutex<Option<Slot>>,
    forgets: Arc<AtomicBool>,
    client_mark: ClientMark,
}

impl PendingConnection {
    /// A connection with its place, which has said nothing yet.
    pub(crate) fn new(ticket: Ticket, client_mark: ClientMark) -> Self {
        Self {
            ticket,
            slot: Mutex::default(),
            forgets: Arc::default(),
            client_mark,
        }
    }

    /// Waits until a new connection displaces it.
    pub(crate) async fn displaced(&self) {
        self.ticket.displaced().await;
    }

    /// Set once the kernel is to keep nothing for the client after the connection's end.
    pub(crate) fn forgets(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.forgets)
    }

    /// Lets the connection in as a session.
    ///
    /// # Errors
    /// Says which limit is reached.
    pub(crate) fn promote(&self) -> Result<(), Full> {
        self.ticket.promote()
    }

    /// Has the kernel keep nothing for the client after the connection's end.
    pub(crate) fn forget(&self) {
        self.forgets.store(true, Ordering::Relaxed);
    }

    /// Has the connection not count as a client that came, once it is gone.
    pub(crate) fn clear_client_mark(&self) {
        self.client_mark.clear();
    }

    /// Keeps its place among the handshakes, or gives it up.
    pub(crate) fn hold(&self, slot: Option<Slot>) {
        *self.slot.lock() = slot;
    }
}
