//! Workers that have nothing to do and have reached the end of their lives.

mod common;

use std::time::Duration;

use common::{check, config};
use ostler_lifecycle::{PoolConfig, Recycling, RestartPolicy};

fn after_age(seconds: u64) -> PoolConfig {
    let recycling = Recycling { after_age: Some(Duration::from_secs(seconds)), ..Recycling::default() };
    PoolConfig { recycling, restart_policy: RestartPolicy::Always, ..config() }
}

fn after_age_and_idle(max_workers: u32) -> PoolConfig {
    PoolConfig { max_workers, idle_timeout: Some(Duration::from_secs(100)), min_workers: 0, ..after_age(60) }
}

#[test]
fn who_takes_the_place_of_an_idle_one_has_been_idle_for_as_long() {
    check(
        after_age_and_idle(1),
        "
        start      | spawn 0.1
        up 0.1     | 0.1 idle
        pass 60s   | spawn 1.2
        up 1.2     | 1.2 idle; 0.1 draining; 0.1 <- stop
        exit 0.1   | 0.1 gone: Recycled
        pass 40s   | 1.2 draining; 1.2 <- stop
        exit 1.2   | 1.2 gone: Idle
        ",
    );
}

#[test]
fn who_has_run_a_job_in_that_place_is_idle_since_then() {
    check(
        after_age_and_idle(1),
        "
        start      | spawn 0.1
        up 0.1     | 0.1 idle
        pass 60s   | spawn 1.2
        up 1.2     | 1.2 idle; 0.1 draining; 0.1 <- stop
        exit 0.1   | 0.1 gone: Recycled
        submit a   | 1.2 <- a; a queued
        started a  | a started in 1.2
        result a   | a completed; 1.2 idle
        pass 59s   |
        ",
    );
}

#[test]
fn an_old_one_that_cannot_be_replaced_goes_when_it_has_been_idle_for_too_long_and_nobody_comes_for_it() {
    check(
        after_age_and_idle(2),
        "
        start      | spawn 0.1
        up 0.1     | 0.1 idle
        pass 60s   | spawn 1.2
        spawned 1.2 |
        hello 1.2  | 1.2 loading; 1.2 <- init
        pass 40s   | 0.1 draining; 0.1 <- stop; kill 1.2
        exit 0.1   | 0.1 gone: Idle
        exit 1.2   | 1.2 gone: Surplus
        ",
    );
}

#[test]
fn a_replacement_that_has_worked_before_it_takes_a_place_is_idle_since_then() {
    check(
        PoolConfig {
            max_workers: 2,
            min_workers: 1,
            idle_timeout: Some(Duration::from_secs(100)),
            ..after_age(90)
        },
        "
        start             | spawn 0.1
        up 0.1            | 0.1 idle
        pass 50s          |
        submit a          | 0.1 <- a; a queued
        started a         | a started in 0.1
        submit b plugin=1 | b queued; spawn 1.2
        spawned 1.2       |
        hello 1.2         | 1.2 loading; 1.2 <- init
        ready 1.2 cold    | 1.2 idle; ask b ?1
        proceed b         | 1.2 <- b
        started b         | b started in 1.2
        result b          | b completed; 1.2 idle
        pass 40s          | spawn 2.3
        up 2.3            | 2.3 idle
        submit c          | 2.3 <- c; c queued
        started c         | c started in 2.3
        pass 40s          |
        result c          | c completed; 2.3 idle
        pass 10s          | 1.2 draining; 1.2 <- stop
        exit 1.2          | 1.2 gone: Recycled; spawn 1.4
        up 1.4            | 1.4 idle
        pass 10s          |
        ",
    );
}
