//! Cancelling a job.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{check, config, pool, running};
use ostler_lifecycle::{MemoryRules, PoolConfig, RetryPolicy};

fn with_grace() -> PoolConfig {
    PoolConfig { cancel_grace: Duration::from_secs(2), ..config() }
}

#[test]
fn a_pending_job_is_cancelled_at_once_and_nothing_is_killed() {
    check(
        config(),
        "
        submit a     | a queued; spawn 0.1
        submit b     | b queued
        up 0.1       | 0.1 idle; ask a ?1
        proceed a    | 0.1 <- a
        cancel b     | b cancelled
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle
        ",
    );
}

#[test]
fn a_job_that_the_hook_is_asked_about_is_cancelled_and_its_worker_goes_to_the_next() {
    check(
        config(),
        "
        submit a     | a queued; spawn 0.1
        submit b     | b queued
        up 0.1       | 0.1 idle; ask a ?1
        cancel a     | 0.1 idle; a cancelled; ask b ?2
        proceed a ?1 |
        proceed b    | 0.1 <- b
        ",
    );
}

#[test]
fn a_sent_job_is_cancelled_only_when_its_worker_is_dead() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        cancel a     | a cancelling; kill 0.1
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn a_running_job_is_cancelled_only_when_its_worker_is_dead() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        pass 5s      |
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn a_result_that_comes_after_the_cancel_is_too_late() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        result a     |
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn a_cancel_that_comes_after_the_result_is_too_late() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle
        cancel a     |
        submit b     | 0.1 <- b; b queued
        ",
    );
}

#[test]
fn two_cancels_kill_once_and_share_the_outcome() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        cancel a     |
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        cancel a     |
        ",
    );
}

#[test]
fn a_cancel_touches_no_other_job() {
    check(
        PoolConfig { max_workers: 2, ..config() },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        started a    | a started in 0.1
        started b    | b started in 1.2
        submit c     | c queued
        cancel a     | a cancelling; kill 0.1
        exit 0.1     | 0.1 gone: Cancelled; a cancelled; spawn 0.3
        result b     | b completed; 1.2 idle; ask c ?1
        ",
    );
}

#[test]
fn with_grace_the_job_is_asked_first_and_killed_at_the_deadline() {
    check(
        with_grace(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; 0.1 <- cancel a
        cancel a     |
        note a       | a noted
        chunk a      |
        pass 1s      |
        pass 1s      | kill 0.1
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn with_grace_a_job_that_ends_by_itself_is_cancelled_and_its_worker_dies_too() {
    check(
        with_grace(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; 0.1 <- cancel a
        done 0.1     |
        result a     | kill 0.1
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn with_grace_a_worker_that_exits_by_itself_ends_the_job_as_cancelled() {
    check(
        with_grace(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; 0.1 <- cancel a
        exit 0.1     | 0.1 gone: on its own; a cancelled
        ",
    );
}

#[test]
fn a_job_that_never_began_gets_no_grace() {
    check(
        with_grace(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        cancel a     | a cancelling; kill 0.1
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn a_cancel_is_not_lost_while_the_worker_is_killed_for_another_reason() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        hello 0.1    | kill 0.1
        cancel a     | a cancelling
        exit 0.1     | 0.1 gone: Protocol; a cancelled
        ",
    );
}

#[test]
fn a_timeout_that_was_first_wins_over_a_cancel() {
    check(
        config(),
        "
        start               | spawn 0.1
        up 0.1              | 0.1 idle
        submit a timeout=1s | 0.1 <- a; a queued
        started a           | a started in 0.1
        pass 1s             | kill 0.1
        cancel a            |
        exit 0.1            | 0.1 gone: TimedOut; a failed: TimedOut SIGSEGV
        ",
    );
}

#[test]
fn a_stranger_cannot_be_cancelled() {
    check(config(), "cancel z |");
}

#[test]
fn a_cancel_may_bring_a_grace_of_its_own() {
    running(
        config(),
        "",
        "
        cancel a within 3s | a cancelling; 0.1 <- cancel a
        pass 2s            |
        pass 1s            | kill 0.1
        exit 0.1           | 0.1 gone: Cancelled; a cancelled
        ",
    );
    running(
        PoolConfig { cancel_grace: Duration::from_secs(9), ..config() },
        "",
        "cancel a within 0s | a cancelling; kill 0.1",
    );
}

#[test]
fn a_second_cancel_may_only_shorten_the_grace() {
    let asked = "cancel a within 5s | a cancelling; 0.1 <- cancel a";
    let never_longer = "
        pass 1s             |
        cancel a within 60s |
        cancel a            |
        pass 3s             |
        pass 1s             | kill 0.1
    ";
    let sooner = "
        cancel a within 2s  |
        pass 1s             |
        pass 1s             | kill 0.1
    ";
    let at_once = "cancel a within 0s | kill 0.1";
    for then in [never_longer, sooner, at_once] {
        running(config(), "", &format!("{asked}\n{then}"));
    }
}

/// The pool may be up again when the worker is dead, unless it shuts down.
#[test]
fn a_cancel_of_a_job_that_would_be_tried_again_counts_also_while_the_pool_is_down() {
    let one_is_down = "
        start              | spawn 0.1; spawn 1.2
        up 0.1             | 0.1 idle
        submit a timeout=1s | 0.1 <- a; a queued
        started a          | a started in 0.1
        pass 1s            | kill 0.1
        spawned 1.2        |
        hello 1.2          | 1.2 loading; 1.2 <- init
        holds 1.2 2000000  | kill 1.2; down
    ";
    for then in [
        "
        cancel a           | a cancelling
        restart            | up
        exit 0.1           | 0.1 gone: TimedOut; spawn 0.3; a cancelled
        ",
        "
        shutdown 30s       |
        cancel a           |
        exit 0.1           | 0.1 gone: TimedOut; a failed: TimedOut SIGSEGV
        ",
    ] {
        check(
            PoolConfig {
                retry: Arc::new(RetryPolicy::attempts(3)),
                memory: MemoryRules { max_resident: Some(1 << 20), min_available: None },
                ..pool(2, 0)
            },
            &format!("{one_is_down}{then}"),
        );
    }
}
