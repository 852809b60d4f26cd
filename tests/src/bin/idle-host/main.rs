//! A host that has nothing to do, before and after something went wrong. `idle-host SCENARIO` prints what its own process
//! takes, as lines of JSON: one before, one after, and for some scenarios one in between.
//!
//! The runtime has threads of its own, and the first thread of the process only measures: what happens here happens by
//! itself.

#![expect(
    unsafe_code,
    reason = "limits, leases and stops are system calls that the standard library does not have"
)]
#![expect(clippy::unwrap_used, reason = "a test fixture that cannot go on has failed")]

mod figures;
mod pool;
mod program;
mod scenario;

use std::io::Write;
use std::time::Duration;

use ostler_tests::lab::register_all;

use figures::{Figures, Resting, at_rest};
use pool::Pool;
use scenario::Scenario;

fn main() {
    ostler::worker::run_if_worker(register_all);
    let scenario = Scenario::parse(&std::env::args().nth(1).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // A thread of the runtime that had something to do once is no leak.
        .thread_keep_alive(Duration::from_millis(50))
        .enable_all()
        .build()
        .unwrap();
    let pool = runtime.block_on(Pool::launch(scenario));
    runtime.block_on(pool.use_all());
    say(&at_rest(&pool.pids(), Resting::All));
    runtime.block_on(scenario.begin(&pool));
    if let Some(resting) = scenario.lasts() {
        say(&at_rest(&pool.pids(), resting));
        runtime.block_on(scenario.end(&pool));
    }
    runtime.block_on(pool.filled());
    say(&at_rest(&pool.pids(), Resting::All));
    runtime.block_on(pool.manager.shutdown()).unwrap();
}

fn say(figures: &Figures) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", serde_json::to_string(figures).unwrap()).unwrap();
}
