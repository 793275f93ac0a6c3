//! Who is connected, and the end of an agent to which nobody is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// How many are connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Connections that are no conversation (yet): handshakes, requests for `/healthz`.
    pub connections: usize,
    /// Conversations: clients that were let in.
    pub sessions: usize,
}

impl Count {
    /// Whether nobody is there.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// Counts who is connected.
#[derive(Debug, Default)]
pub struct Clients(Arc<watch::Sender<Count>>);

/// Someone who is connected, until it is dropped.
#[derive(Debug)]
pub struct Connected {
    clients: Arc<watch::Sender<Count>>,
    field: fn(&mut Count) -> &mut usize,
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
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.clients.send_modify(|count| *(self.field)(count) -= 1);
    }
}

/// Waits until nobody is connected.
pub async fn nobody(count: &mut watch::Receiver<Count>) {
    // An error says that nobody is left who could connect.
    let _ = count.wait_for(Count::is_zero).await;
}

/// Waits until nobody has been connected for as long as `limit` says, and says how long that was. Where it says
/// `None`, that is never. There is a timer only while nobody is connected.
pub async fn idle(
    mut count: watch::Receiver<Count>,
    mut limit: watch::Receiver<Option<Duration>>,
) -> Duration {
    loop {
        nobody(&mut count).await;
        let time = *limit.borrow_and_update();
        let passed = async {
            match time {
                Some(time) => {
                    sleep(time).await;
                    time
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Whoever comes in the last moment is not overlooked.
            biased;
            // Someone who came and went meanwhile counts too.
            Ok(()) = count.changed() => {}
            Ok(()) = limit.changed() => {}
            time = passed => return time,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;
    use tokio::time::{Instant, advance};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn watched(clients: &Clients, limit: &watch::Sender<Option<Duration>>) -> Idle {
        tokio::spawn(idle(clients.watch(), limit.subscribe()))
    }

    type Idle = tokio::task::JoinHandle<Duration>;

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
    async fn it_is_counted_from_the_start() {
        let clients = Clients::default();
        let started = Instant::now();
        let limit = watch::Sender::new(Some(MINUTE));
        assert_eq!(watched(&clients, &limit).await.unwrap(), MINUTE);
        assert_eq!(started.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_counted_from_the_leaving_of_the_last() {
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
    async fn whoever_comes_and_goes_at_once_counts() {
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
    async fn the_limit_may_change() {
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
    async fn nobody_is_when_all_have_left() {
        let clients = Clients::default();
        let mut count = clients.watch();
        let one = clients.connection();
        assert_eq!(count.borrow_and_update().connections, 1);
        let other = clients.session();
        assert_eq!(count.borrow_and_update().sessions, 1);
        drop((one, other));
        nobody(&mut count).await;
        assert!(count.borrow().is_zero());
    }
}
