//! A spent budget while a worker lives: the pool works with what it has, and tries again when it may.

mod common;

use std::time::Duration;

use common::{check, config, pool};
use ostler_lifecycle::{MemoryRules, PoolConfig, RestartPolicy};

/// One start after a failed one within a minute.
fn one_failed_start(max_workers: u32) -> PoolConfig {
    PoolConfig { max_start_attempts: 1, restart_backoff_base: Duration::ZERO, ..pool(max_workers, 0) }
}

/// One of two can be started, and the pool says so.
const ONE_OF_TWO: &str = "
    start            | spawn 0.1; spawn 1.2
    up 0.1           | 0.1 idle
    spawn_failed 1.2 | 1.2 gone: not made; spawn 1.3
    spawn_failed 1.3 | 1.3 gone: not made; degraded
";

#[track_caller]
fn one_of_two(config: PoolConfig, then: &str) {
    check(config, &format!("{ONE_OF_TWO}\n{then}"));
}

#[test]
fn a_degraded_pool_works_with_what_it_has() {
    one_of_two(
        one_failed_start(2),
        "
        submit a         | 0.1 <- a; a queued
        submit b         | b queued
        started a        | a started in 0.1
        result a         | a completed; 0.1 idle; ask b ?1
        ",
    );
}

#[test]
fn who_is_missing_is_tried_again_when_the_budget_has_room() {
    one_of_two(
        one_failed_start(2),
        "
        pass 59s         |
        pass 1s          | spawn 1.4
        spawn_failed 1.4 | 1.4 gone: not made
        pass 59s         |
        pass 1s          | spawn 1.5
        up 1.5           | 1.5 idle; recovered
        ",
    );
}

#[test]
fn who_is_missing_backs_off_under_every_policy() {
    // The delay is a random part of this.
    let day = Duration::from_secs(24 * 3600);
    let slow = PoolConfig { restart_backoff_base: day, restart_backoff_max: day, ..one_failed_start(2) };
    one_of_two(slow, "pass 60s |");
}

#[test]
fn a_start_that_helped_calls_the_next_one_at_once() {
    check(
        one_failed_start(4),
        "
        start            | spawn 0.1; spawn 1.2; spawn 2.3; spawn 3.4
        up 0.1           | 0.1 idle
        spawn_failed 1.2 | 1.2 gone: not made; spawn 1.5
        spawn_failed 2.3 | 2.3 gone: not made; degraded
        spawn_failed 3.4 | 3.4 gone: not made
        spawn_failed 1.5 | 1.5 gone: not made
        pass 60s         | spawn 1.6
        up 1.6           | 1.6 idle
        tick             | spawn 2.7
        up 2.7           | 2.7 idle
        tick             | spawn 3.8
        up 3.8           | 3.8 idle; recovered
        ",
    );
}

#[test]
fn starts_that_helped_do_not_use_up_the_budget_for_those_that_failed() {
    check(
        one_failed_start(1),
        "
        start            | spawn 0.1
        spawn_failed 0.1 | 0.1 gone: not made; spawn 0.2
        up 0.2           | 0.2 idle
        submit a         | 0.2 <- a; a queued
        started a        | a started in 0.2
        cancel a         | a cancelling; kill 0.2
        exit 0.2         | 0.2 gone: Cancelled; spawn 0.3; a cancelled
        spawn_failed 0.3 | 0.3 gone: not made; spawn 0.4
        spawn_failed 0.4 | 0.4 gone: not made; down
        ",
    );
}

#[test]
fn a_degraded_pool_is_down_when_its_last_worker_has_died_and_none_may_be_started() {
    one_of_two(
        PoolConfig { max_restart_attempts: 0, ..one_failed_start(2) },
        "
        submit a         | 0.1 <- a; a queued
        submit b         | b queued
        started a        | a started in 0.1
        exit 0.1         | 0.1 gone: on its own; down; b failed: WorkerUnavailable; a failed: Crashed SIGSEGV
        pass 60s         |
        ",
    );
}

#[test]
fn a_worker_that_is_replaced_on_request_keeps_a_degraded_pool_up() {
    one_of_two(
        PoolConfig { max_restart_attempts: 0, ..one_failed_start(2) },
        "
        submit a         | 0.1 <- a; a queued
        started a        | a started in 0.1
        cancel a         | a cancelling; kill 0.1
        submit b         | b queued
        exit 0.1         | 0.1 gone: Cancelled; spawn 0.4; a cancelled
        spawn_failed 0.4 | 0.4 gone: not made; down; b failed: WorkerUnavailable
        ",
    );
}

#[test]
fn a_start_that_costs_nothing_is_better_than_one_that_is_held() {
    one_of_two(
        one_failed_start(2),
        "
        submit a         | 0.1 <- a; a queued
        started a        | a started in 0.1
        cancel a         | a cancelling; kill 0.1
        resize 1 0       |
        exit 0.1         | 0.1 gone: Cancelled; spawn 0.4; a cancelled; recovered
        ",
    );
}

