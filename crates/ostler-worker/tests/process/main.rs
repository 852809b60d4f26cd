//! Real worker processes: what they inherit, and how they end. This program is the host, and also the worker
//! that it starts; so it brings its own `main`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![allow(clippy::print_stdout, reason = "what a test harness prints")]
#![allow(unsafe_code, reason = "what a host may leave to its children takes system calls")]

mod endings;
mod host;
mod inheritance;
mod probe;

use std::panic::catch_unwind;

use ostler_worker::run_if_worker;
use probe::Probe;

fn main() {
    let role = std::env::args().nth(1).unwrap_or_default();
    if role == host::WITH_THREADS {
        std::thread::spawn(std::thread::park);
    }
    run_if_worker(|plugins| plugins.register::<Probe>());
    match role.as_str() {
        host::STARTS_A_WORKER => host::start_a_worker_and_wait(),
        host::LISTENS_AND_FORKS => host::listen_fork_and_exit(),
        filter => run(if filter.starts_with('-') { "" } else { filter }),
    }
}

/// Runs the tests whose name contains the filter, one after the other.
fn run(filter: &str) {
    let tests: Vec<(&str, fn())> = [inheritance::TESTS, endings::TESTS].concat();
    let mut failed = Vec::new();
    for (name, test) in tests.into_iter().filter(|(name, _)| name.contains(filter)) {
        let passed = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}
