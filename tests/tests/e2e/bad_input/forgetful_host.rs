//! A host in a process that was started as a worker: it forgot `run_if_worker`, or is a test harness.

use std::process::{Command, Output};

use crate::support::says;

const FORGETFUL_HOST: &str = env!("CARGO_BIN_EXE_forgetful-host");

/// The environment is that of another process: this one's belongs to all tests.
fn run(marked: bool) -> Output {
    let mut command = Command::new(FORGETFUL_HOST);
    if marked {
        command.env("OSTLER_SOCKET", "somewhere");
    }
    command.output().unwrap()
}

#[test]
fn a_launch_in_a_marked_process_says_that_run_if_worker_comes_first() {
    let output = run(true);
    assert_eq!(output.status.code(), Some(1));
    says(
        String::from_utf8_lossy(&output.stderr),
        &["started as a worker", "call ostler::worker::run_if_worker first in main", "worker_in_tests!"],
    );
}

#[test]
fn a_host_that_is_its_own_worker_and_forgot_to_become_one_is_told_so() {
    let output = run(false);
    assert_eq!(output.status.code(), Some(1));
    says(
        String::from_utf8_lossy(&output.stderr),
        &[
            &format!("the worker `{FORGETFUL_HOST}` did not become ready: it exited with code 1"),
            "the end of its stderr:\nError: this process was started as a worker",
            "call ostler::worker::run_if_worker first in main",
        ],
    );
}
