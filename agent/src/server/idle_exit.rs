//! The idle exit: counts the clients, and ends an agent that has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How many connections and clients there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Connections that are no conversation (yet): handshakes, requests for `/healthz`.
    pub connections: usize,
    /// Sessions: clients that were admitted.
    pub sessions: usize,
    /// How many have left that were clients: no health checks.
    left: u64,
}

impl Count {
    /// Whether nothing is connected.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.connections == 0 && self.sessions == 0
    }
}

/// Counts connections and sessions.
#[derive(Debug, Default)]
pub struct Clients(Arc<watch::Sender<Count>>);

/// Counts as one connection or session until it is dropped.
#[derive(Debug)]
pub struct Connected {
    clients: Arc<watch::Sender<Count>>,
    field: fn(&mut Count) -> &mut usize,
    client_mark: ClientMark,
}

/// Whether a connection is a client's, after which an idle agent stays for its whole idle limit. A health check is not
/// one, nor is a connection without a request.
#[derive(Debug, Clone)]
pub(crate) struct ClientMark(Arc<AtomicBool>);

impl ClientMark {
    /// Marks it as a client.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Marks it as not being a client.
    pub(crate) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Connected {
    /// Whether it counts as a client; it does until it is marked otherwise.
    pub(crate) fn client_mark(&self) -> ClientMark {
        self.client_mark.clone()
    }
}

impl Clients {
    /// Counts a connection.
    #[must_use]
    pub fn connection(&self) -> Connected {
        self.add(|count| &mut count.connections)
    }

    /// Counts a conversation.
    #[must_use]
    pub fn session(&self) -> Connected {
        self.add(|count| &mut count.sessions)
    }

    /// How many are connected now.
    #[must_use]
    pub fn count(&self) -> Count {
        *self.0.borrow()
    }

    /// The count, to be read and watched.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Count> {
        self.0.subscribe()
    }

    fn add(&self, field: fn(&mut Count) -> &mut usize) -> Connected {
        self.0.send_modify(|count| *field(count) += 1);
        Connected {
            clients: Arc::clone(&self.0),
            field,
            client_mark: ClientMark(Arc::new(AtomicBool::new(true))),
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let was_client = self.client_mark.0.load(Ordering::Relaxed);
        self.clients.send_modify(|count| {
            *(self.field)(count) -= 1;
            count.left += u64::from(was_client);
        });
    }
}

/// Waits until no connection and no session is left.
pub async fn all_disconnected(count: &mut watch::Receiver<Count>) {
    // An error means that the counter is gone, so nothing can connect any more.
    let _ = count.wait_for(Count::is_zero).await;
}

/// The time since the last client left.
#[derive(Debug)]
pub struct Idle {
    count: watch::Receiver<Count>,
    limit: watch::Receiver<Option<Duration>>,
    left: u64,
    since: Instant,
}

impl Idle {
    /// Starts counting the idle time: `count` has the connected clients, `limit` how long the agent stays without any,
    /// `None` for ever.
    #[must_use]
    pub fn new(count: watch::Receiver<Count>, limit: watch::Receiver<Option<Duration>>) -> Self {
        let left = count.borrow().left;
        Self {
            count,
            limit,
            left,
            since: Instant::now(),
        }
    }

