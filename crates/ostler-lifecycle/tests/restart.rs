//! The restart policies, row by row; the budget, Down, and the way back.

mod common;

use std::time::Duration;

use common::{check, config};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

fn policy(restart_policy: RestartPolicy) -> PoolConfig {
    PoolConfig { restart_policy, ..config() }
}

fn budget(restart_policy: RestartPolicy, max_restart_attempts: u32) -> PoolConfig {
    PoolConfig { restart_policy, max_restart_attempts, ..config() }
}

/// Backoff without chance: a delay of nothing.
fn backoff_of_nothing() -> PoolConfig {
    PoolConfig { restart_backoff_base: Duration::ZERO, ..policy(RestartPolicy::Backoff) }
}

/// A cancelled job, a crash and a failed load; `*` stands for what the policy does.
fn row(config: fn() -> PoolConfig, after_cancel: &str, after_crash: &str, after_failed_load: &str) {
    let cancel = "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | a queued; 0.1 <- a
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        exit 0.1     | 0.1 gone: Cancelled*; a cancelled
    ";
    let crash = "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | a queued; 0.1 <- a
        started a    | a started in 0.1
        exit 0.1     | 0.1 gone: on its own*; a failed: Crashed SIGSEGV
    ";
    let failed_load = "
        start        | spawn 0.1
        spawned 0.1  |
        hello 0.1    | 0.1 loading; 0.1 <- init
        broken 0.1   | kill 0.1
        exit 0.1     | 0.1 gone: LoadFailed*
    ";
    for (script, then) in [(cancel, after_cancel), (crash, after_crash), (failed_load, after_failed_load)] {
        check(config(), &script.replace('*', then));
    }
}

#[test]
fn never_leaves_the_slot_empty() {
    row(|| policy(RestartPolicy::Never), "", "", "");
}

#[test]
fn on_cancellation_restarts_after_a_cancel_only() {
    row(|| policy(RestartPolicy::OnCancellation), "; spawn 0.2", "", "");
}

#[test]
fn always_restarts_at_once() {
    row(|| policy(RestartPolicy::Always), "; spawn 0.2", "; spawn 0.2", "; spawn 0.2");
}

#[test]
fn backoff_restarts_at_once_after_a_cancel_and_later_after_a_fault() {
    row(|| policy(RestartPolicy::Backoff), "; spawn 0.2", "", "");
}

#[test]
fn backoff_starts_when_its_delay_is_over() {
    check(
        policy(RestartPolicy::Backoff),
        "
        start           | spawn 0.1
        spawn_failed 0.1| 0.1 gone: not made
        pass 1s         | spawn 0.2
        ",
    );
    check(
        backoff_of_nothing(),
        "
        start           | spawn 0.1
        up 0.1          | 0.1 idle
        exit 0.1        | 0.1 gone: on its own
        tick            | spawn 0.2
        ",
    );
}

#[test]
fn an_empty_slot_is_filled_while_a_job_is_pending_under_every_policy() {
    use RestartPolicy::{Always, Never, OnCancellation};
    for restart_policy in [Never, OnCancellation, Always] {
        check(
            policy(restart_policy),
            "
            start        | spawn 0.1
            up 0.1       | 0.1 idle
            submit a     | a queued; 0.1 <- a
            started a    | a started in 0.1
            submit b     | b queued
            exit 0.1     | 0.1 gone: on its own; a failed: Crashed SIGSEGV; spawn 0.2
            up 0.2       | 0.2 idle; ask b ?1
            "
            .replace(
                "on its own; a failed: Crashed SIGSEGV; spawn 0.2",
                match restart_policy {
                    Always => "on its own; spawn 0.2; a failed: Crashed SIGSEGV",
                    _ => "on its own; a failed: Crashed SIGSEGV; spawn 0.2",
                },
            )
            .as_str(),
        );
    }
}

#[test]
fn a_submit_fills_a_slot_that_the_policy_left_empty() {
    check(
        policy(RestartPolicy::Never),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        exit 0.1     | 0.1 gone: on its own
        submit a     | a queued; spawn 0.2
        ",
    );
}

#[test]
fn no_more_slots_are_filled_than_jobs_wait() {
    check(
        PoolConfig { slots: 3, ..config() },
        "
        submit a     | a queued; spawn 0.1
        submit b     | b queued; spawn 1.2
        up 0.1       | 0.1 idle; ask a ?1
        ",
    );
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
        PoolConfig { slots: 2, ..budget(RestartPolicy::Backoff, 1) },
        "
        start            | spawn 0.1; spawn 1.2
        spawn_failed 0.1 | 0.1 gone: not made
        spawn_failed 1.2 | 1.2 gone: not made; down
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
        submit a            | a queued; 0.1 <- a
        cancel a            | a cancelling; kill 0.1
        exit 0.1            | 0.1 gone: Cancelled; spawn 0.2; a cancelled
        up 0.2              | 0.2 idle
        submit b timeout=1s | b queued; 0.2 <- b
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
        submit a     | a queued; 0.1 <- a
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
        submit a         | a queued; 0.4 <- a
        ",
    );
}

#[test]
fn restart_workers_fills_what_the_policy_left_empty_and_leaves_the_living_alone() {
    check(
        PoolConfig { slots: 2, ..policy(RestartPolicy::Never) },
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
fn a_job_that_was_running_when_the_pool_went_down_ends_as_it_does() {
    check(
        PoolConfig { slots: 2, ..budget(RestartPolicy::Always, 0) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | a queued; 0.1 <- a
        started a    | a started in 0.1
        exit 1.2     | 1.2 gone: on its own; down
        result a     | a completed; 0.1 idle
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
        submit a     | a queued; 0.1 <- a
        exit 0.1     | 0.1 gone: on its own; down; a failed: WorkerUnavailable
        ",
    );
}
