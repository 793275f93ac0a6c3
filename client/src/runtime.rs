//! The async runtime: one thread, which checks for keys and signals after every step of a task.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Makes the runtime.
///
/// By default tokio asks the kernel what has happened after 61 steps of tasks that need not wait. Here one step may take
/// as long as the decoding of the largest answer, and keys and signals must not wait for 61 of those.
///
/// # Errors
/// Where the kernel refuses what it needs.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(1)
        .build()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Poll;

    use tokio::net::UnixStream;
    use tokio::task::yield_now;

    use super::*;

    /// A task that is always ready stands for an agent that always has more to say.
    #[test]
    fn key_is_seen_after_the_next_step_of_a_busy_task() {
        let steps = Arc::new(AtomicU32::new(0));
        let busy = Arc::clone(&steps);
        let seen_after = runtime().unwrap().block_on(async move {
            let (typed, keyboard) = UnixStream::pair().unwrap();
            // Not by yielding: that asks the kernel, too.
            tokio::spawn(poll_fn(move |context| {
                busy.fetch_add(1, Ordering::Relaxed);
                context.waker().wake_by_ref();
                Poll::<()>::Pending
            }));
            yield_now().await;
            keyboard.try_write(b"q").unwrap();
            let before = steps.load(Ordering::Relaxed);
            typed.readable().await.unwrap();
            steps.load(Ordering::Relaxed) - before
        });
        assert!(seen_after <= 2, "{seen_after} steps");
    }
}
