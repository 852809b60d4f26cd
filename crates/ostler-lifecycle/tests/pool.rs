//! Workers that run jobs, and workers that stand by.

mod common;

use std::time::Duration;

use common::{check, pool, two_up};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

#[test]
fn a_standby_takes_over_in_the_step_of_the_kill_and_is_replaced_after_the_death() {
    two_up(
        pool(1, 1),
        "
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        submit b     | b queued
        cancel a     | a cancelling; kill 0.1; ask b ?1
        proceed b    | 1.2 <- b
        exit 0.1     | 0.1 gone: Cancelled; spawn 0.3; a cancelled
        up 0.3       | 0.3 idle
        ",
    );
}

#[test]
fn a_standby_takes_over_the_job_that_its_neighbour_was_sent_and_did_not_begin() {
    two_up(
        pool(1, 1),
        "
        submit a     | 0.1 <- a; a queued
        exit 0.1     | 0.1 gone: on its own; spawn 0.3; ask a ?1
        proceed a    | 1.2 <- a
        ",
    );
}

#[test]
fn no_more_jobs_run_than_may_although_a_standby_is_idle() {
    two_up(
        pool(1, 1),
        "
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; ask b ?1
        submit c     | c queued
        proceed b    | 0.1 <- b
        ",
    );
}

#[test]
fn a_job_goes_to_a_worker_that_has_its_plugin_loaded() {
    two_up(
        pool(2, 0),
        "
        submit a plugin=1 | 0.1 <- a; a queued
        submit b plugin=2 | 1.2 <- b; b queued
        started a         | a started in 0.1
        started b         | b started in 1.2
        result a          | a completed; 0.1 idle
        result b          | b completed; 1.2 idle
        submit c plugin=2 | 1.2 <- c; c queued
        ",
    );
}

#[test]
fn the_first_in_the_queue_is_the_next_whoever_is_idle() {
    two_up(
        pool(1, 1),
        "
        submit a plugin=1 | 0.1 <- a; a queued
        submit b plugin=2 | b queued
        submit c plugin=1 | c queued
        started a         | a started in 0.1
        result a          | a completed; 0.1 idle; ask b ?1
        ",
    );
}

#[test]
fn a_plugin_that_was_unloaded_is_loaded_no_more() {
    two_up(
        pool(2, 0),
        "
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        started a    | a started in 0.1
        started b    | b started in 1.2
        result a     | a completed; 0.1 idle
        unload u     | 0.1 <- unload u #5
        done 0.1     | 0.1 idle
        cancel b     | b cancelling; kill 1.2
        exit 1.2     | u done; 1.2 gone: Cancelled; spawn 1.3; b cancelled
        up 1.3       | 1.3 idle
        submit c     | 1.3 <- c; c queued
        ",
    );
}

#[test]
fn an_idle_worker_that_hung_up_is_given_no_job() {
    two_up(
        pool(1, 1),
        "
        hung_up 0.1  |
        submit a     | 1.2 <- a; a queued
        started a    | a started in 1.2
        submit b     | b queued
        result a     | a completed; 1.2 idle; ask b ?1
        proceed b    | 1.2 <- b
        exit 0.1     | 0.1 gone: on its own; spawn 0.3
        ",
    );
}

#[test]
fn a_standby_that_dies_is_replaced_within_the_budget() {
    two_up(
        PoolConfig { max_restart_attempts: 1, ..pool(1, 1) },
        "
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        exit 1.2     | 1.2 gone: on its own; spawn 1.3
        up 1.3       | 1.3 idle
        exit 1.3     | 1.3 gone: on its own; degraded
        result a     | a completed; 0.1 idle
        submit b     | 0.1 <- b; b queued
        restart      | spawn 1.4; recovered
        ",
    );
}

#[test]
fn a_standby_that_does_not_load_is_tried_again_within_a_budget_of_its_own() {
    check(
        PoolConfig { max_restart_attempts: 1, max_start_attempts: 1, ..pool(1, 1) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        exit 0.1     | 0.1 gone: on its own; spawn 0.3
        spawned 1.2  |
        hello 1.2    | 1.2 loading; 1.2 <- init
        broken 1.2   | kill 1.2
        exit 1.2     | 1.2 gone: LoadFailed; spawn 1.4
        spawned 1.4  |
        hello 1.4    | 1.4 loading; 1.4 <- init
        broken 1.4   | kill 1.4
        exit 1.4     | 1.4 gone: LoadFailed; degraded
        ",
    );
}

#[test]
fn a_standby_waits_for_its_time_like_any_other() {
    two_up(
        PoolConfig { restart_policy: RestartPolicy::Backoff, ..pool(1, 1) },
        "
        exit 1.2     | 1.2 gone: on its own
        submit a     | 0.1 <- a; a queued
        pass 1s      | spawn 1.3
        ",
    );
}

#[test]
fn a_worker_whose_process_does_not_die_keeps_no_place() {
    two_up(
        PoolConfig { kill_timeout: Duration::from_secs(1), ..pool(1, 1) },
        "
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        pass 1s      | a still dying in 101; 0.1 given up; spawn 0.3
        ",
    );
}

fn idle_for_a_minute(max_workers: u32, min_workers: u32) -> PoolConfig {
    let idle_timeout = Some(Duration::from_secs(60));
    PoolConfig { idle_timeout, min_workers, restart_policy: RestartPolicy::Always, ..pool(max_workers, 0) }
}

#[test]
fn a_pool_starts_with_its_least_size_grows_for_jobs_and_lets_go_of_who_is_idle() {
    check(
        idle_for_a_minute(3, 1),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued; spawn 1.2
        started a    | a started in 0.1
        up 1.2       | 1.2 idle; ask b ?1
        proceed b    | 1.2 <- b
        started b    | b started in 1.2
        result a     | a completed; 0.1 idle
        pass 30s     |
        result b     | b completed; 1.2 idle
        pass 30s     | 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Idle
        pass 60s     |
        ",
    );
}

#[test]
fn a_pool_without_a_least_size_starts_one_worker_and_has_none_when_there_is_nothing_to_do() {
    check(
        idle_for_a_minute(2, 0),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        pass 60s     | 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Idle
        submit a     | a queued; spawn 0.2
        up 0.2       | 0.2 idle; ask a ?1
        proceed a    | 0.2 <- a
        started a    | a started in 0.2
        exit 0.2     | 0.2 gone: on its own; a failed: Crashed SIGSEGV
        restart      | spawn 0.3
        ",
    );
}
