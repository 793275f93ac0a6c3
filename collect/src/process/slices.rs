//! Splits long work on the serving thread into slices, so that other clients are answered in between.

use tokio::task::yield_now;

/// Steps of a slice. One reads a file or a few, which takes some ten microseconds each.
const STEPS: u32 = 32;

/// How much of the slice has been worked.
#[derive(Debug, Default)]
pub(super) struct Slices {
    steps: u32,
}

impl Slices {
    /// To be awaited after each step: lets others work where the slice ends.
    pub(super) async fn step(&mut self) {
        self.steps += 1;
        if self.steps >= STEPS {
            self.steps = 0;
            yield_now().await;
        }
    }
}