#[test]
fn crashes_beyond_the_budget_degrade_the_pool_while_another_worker_lives() {
    check(
        PoolConfig { max_restart_attempts: 0, restart_backoff_base: Duration::ZERO, ..pool(2, 0) },
        "
        start            | spawn 0.1; spawn 1.2
        up 0.1           | 0.1 idle
        up 1.2           | 1.2 idle
        exit 1.2         | 1.2 gone: on its own; degraded
        pass 3600s       |
        submit a         | 0.1 <- a; a queued
        restart          | spawn 1.3; recovered
        ",
    );
}

#[test]
fn an_empty_place_that_nobody_wants_is_not_missing() {
    check(
        PoolConfig { restart_policy: RestartPolicy::Never, ..one_failed_start(2) },
        "
        submit a         | a queued; spawn 0.1
        submit b         | b queued; spawn 1.2
        up 0.1           | 0.1 idle; ask a ?1
        proceed a        | 0.1 <- a
        started a        | a started in 0.1
        spawn_failed 1.2 | 1.2 gone: not made; spawn 1.3
        spawn_failed 1.3 | 1.3 gone: not made; degraded
        cancel b         | b cancelled
        pass 60s         | recovered
        ",
    );
}

#[test]
fn a_job_does_not_wait_for_a_start_that_is_not_allowed_yet() {
    check(
        PoolConfig { restart_policy: RestartPolicy::Never, ..one_failed_start(3) },
        "
        submit a         | a queued; spawn 0.1
        submit b         | b queued; spawn 1.2
        up 0.1           | 0.1 idle; ask a ?1
        proceed a        | 0.1 <- a
        started a        | a started in 0.1
        spawn_failed 1.2 | 1.2 gone: not made; spawn 1.3
        spawn_failed 1.3 | 1.3 gone: not made; degraded; spawn 2.4
        ",
    );
}

#[test]
fn a_delay_grows_with_each_fault_in_a_row_and_good_work_resets_it() {
    let second = Duration::from_secs(1);
    let config = PoolConfig {
        max_restart_attempts: 100,
        restart_backoff_base: Duration::from_millis(1),
        restart_backoff_max: Duration::from_secs(3600),
        restart_policy: RestartPolicy::Backoff,
        restart_window: 100 * second,
        ..config()
    };
    // A delay is a random part of 1 ms, 2 ms, 4 ms, …: after thirty faults in a row it is as good as never over so soon.
    let fault = |generation: u32, next: u32| {
        format!(
            "
            up 0.{generation}   | 0.{generation} idle
            exit 0.{generation} | 0.{generation} gone: on its own
            pass 7200s             | spawn 0.{next}
            "
        )
    };
    let work = |generation: u32| {
        format!(
            "
            up 0.{generation}   | 0.{generation} idle
            submit a            | 0.{generation} <- a; a queued
            started a           | a started in 0.{generation}
            error a             | a failed: Plugin; 0.{generation} idle
            exit 0.{generation} | 0.{generation} gone: on its own
            pass 1ms            | spawn 0.{}
            ",
            generation + 1
        )
    };
    let faults: String = (1..=40).map(|generation| fault(generation, generation + 1)).collect();
    check(config.clone(), &format!("start | spawn 0.1\n{faults}\n{}", work(41)));
    // Without the work it would still be waiting.
    let idle = "
        up 0.41   | 0.41 idle
        exit 0.41 | 0.41 gone: on its own
        pass 1ms  |
    ";
    check(config, &format!("start | spawn 0.1\n{faults}\n{idle}"));
}

#[test]
fn a_worker_that_was_ready_for_a_whole_window_did_well_too() {
    let config = PoolConfig {
        max_restart_attempts: 100,
        restart_backoff_base: Duration::from_millis(1),
        restart_backoff_max: Duration::from_secs(3600),
        restart_policy: RestartPolicy::Backoff,
        ..config()
    };
    let faults: String = (1..=40)
        .map(|generation| {
            let next = generation + 1;
            format!("up 0.{generation} | 0.{generation} idle\nexit 0.{generation} | 0.{generation} gone: on its own\npass 7200s | spawn 0.{next}\n")
        })
        .collect();
    check(
        config,
        &format!(
            "
            start     | spawn 0.1
            {faults}
            up 0.41   | 0.41 idle
            pass 60s  |
            exit 0.41 | 0.41 gone: on its own
            pass 1ms  | spawn 0.42
            "
        ),
    );
}

