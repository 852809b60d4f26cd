//! Of some plugins only so many jobs run at once.

mod common;

use common::{check, config, pool};
use ostler_lifecycle::{PluginKey, PoolConfig};

fn limited(workers: u32, limit: u32) -> PoolConfig {
    PoolConfig { plugin_limits: vec![(PluginKey(1), limit)], ..pool(workers, 0) }
}

const TWO_UP: &str = "
    start        | spawn 0.1; spawn 1.2
    up 0.1       | 0.1 idle
    up 1.2       | 1.2 idle
";

#[test]
fn others_pass_a_job_whose_plugin_has_no_room() {
    let script = "
        submit a plugin=1  | 0.1 <- a; a queued
        submit b plugin=1  | b queued
        submit c plugin=2  | 1.2 <- c; c queued
        started a          | a started in 0.1
        started c          | c started in 1.2
        result c           | c completed; 1.2 idle
        result a           | a completed; 0.1 idle; ask b ?1
    ";
    check(limited(2, 1), &format!("{TWO_UP}{script}"));
}

#[test]
fn a_limit_holds_for_a_high_priority_too() {
    let script = "
        submit a plugin=1       | 0.1 <- a; a queued
        submit b plugin=1 high  | b queued
        submit c plugin=2 low   | 1.2 <- c; c queued
    ";
    check(limited(2, 1), &format!("{TWO_UP}{script}"));
}

#[test]
fn a_job_counts_until_its_worker_is_dead() {
    let script = "
        submit a plugin=1  | 0.1 <- a; a queued
        started a          | a started in 0.1
        submit b plugin=1  | b queued
        cancel a           | a cancelling; kill 0.1
        exit 0.1           | 0.1 gone: Cancelled; spawn 0.3; a cancelled; ask b ?1
    ";
    check(limited(2, 1), &format!("{TWO_UP}{script}"));
}

#[test]
fn who_does_not_die_counts_no_longer_when_it_is_given_up() {
    let script = "
        submit a plugin=1  | 0.1 <- a; a queued
        started a          | a started in 0.1
        submit b plugin=1  | b queued
        cancel a           | a cancelling; kill 0.1
        pass 10s           | a still dying in 101; 0.1 given up; spawn 0.3; ask b ?1
    ";
    check(limited(2, 1), &format!("{TWO_UP}{script}"));
}

#[test]
fn no_worker_is_started_for_who_may_not_start() {
    check(
        PoolConfig { plugin_limits: vec![(PluginKey(1), 1)], max_workers: 2, ..config() },
        "
        submit a plugin=1  | a queued; spawn 0.1
        submit b plugin=1  | b queued
        submit c plugin=2  | c queued; spawn 1.2
        ",
    );
}

#[test]
fn who_waits_for_a_resource_holds_no_place() {
    let script = "
        submit a plugin=1 blocked | a queued; a blocked
        submit b plugin=1         | 0.1 <- b; b queued
        submit c plugin=1         | c queued
        started b                 | b started in 0.1
        result b                  | b completed; 0.1 idle; ask a ?1
        wait a                    | 0.1 idle; a blocked; ask c ?2
    ";
    check(limited(2, 1), &format!("{TWO_UP}{script}"));
}
