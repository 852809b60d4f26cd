//! Draining, and what the deadline does.

mod common;

use std::time::Duration;

use common::{check, config};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

#[test]
fn accepted_jobs_are_finished_and_then_the_workers_are_told_to_stop() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        shutdown 9s  |
        submit c     | c rejected: shut down
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; ask b ?1
        proceed b    | 0.1 <- b
        started b    | b started in 0.1
        result b     | b completed; 0.1 idle; 0.1 draining; 0.1 <- stop
        done 0.1     |
        exit 0.1     | 0.1 gone: Shutdown; closed
        ",
    );
}

#[test]
fn without_workers_it_is_over_at_once() {
    check(
        config(),
        "
        shutdown 9s  | closed
        shutdown 9s  |
        submit a     | a rejected: shut down
        reload r     | r not done: the manager is shut down
        restart      |
        ",
    );
}

#[test]
fn the_deadline_ends_the_rest_as_interrupted() {
    check(
        PoolConfig { max_workers: 2, restart_policy: RestartPolicy::Always, ..config() },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        submit c     | c queued
        started a    | a started in 0.1
        shutdown 5s  |
        pass 5s      | c failed: Interrupted; kill 0.1; kill 1.2
        exit 0.1     | 0.1 gone: Shutdown; a failed: Interrupted SIGSEGV
        exit 1.2     | 1.2 gone: Shutdown; b failed: Interrupted SIGSEGV; closed
        ",
    );
}

#[test]
fn a_second_shutdown_may_only_shorten_the_first() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        shutdown 5s  |
        shutdown 60s |
        shutdown 0s  | kill 0.1
        exit 0.1     | 0.1 gone: Shutdown; a failed: Interrupted SIGSEGV; closed
        ",
    );
}

#[test]
fn a_second_shutdown_does_not_prolong_the_first() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        shutdown 5s  |
        shutdown 60s |
        pass 5s      | kill 0.1
        ",
    );
}

#[test]
fn a_job_that_is_being_cancelled_at_the_deadline_ends_as_cancelled() {
    check(
        PoolConfig { cancel_grace: Duration::from_secs(20), ..config() },
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; 0.1 <- cancel a
        shutdown 5s  |
        pass 5s      | kill 0.1
        exit 0.1     | 0.1 gone: Shutdown; a cancelled; closed
        ",
    );
}

#[test]
fn a_job_whose_worker_is_being_killed_at_the_deadline_does_not_go_back_to_the_queue() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        hello 0.1    | kill 0.1
        shutdown 0s  |
        exit 0.1     | 0.1 gone: Protocol; a failed: Interrupted; closed
        ",
    );
}

#[test]
fn a_worker_that_does_not_stop_is_killed_at_the_deadline() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        shutdown 5s  | 0.1 draining; 0.1 <- stop
        pass 5s      | kill 0.1
        exit 0.1     | 0.1 gone: Shutdown; closed
        ",
    );
}

#[test]
fn a_process_that_does_not_die_is_named_and_holds_nothing_up() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        shutdown 0s  |
        pass 10s     | a still dying in 101; 0.1 given up; closed without [101]
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn a_process_that_was_made_only_after_it_was_given_up_is_named_too() {
    check(
        PoolConfig { max_workers: 2, ..config() },
        "
        start        | spawn 0.1; spawn 1.2
        up 1.2       | 1.2 idle
        shutdown 60s | kill 0.1; 1.2 draining; 1.2 <- stop
        pass 10s     | 0.1 given up
        spawned 0.1  |
        exit 1.2     | 1.2 gone: Shutdown; closed without [101]
        ",
    );
}

#[test]
fn a_worker_that_is_only_just_coming_is_not_waited_for() {
    check(
        config(),
        "
        start        | spawn 0.1
        spawned 0.1  |
        shutdown 5s  | kill 0.1
        exit 0.1     | 0.1 gone: Shutdown; closed
        ",
    );
}

#[test]
fn while_draining_a_pending_job_still_gets_a_worker() {
    check(
        config(),
        "
        submit a     | a queued; spawn 0.1
        shutdown 5s  |
        exit 0.1     | 0.1 gone: on its own; spawn 0.2
        up 0.2       | 0.2 idle; ask a ?1
        ",
    );
}

#[test]
fn while_draining_nothing_is_restarted_that_no_job_waits_for() {
    check(
        PoolConfig { max_workers: 2, restart_policy: RestartPolicy::Backoff, ..config() },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        exit 1.2     | 1.2 gone: on its own
        shutdown 60s |
        pass 2s      |
        ",
    );
}

#[test]
fn open_operations_are_answered_with_no() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        reload r     | 0.1 <- reload r #2
        shutdown 5s  | r not done: the manager is shut down; kill 0.1
        exit 0.1     | 0.1 gone: Shutdown; closed
        ",
    );
}
