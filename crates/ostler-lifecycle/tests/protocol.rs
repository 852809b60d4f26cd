//! What a worker may say when, and what it costs to say something else.

mod common;

use common::{check, config, running};

/// A worker with a job that it began, then what it says, and what comes of it.
#[test]
fn progress_and_chunks_are_published_in_order_and_then_the_result() {
    running(
        config(),
        "",
        "
        note a           | a noted
        chunk a number 0 | a chunk
        chunk a number 1 | a chunk
        note a           | a noted
        result a         | a completed; 0.1 idle
        ",
    );
}

#[test]
fn an_error_of_the_plugin_costs_only_the_job() {
    running(config(), "", "error a | a failed: Plugin; 0.1 idle");
}

#[test]
fn what_a_job_prints_is_published_until_its_worker_is_dead_and_is_never_a_fault() {
    check(
        ostler_lifecycle::PoolConfig { cancel_grace: std::time::Duration::from_secs(1), ..config() },
        "
        start              | spawn 0.1
        up 0.1             | 0.1 idle
        submit a           | 0.1 <- a; a queued
        output a           |
        started a          | a started in 0.1
        output a           | a noted
        output a attempt 2 |
        cancel a           | a cancelling; 0.1 <- cancel a
        output a           | a noted
        result a           | kill 0.1
        output a           | a noted
        exit 0.1           | 0.1 gone: Cancelled; a cancelled
        ",
    );
    running(
        config(),
        "",
        "
        result a         | a completed; 0.1 idle
        output a         |
        ",
    );
}

#[test]
fn what_is_printed_does_not_prove_that_a_job_began() {
    check(
        config(),
        "
        start     | spawn 0.1
        up 0.1    | 0.1 idle
        submit a  | 0.1 <- a; a queued
        output a  |
        exit 0.1  | 0.1 gone: on its own; spawn 0.2
        ",
    );
}

#[test]
fn who_breaks_the_protocol_is_killed_and_its_job_fails() {
    for wrong in [
        "chunk a number 1",
        "started a",
        "note a attempt 2",
        "result a attempt 2",
        "result a answers #1",
        "hello 0.1",
        "ready 0.1",
        "done 0.1",
        "garbage 0.1",
    ] {
        running(
            config(),
            "",
            &format!(
                "
            {wrong} | kill 0.1
            exit 0.1 | 0.1 gone: Protocol; a failed: Protocol SIGSEGV
            "
            ),
        );
    }
}

#[test]
fn what_cannot_be_read_may_hide_that_the_job_began_so_it_does_not_run_again() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        garbage 0.1  | kill 0.1
        exit 0.1     | 0.1 gone: Protocol; a failed: Protocol SIGSEGV
        ",
    );
}

#[test]
fn nonsense_before_the_job_began_leaves_it_unblamed() {
    for wrong in ["hello 0.1", "done 0.1"] {
        check(
            config(),
            &format!(
                "
                start     | spawn 0.1
                up 0.1    | 0.1 idle
                submit a  | 0.1 <- a; a queued
                {wrong}   | kill 0.1
                exit 0.1  | 0.1 gone: Protocol; spawn 0.2
                "
            ),
        );
    }
}

#[test]
fn a_job_that_the_worker_names_may_have_begun_and_does_not_run_again() {
    for wrong in ["result a", "note a", "chunk a", "started a attempt 2"] {
        check(
            config(),
            &format!(
                "
                start     | spawn 0.1
                up 0.1    | 0.1 idle
                submit a  | 0.1 <- a; a queued
                {wrong}   | kill 0.1
                exit 0.1  | 0.1 gone: Protocol; a failed: Protocol SIGSEGV
                "
            ),
        );
    }
}

#[test]
fn what_an_earlier_worker_says_is_dropped() {
    running(
        config(),
        "",
        "
        cancel a          | a cancelling; kill 0.1
        exit 0.1          | 0.1 gone: Cancelled; a cancelled
        submit b          | b queued; spawn 0.2
        result a from 0.1 |
        hello 0.1         |
        exit 0.1          |
        spawned 0.1       |
        spawn_failed 0.1  |
        up 0.2            | 0.2 idle; ask b ?1
        ",
    );
}

#[test]
fn a_worker_cannot_end_the_job_of_another_one() {
    check(
        ostler_lifecycle::PoolConfig { max_workers: 2, ..config() },
        "
        start             | spawn 0.1; spawn 1.2
        up 0.1            | 0.1 idle
        up 1.2            | 1.2 idle
        submit a          | 0.1 <- a; a queued
        started a         | a started in 0.1
        result a from 1.2 | kill 1.2
        result a          | a completed; 0.1 idle
        ",
    );
}

#[test]
fn a_plugin_that_does_not_load_ends_the_worker() {
    check(
        config(),
        "
        start        | spawn 0.1
        spawned 0.1  |
        hello 0.1    | 0.1 loading; 0.1 <- init
        broken 0.1   | kill 0.1
        exit 0.1     | 0.1 gone: LoadFailed
        ",
    );
}

#[test]
fn a_job_before_the_hello_is_nonsense() {
    check(
        config(),
        "
        start        | spawn 0.1
        spawned 0.1  |
        done 0.1 #1  | kill 0.1
        exit 0.1     | 0.1 gone: Protocol
        ",
    );
}
