//! Workers that reach the end of their lives, and those that replace them.

mod common;

use std::time::Duration;

use common::{check, config};
use ostler_lifecycle::{PoolConfig, Recycling, RestartPolicy};

fn recycling(recycling: Recycling) -> PoolConfig {
    PoolConfig { recycling, restart_policy: RestartPolicy::Always, ..config() }
}

fn after_jobs(jobs: u32) -> PoolConfig {
    recycling(Recycling { after_jobs: Some(jobs), ..Recycling::default() })
}

fn after_age(seconds: u64) -> PoolConfig {
    recycling(Recycling { after_age: Some(Duration::from_secs(seconds)), ..Recycling::default() })
}

#[test]
fn the_replacement_is_ready_before_the_old_one_goes_and_jobs_go_on_meanwhile() {
    check(
        after_jobs(1),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 1.2
        submit b     | 0.1 <- b; b queued
        started b    | b started in 0.1
        up 1.2       | 1.2 idle
        submit c     | c queued
        result b     | b completed; 0.1 idle; 0.1 draining; 0.1 <- stop; ask c ?1
        proceed c    | 1.2 <- c
        exit 0.1     | 0.1 gone: Recycled
        ",
    );
}

#[test]
fn an_old_worker_that_is_idle_goes_as_soon_as_its_replacement_is_ready() {
    check(
        after_age(60),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        pass 59s     |
        pass 1s      | spawn 1.2
        up 1.2       | 1.2 idle; 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Recycled
        pass 60s     | spawn 0.3
        up 0.3       | 0.3 idle; 1.2 draining; 1.2 <- stop
        ",
    );
}