#[test]
fn a_smaller_pool_misses_nobody() {
    check(
        PoolConfig { max_restart_attempts: 0, ..pool(3, 0) },
        "
        start        | spawn 0.1; spawn 1.2; spawn 2.3
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        exit 2.3     | 2.3 gone: on its own; spawn 2.4
        up 2.4       | 2.4 idle
        exit 2.4     | 2.4 gone: on its own; degraded
        resize 1 0   | 1.2 draining; 1.2 <- stop; recovered
        ",
    );
}

#[test]
fn a_limit_that_is_too_low_for_one_worker_ends_that_one_while_another_is_ready() {
    let memory = MemoryRules { max_resident: Some(100), min_available: None };
    check(
        PoolConfig { memory, ..one_failed_start(2) },
        "
        start              | spawn 0.1; spawn 1.2
        up 0.1             | 0.1 idle
        spawned 1.2        |
        hello 1.2          | 1.2 loading; 1.2 <- init
        ready 1.2 holds 99 | 1.2 idle
        holds 1.2 101      | kill 1.2
        exit 1.2           | 1.2 gone: LoadFailed; spawn 1.3
        spawned 1.3        |
        hello 1.3          | 1.3 loading; 1.3 <- init
        holds 1.3 101      | kill 1.3
        holds 0.1 101      | kill 0.1; down
        ",
    );
}

#[test]
fn a_degraded_pool_that_drains_without_workers_ends_what_waits_at_once() {
    use RestartPolicy::{Always, Backoff, Never, OnCancellation};
    for restart_policy in [Always, Backoff, Never, OnCancellation] {
        check(
            PoolConfig { restart_policy, max_restart_attempts: 0, max_start_attempts: 0, ..pool(2, 0) },
            "
            submit a         | a queued; spawn 0.1
            submit b         | b queued; spawn 1.2
            up 0.1           | 0.1 idle; ask a ?1
            proceed a        | 0.1 <- a
            started a        | a started in 0.1
            spawn_failed 1.2 | 1.2 gone: not made; degraded
            shutdown 60s     |
            exit 0.1         | 0.1 gone: on its own; a failed: Crashed SIGSEGV; down; b failed: WorkerUnavailable; closed
            ",
        );
    }
}

#[test]
fn a_process_that_does_not_die_is_no_worker_that_lives() {
    check(
        PoolConfig { max_restart_attempts: 0, ..pool(1, 0) },
        "
        start            | spawn 0.1
        up 0.1           | 0.1 idle
        submit a         | 0.1 <- a; a queued
        submit b         | b queued
        garbage 0.1      | kill 0.1
        pass 10s         | a failed: Protocol; 0.1 given up; down; b failed: WorkerUnavailable
        ",
    );
}

#[test]
fn who_was_let_go_for_want_of_work_may_still_be_started_when_another_place_is_spent() {
    let config = PoolConfig {
        idle_timeout: Some(Duration::from_secs(5)),
        max_restart_attempts: 0,
        ..one_failed_start(2)
    };
    check(
        config,
        "
        start            | spawn 0.1
        up 0.1           | 0.1 idle
        submit a         | 0.1 <- a; a queued
        started a        | a started in 0.1
        exit 0.1         | 0.1 gone: on its own; a failed: Crashed SIGSEGV
        submit b         | b queued; degraded; spawn 1.2
        up 1.2           | 1.2 idle; ask b ?1
        proceed b        | 1.2 <- b
        started b        | b started in 1.2
        exit 1.2         | 1.2 gone: on its own; b failed: Crashed SIGSEGV; down
        ",
    );
}

/// Whoever waits for its budget does not come for an hour, or ever.
#[test]
fn the_last_worker_that_lives_is_kept_though_another_one_waits_for_its_budget() {
    let config = PoolConfig {
        idle_timeout: Some(Duration::from_secs(60)),
        min_workers: 1,
        max_restart_attempts: 0,
        restart_policy: RestartPolicy::Always,
        ..pool(2, 0)
    };
    let one_is_missing = "
        start      | spawn 0.1
        up 0.1     | 0.1 idle
        submit a   | 0.1 <- a; a queued
        started a  | a started in 0.1
        submit b   | b queued; spawn 1.2
        up 1.2     | 1.2 idle; ask b ?1
        proceed b  | 1.2 <- b
        started b  | b started in 1.2
        exit 1.2   | 1.2 gone: on its own; b failed: Crashed SIGSEGV
        submit c   | c queued; degraded
        result a   | a completed; 0.1 idle; ask c ?2
        proceed c  | 0.1 <- c
        started c  | c started in 0.1
    ";
    check(
        config.clone(),
        &format!(
            "{one_is_missing}
            result c   | c completed; 0.1 idle
            pass 3600s |
            "
        ),
    );
    check(
        config,
        &format!(
            "{one_is_missing}
            cancel c   | c cancelling; kill 0.1
            exit 0.1   | 0.1 gone: Cancelled; spawn 0.3; c cancelled
            "
        ),
    );
}