    /// Waits until the agent has been without clients for as long as the limit says, and without any connection now;
    /// returns the idle time. There is a timer only while nothing is connected. A health check does not restart it.
    pub async fn passed(&mut self) -> Duration {
        loop {
            all_disconnected(&mut self.count).await;
            let left = self.count.borrow_and_update().left;
            // A client that connected and left meanwhile counts too.
            if left != self.left {
                self.left = left;
                self.since = Instant::now();
            }
            let time = *self.limit.borrow_and_update();
            let since = self.since;
            let passed = async {
                match time {
                    Some(time) => {
                        sleep_until(since + time).await;
                        time
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // A connection in the last moment is not overlooked.
                biased;
                Ok(()) = self.count.changed() => {}
                Ok(()) = self.limit.changed() => {
                    // It is counted from the change on.
                    self.since = Instant::now();
                }
                time = passed => return time,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{JoinHandle, yield_now};
    use tokio::time::{Instant, advance};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn watched(clients: &Clients, limit: &watch::Sender<Option<Duration>>) -> JoinHandle<Duration> {
        let mut idle = Idle::new(clients.watch(), limit.subscribe());
        tokio::spawn(async move { idle.passed().await })
    }

    /// Lets `time` pass, and all tasks see it.
    async fn pass(time: Duration) {
        // Timers are set before the time passes, and run after it.
        for step in [Duration::ZERO, time] {
            advance(step).await;
            for _ in 0..8 {
                yield_now().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_counts_from_the_start() {
        let clients = Clients::default();
        let started = Instant::now();
        let limit = watch::Sender::new(Some(MINUTE));
        assert_eq!(watched(&clients, &limit).await.unwrap(), MINUTE);
        assert_eq!(started.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_counts_from_the_last_disconnect() {
        let clients = Clients::default();
        let limit = watch::Sender::new(Some(MINUTE));
        let idle = watched(&clients, &limit);
        pass(Duration::from_secs(59)).await;
        let (one, other) = (clients.connection(), clients.session());
        pass(Duration::from_hours(1)).await;
        drop(one);
        pass(Duration::from_hours(1)).await;
        drop(other);
        pass(Duration::from_secs(59)).await;
        assert!(!idle.is_finished());
        pass(Duration::from_secs(1)).await;
        assert!(idle.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn brief_connection_restarts_the_idle_time() {
        let clients = Clients::default();
        let limit = watch::Sender::new(Some(MINUTE));
        let idle = watched(&clients, &limit);
        pass(Duration::from_secs(59)).await;
        drop(clients.connection());
        pass(Duration::from_secs(59)).await;
        assert!(!idle.is_finished());
        pass(Duration::from_secs(1)).await;
        assert!(idle.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn health_checks_do_not_restart_the_idle_time_and_are_answered() {
        let clients = Clients::default();
        let limit = watch::Sender::new(Some(MINUTE));
        let idle = watched(&clients, &limit);
        let check = || {
            let check = clients.connection();
            check.client_mark().clear();
            check
        };
        for _ in 0..29 {
            pass(Duration::from_secs(1)).await;
            let held = check();
            pass(Duration::from_secs(1)).await;
            drop(held);
        }
        // One that is there when the time is over is served to its end.
        let held = check();
        pass(Duration::from_secs(10)).await;
        assert!(!idle.is_finished());
        drop(held);
        pass(Duration::ZERO).await;
        assert!(idle.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_wait_resumes_where_it_stopped() {
        let clients = Clients::default();
        let limit = watch::Sender::new(Some(MINUTE));
        let mut idle = Idle::new(clients.watch(), limit.subscribe());
        let start = Instant::now();
        for _ in 0..5 {
            let wait = tokio::time::timeout(Duration::from_secs(10), idle.passed());
            assert!(wait.await.is_err());
        }
        idle.passed().await;
        assert_eq!(start.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn changed_limit_applies_to_the_running_wait() {
        let clients = Clients::default();
        let limit = watch::Sender::new(None);
        let idle = watched(&clients, &limit);
        pass(Duration::from_hours(1)).await;
        assert!(!idle.is_finished());
        limit.send_replace(Some(MINUTE));
        pass(Duration::from_secs(59)).await;
        limit.send_replace(None);
        pass(Duration::from_hours(1)).await;
        assert!(!idle.is_finished());
        limit.send_replace(Some(MINUTE));
        assert_eq!(idle.await.unwrap(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn count_is_zero_after_the_last_disconnect() {
        let clients = Clients::default();
        let mut count = clients.watch();
        let one = clients.connection();
        assert_eq!(count.borrow_and_update().connections, 1);
        let other = clients.session();
        assert_eq!(count.borrow_and_update().sessions, 1);
        drop((one, other));
        all_disconnected(&mut count).await;
        assert!(count.borrow().is_zero());
    }
}
