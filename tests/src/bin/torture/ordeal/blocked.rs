use std::sync::{Arc, Barrier};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::clock;

/// Blocks a runtime: each of its threads does something else.
pub(crate) struct Blocker {
    pub(crate) runtime: Handle,
    pub(crate) threads: usize,
}

impl Blocker {
    /// Returns when they go on, with the times between which all of them were blocked.
    pub(super) fn block(&self, time: Duration) -> (u64, u64) {
        // Who waits here has a thread for itself, so in the end all threads are here.
        let gate = Arc::new(Barrier::new(self.threads + 1));
        for _ in 0..self.threads {
            let gate = Arc::clone(&gate);
            self.runtime.spawn(async move {
                gate.wait();
                std::thread::sleep(time);
            });
        }
        gate.wait();
        let from = clock::now();
        std::thread::sleep(time);
        (from, clock::now())
    }
}