#[test]
fn workers_that_grow_old_together_are_replaced_one_by_one() {
    check(
        PoolConfig { max_workers: 2, ..after_age(60) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        pass 60s     | spawn 2.3
        up 2.3       | 2.3 idle; 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Recycled; spawn 0.4
        up 0.4       | 0.4 idle; 1.2 draining; 1.2 <- stop
        exit 1.2     | 1.2 gone: Recycled
        ",
    );
}

#[test]
fn a_pool_that_is_not_full_does_not_grow_by_recycling() {
    check(
        PoolConfig { max_workers: 4, ..after_jobs(1) },
        "
        submit a     | a queued; spawn 0.1
        up 0.1       | 0.1 idle; ask a ?1
        proceed a    | 0.1 <- a
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 1.2
        up 1.2       | 1.2 idle; 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Recycled
        ",
    );
}

#[test]
fn a_standby_takes_the_place_of_an_old_worker_at_once() {
    check(
        PoolConfig { standby: 1, ..after_jobs(1) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        submit b     | b queued
        result a     | a completed; 0.1 idle; 0.1 draining; 0.1 <- stop; ask b ?1
        proceed b    | 1.2 <- b
        exit 0.1     | 0.1 gone: Recycled; spawn 0.3
        ",
    );
}

#[test]
fn an_old_worker_that_does_not_stop_is_killed() {
    check(
        PoolConfig { standby: 1, ..after_jobs(1) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; 0.1 draining; 0.1 <- stop
        pass 10s     | kill 0.1
        exit 0.1     | 0.1 gone: Recycled; spawn 0.3
        ",
    );
}

#[test]
fn a_replacement_that_does_not_come_is_started_again_within_the_budget() {
    check(
        PoolConfig { max_start_attempts: 1, ..after_jobs(1) },
        "
        start            | spawn 0.1
        up 0.1           | 0.1 idle
        submit a         | 0.1 <- a; a queued
        started a        | a started in 0.1
        result a         | a completed; 0.1 idle; spawn 1.2
        spawn_failed 1.2 | 1.2 gone: not made; spawn 1.3
        spawn_failed 1.3 | 1.3 gone: not made; degraded
        ",
    );
}

#[test]
fn a_replacement_that_waits_for_its_time_is_the_replacement_still() {
    check(
        PoolConfig { restart_policy: RestartPolicy::Backoff, max_workers: 2, ..after_jobs(1) },
        "
        submit a         | a queued; spawn 0.1
        up 0.1           | 0.1 idle; ask a ?1
        proceed a        | 0.1 <- a
        started a        | a started in 0.1
        result a         | a completed; 0.1 idle; spawn 1.2
        spawn_failed 1.2 | 1.2 gone: not made
        pass 1s          | spawn 1.3
        up 1.3           | 1.3 idle; 0.1 draining; 0.1 <- stop
        exit 0.1         | 0.1 gone: Recycled
        ",
    );
}

#[test]
fn a_place_that_a_fault_left_empty_does_not_keep_others_from_being_replaced() {
    check(
        PoolConfig { restart_policy: RestartPolicy::Never, max_workers: 2, ..after_age(60) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        exit 0.1     | 0.1 gone: on its own
        pass 60s     | spawn 0.3
        up 0.3       | 0.3 idle; 1.2 draining; 1.2 <- stop
        exit 1.2     | 1.2 gone: Recycled
        ",
    );
}

#[test]
fn an_old_worker_that_crashes_is_replaced_once() {
    check(
        after_jobs(1),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 1.2
        submit b     | 0.1 <- b; b queued
        started b    | b started in 0.1
        exit 0.1     | 0.1 gone: on its own; b failed: Crashed SIGSEGV
        up 1.2       | 1.2 idle
        submit c     | 1.2 <- c; c queued
        started c    | c started in 1.2
        result c     | c completed; 1.2 idle; spawn 0.3
        ",
    );
}

#[test]
fn a_replacement_does_not_grow_old_beside_the_worker_that_it_waits_for() {
    check(
        after_age(60),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        pass 60s     | spawn 1.2
        up 1.2       | 1.2 idle
        pass 99s     |
        result a     | a completed; 0.1 idle; 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Recycled
        tick         | spawn 0.3
        ",
    );
}

#[test]
fn an_old_worker_does_its_part_of_an_operation_first() {
    check(
        after_jobs(1),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 1.2
        reload r     | 0.1 <- reload r #3
        up 1.2       | 1.2 idle; 1.2 <- reload r #5
        done 0.1 #3  | 0.1 idle
        done 1.2     | r done; 1.2 idle; 0.1 draining; 0.1 <- stop
        ",
    );
}

#[test]
fn nobody_is_recycled_while_the_pool_shuts_down() {
    check(
        after_jobs(1),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        started a    | a started in 0.1
        shutdown 60s |
        result a     | a completed; 0.1 idle; ask b ?1
        ",
    );
}

#[test]
fn an_old_worker_is_the_first_to_go_when_the_pool_is_made_smaller() {
    check(
        PoolConfig { max_workers: 2, ..after_jobs(1) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 2.3
        resize 1 0   | 0.1 draining; 0.1 <- stop; kill 2.3
        exit 2.3     | 2.3 gone: Surplus
        exit 0.1     | 0.1 gone: Surplus
        ",
    );
}

#[test]
fn old_workers_that_will_be_replaced_count_when_the_pool_is_made_smaller() {
    check(
        PoolConfig { max_workers: 3, ..after_jobs(1) },
        "
        start        | spawn 0.1; spawn 1.2; spawn 2.3
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 3.4
        resize 2 0   | kill 2.3
        up 1.2       | 1.2 idle
        up 3.4       | 3.4 idle; 0.1 draining; 0.1 <- stop
        exit 2.3     | 2.3 gone: Surplus
        exit 0.1     | 0.1 gone: Recycled
        ",
    );
}

#[test]
fn that_a_worker_was_old_is_forgotten_with_it() {
    check(
        PoolConfig { max_workers: 2, restart_policy: RestartPolicy::Backoff, ..after_jobs(1) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 2.3
        garbage 2.3  | kill 2.3
        exit 0.1     | 0.1 gone: on its own
        resize 1 0   |
        pass 5s      |
        ",
    );
}

#[test]
fn another_worker_that_ends_meanwhile_is_replaced_as_ever() {
    check(
        PoolConfig { max_workers: 2, ..after_jobs(1) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 2.3
        cancel b     | b cancelling; kill 1.2
        exit 1.2     | 1.2 gone: Cancelled; spawn 1.4; b cancelled
        up 2.3       | 2.3 idle; 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Recycled
        ",
    );
}

#[test]
fn a_replacement_takes_the_place_of_an_old_worker_whose_job_is_cancelled() {
    check(
        after_jobs(1),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 1.2
        submit b     | 0.1 <- b; b queued
        started b    | b started in 0.1
        cancel b     | b cancelling; kill 0.1
        exit 0.1     | 0.1 gone: Cancelled; b cancelled
        up 1.2       | 1.2 idle
        submit c     | 1.2 <- c; c queued
        ",
    );
}

#[test]
fn a_standby_that_has_taken_over_is_replaced_whatever_the_policy_says() {
    check(
        PoolConfig { restart_policy: RestartPolicy::Never, standby: 1, ..after_jobs(1) },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Recycled; spawn 0.3
        ",
    );
}

#[test]
fn the_replacement_of_one_that_dies_in_a_shutdown_has_its_place() {
    check(
        after_jobs(1),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; spawn 1.2
        submit b     | 0.1 <- b; b queued
        started b    | b started in 0.1
        submit c     | c queued
        submit d     | d queued
        shutdown 60s |
        exit 0.1     | 0.1 gone: on its own; b failed: Crashed SIGSEGV
        up 1.2       | 1.2 idle; ask c ?1
        ",
    );
}

fn fresh_process(standby: u32) -> PoolConfig {
    let config = recycling(Recycling { fresh_process: true, ..Recycling::default() });
    PoolConfig { standby, restart_policy: RestartPolicy::Never, ..config }
}

#[test]
fn each_job_gets_a_process_that_has_run_no_other() {
    check(
        fresh_process(0),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Recycled; spawn 0.2
        up 0.2       | 0.2 idle; ask b ?1
        proceed b    | 0.2 <- b
        started b    | b started in 0.2
        error b      | b failed: Plugin; 0.2 draining; 0.2 <- stop
        exit 0.2     | 0.2 gone: Recycled; spawn 0.3
        ",
    );
}

#[test]
fn a_standby_takes_the_next_job_where_each_gets_a_fresh_process() {
    check(
        fresh_process(1),
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 draining; 0.1 <- stop; ask b ?1
        proceed b    | 1.2 <- b
        exit 0.1     | 0.1 gone: Recycled; spawn 0.3
        ",
    );
}

#[test]
fn a_worker_that_is_too_many_and_has_run_its_one_job_leaves_the_replacement_to_the_old_one() {
    check(
        PoolConfig {
            max_workers: 2,
            ..recycling(Recycling {
                fresh_process: true,
                after_age: Some(Duration::from_secs(60)),
                ..Recycling::default()
            })
        },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        submit b     | 1.2 <- b; b queued
        started b    | b started in 1.2
        pass 60s     | spawn 2.3
        up 2.3       | 2.3 idle
        resize 1 0   |
        result b     | b completed; 1.2 draining; 1.2 <- stop
        exit 1.2     | 1.2 gone: Recycled
        result a     | a completed; 0.1 draining; 0.1 <- stop
        ",
    );
}
