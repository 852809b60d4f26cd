//! The restart budget, Down, and the way back.

mod common;

use std::time::Duration;

use common::{check, config};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

fn budget(restart_policy: RestartPolicy, max_restart_attempts: u32) -> PoolConfig {
    let max_start_attempts = max_restart_attempts;
    PoolConfig { restart_policy, max_restart_attempts, max_start_attempts, ..config() }
}

#[test]
fn a_spent_budget_takes_the_pool_down_and_the_pending_jobs_along() {
    check(
        budget(RestartPolicy::Always, 2),
        "
        start            | spawn 0.1
        spawn_failed 0.1 | 0.1 gone: not made; spawn 0.2
        submit a         | a queued
        spawn_failed 0.2 | 0.2 gone: not made; spawn 0.3
        spawn_failed 0.3 | 0.3 gone: not made; down; a failed: WorkerUnavailable
        submit b         | b rejected: down
        pass 60s         |
        ",
    );
}

#[test]
fn the_budget_holds_under_every_policy_also_for_slots_that_a_job_wants_filled() {
    use RestartPolicy::{Never, OnCancellation};
    for restart_policy in [Never, OnCancellation] {
        check(
            budget(restart_policy, 1),
            "
            submit a         | a queued; spawn 0.1
            spawn_failed 0.1 | 0.1 gone: not made; spawn 0.2
            spawn_failed 0.2 | 0.2 gone: not made; down; a failed: WorkerUnavailable
            ",
        );
    }
}

#[test]
fn a_budget_of_nothing_is_spent_by_the_first_fault() {
    check(
        budget(RestartPolicy::Always, 0),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        exit 0.1     | 0.1 gone: on its own; down
        ",
    );
}

#[test]
fn a_start_counts_for_one_window() {
    check(
        PoolConfig { restart_window: Duration::from_secs(60), ..budget(RestartPolicy::Always, 1) },
        "
        start            | spawn 0.1
        spawn_failed 0.1 | 0.1 gone: not made; spawn 0.2
        up 0.2           | 0.2 idle
        pass 60s         |
        exit 0.2         | 0.2 gone: on its own; spawn 0.3
        up 0.3           | 0.3 idle
        pass 59s         |
        exit 0.3         | 0.3 gone: on its own; down
        ",
    );
}

#[test]
fn a_start_that_waits_for_its_time_is_in_the_budget() {
    check(
        PoolConfig { max_workers: 2, ..budget(RestartPolicy::Backoff, 1) },
        "
        start            | spawn 0.1; spawn 1.2
        spawn_failed 0.1 | 0.1 gone: not made
        spawn_failed 1.2 | 1.2 gone: not made; degraded
        pass 1s          | spawn 0.3
        spawn_failed 0.3 | 0.3 gone: not made; down
        pass 60s         |
        ",
    );
}

#[test]
fn cancels_and_timeouts_never_use_the_budget() {
    check(
        budget(RestartPolicy::Always, 0),
        "
        start               | spawn 0.1
        up 0.1              | 0.1 idle
        submit a            | 0.1 <- a; a queued
        cancel a            | a cancelling; kill 0.1
        exit 0.1            | 0.1 gone: Cancelled; spawn 0.2; a cancelled
        up 0.2              | 0.2 idle
        submit b timeout=1s | 0.2 <- b; b queued
        started b           | b started in 0.2
        pass 1s             | kill 0.2
        exit 0.2            | 0.2 gone: TimedOut; spawn 0.3; b failed: TimedOut SIGSEGV
        ",
    );
}

#[test]
fn a_cancelled_jobs_worker_that_exits_by_itself_does_not_use_the_budget() {
    check(
        PoolConfig { cancel_grace: Duration::from_secs(2), ..budget(RestartPolicy::Always, 0) },
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; 0.1 <- cancel a
        exit 0.1     | 0.1 gone: on its own; spawn 0.2; a cancelled
        ",
    );
}

#[test]
fn restart_workers_clears_down_and_the_budget() {
    check(
        budget(RestartPolicy::Always, 1),
        "
        start            | spawn 0.1
        spawn_failed 0.1 | 0.1 gone: not made; spawn 0.2
        spawn_failed 0.2 | 0.2 gone: not made; down
        restart          | up; spawn 0.3
        spawn_failed 0.3 | 0.3 gone: not made; spawn 0.4
        up 0.4           | 0.4 idle
        submit a         | 0.4 <- a; a queued
        ",
    );
}

#[test]
fn restart_workers_fills_what_the_policy_left_empty_and_leaves_the_living_alone() {
    check(
        PoolConfig { max_workers: 2, ..budget(RestartPolicy::Never, 3) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        exit 1.2     | 1.2 gone: on its own
        restart      | spawn 1.3
        restart      |
        ",
    );
}

#[test]
fn the_last_worker_takes_a_degraded_pool_down() {
    check(
        PoolConfig { max_workers: 2, ..budget(RestartPolicy::Always, 0) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        submit b     | 1.2 <- b; b queued
        exit 1.2     | 1.2 gone: on its own; degraded
        exit 0.1     | 0.1 gone: on its own; down; b failed: WorkerUnavailable; a failed: Crashed SIGSEGV
        ",
    );
}

#[test]
fn a_job_that_was_sent_goes_back_unblamed_or_fails_as_unavailable_when_nobody_is_left() {
    check(
        budget(RestartPolicy::Always, 0),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        exit 0.1     | 0.1 gone: on its own; down; a failed: WorkerUnavailable
        ",
    );
}
