//! What workers grow by, and limits that would end every one of them.

mod common;

use std::time::Duration;

use common::{check, config};
use ostler_lifecycle::{PoolConfig, Recycling, RestartPolicy};

fn recycling(recycling: Recycling) -> PoolConfig {
    PoolConfig { recycling, restart_policy: RestartPolicy::Always, ..config() }
}

fn after_age(seconds: u64) -> PoolConfig {
    recycling(Recycling { after_age: Some(Duration::from_secs(seconds)), ..Recycling::default() })
}

fn after_growth(bytes: u64) -> PoolConfig {
    recycling(Recycling { after_growth: Some(bytes), ..Recycling::default() })
}

#[test]
fn growth_counts_from_what_the_worker_held_when_it_was_ready() {
    check(
        after_growth(100),
        "
        start               | spawn 0.1
        spawned 0.1         |
        hello 0.1           | 0.1 loading; 0.1 <- init
        ready 0.1 holds 500 | 0.1 idle
        submit a            | 0.1 <- a; a queued
        started a           | a started in 0.1
        result a holds 600  | a completed; 0.1 idle
        submit b            | 0.1 <- b; b queued
        started b           | b started in 0.1
        result b holds 601  | b completed; 0.1 idle; spawn 1.2
        ",
    );
}

/// A worker that grows too much with its first job, and the one that takes its place.
fn first_job_grows(old: &str, job: char, new: &str) -> String {
    format!(
        "
        submit {job}             | {old} <- {job}; {job} queued
        started {job}            | {job} started in {old}
        result {job} holds 1000  | {job} completed; {old} idle; spawn {new}
        spawned {new}            |
        hello {new}              | {new} loading; {new} <- init
        ready {new} holds 500    | {new} idle; {old} draining; {old} <- stop
        exit {old}               | {old} gone: Recycled
        "
    )
}

#[test]
fn a_limit_that_the_first_job_of_every_worker_exceeds_is_heeded_no_more() {
    let start = "
        start               | spawn 0.1
        spawned 0.1         |
        hello 0.1           | 0.1 loading; 0.1 <- init
        ready 0.1 holds 500 | 0.1 idle
    ";
    let then = "
        submit c            | 0.3 <- c; c queued
        started c           | c started in 0.3
        result c holds 1000 | c completed; recycling refused; 0.3 idle
        submit d            | 0.3 <- d; d queued
        started d           | d started in 0.3
        result d holds 9000 | d completed; 0.3 idle
    ";
    let script = [start, &first_job_grows("0.1", 'a', "1.2"), &first_job_grows("1.2", 'b', "0.3"), then];
    check(after_growth(100), &script.concat());
}

#[test]
fn a_replacement_that_nobody_needs_any_more_goes_again() {
    let mut script = "start | spawn 0.1; spawn 1.2; spawn 2.3\n".to_owned();
    for (worker, job) in [("0.1", 'a'), ("1.2", 'b'), ("2.3", 'c')] {
        script.push_str(&format!(
            "
            spawned {worker}         |
            hello {worker}           | {worker} loading; {worker} <- init
            ready {worker} holds 500 | {worker} idle
            submit {job}             | {worker} <- {job}; {job} queued
            started {job}            | {job} started in {worker}
            "
        ));
    }
    script.push_str(
        "
        result a holds 999  | a completed; 0.1 idle; spawn 3.4
        result b holds 999  | b completed; 1.2 idle
        result c holds 999  | c completed; recycling refused; 2.3 idle; kill 3.4
        exit 3.4            | 3.4 gone: Surplus
        ",
    );
    check(PoolConfig { max_workers: 3, ..after_growth(100) }, &script);
}

#[test]
fn an_age_that_a_worker_reaches_while_it_loads_is_refused() {
    check(
        after_age(5),
        "
        start        | spawn 0.1
        submit a     | a queued
        spawned 0.1  |
        hello 0.1    | 0.1 loading; 0.1 <- init
        pass 5s      |
        ready 0.1    | kill 0.1; down; a failed: WorkerUnavailable
        exit 0.1     | 0.1 gone: LoadFailed
        ",
    );
}

#[test]
fn growth_from_nobody_knows_what_is_not_known() {
    check(
        after_growth(100),
        "
        start               | spawn 0.1
        up 0.1              | 0.1 idle
        submit a            | 0.1 <- a; a queued
        started a           | a started in 0.1
        result a holds 5000 | a completed; 0.1 idle
        ",
    );
}

#[test]
fn a_limit_is_refused_once() {
    check(
        PoolConfig { max_workers: 2, ..after_age(5) },
        "
        start        | spawn 0.1; spawn 1.2
        spawned 0.1  |
        spawned 1.2  |
        hello 0.1    | 0.1 loading; 0.1 <- init
        hello 1.2    | 1.2 loading; 1.2 <- init
        pass 5s      |
        ready 0.1    | kill 0.1; down
        ready 1.2    | kill 1.2
        ",
    );
}
