//! The restart policies, row by row.

mod common;

use std::time::Duration;

use common::{check, config};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

fn policy(restart_policy: RestartPolicy) -> PoolConfig {
    PoolConfig { restart_policy, ..config() }
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
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        exit 0.1     | 0.1 gone: Cancelled*; a cancelled
    ";
    let crash = "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
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
            submit a     | 0.1 <- a; a queued
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
        PoolConfig { max_workers: 3, ..config() },
        "
        submit a     | a queued; spawn 0.1
        submit b     | b queued; spawn 1.2
        up 0.1       | 0.1 idle; ask a ?1
        ",
    );
}

#[test]
fn a_restart_that_is_asked_for_while_the_worker_dies_comes_after_its_death() {
    check(
        policy(RestartPolicy::Never),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        restart      |
        exit 0.1     | 0.1 gone: Cancelled; spawn 0.2; a cancelled
        ",
    );
}
