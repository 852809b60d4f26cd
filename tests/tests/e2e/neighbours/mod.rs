//! What the test suites of other job systems try out, as far as it applies here, a room for each of them.
//!
//! The table of a room names the tests that show a scenario already. What has a test of its own is named after what it
//! shows. A test of this repository looks whether the tables speak of tests that exist.

mod bullmq;
mod cpython_pools;
mod loky;
mod pebble;
mod workerpool;

use std::time::{Duration, Instant};

/// Longer than anything takes that a test waits for, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What must not hang.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

/// Waits without giving the runtime of this thread a turn.
fn look_until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not come to that");
        std::thread::yield_now();
    }
}

/// Whether a process waits for something: none of its threads wants the processor, as often as one looks.
fn sleeps(pid: u32) -> bool {
    let sleeping = || {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        threads.flatten().all(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('S'))
        })
    };
    (0..100).all(|_| {
        std::thread::yield_now();
        sleeping()
    })
}
