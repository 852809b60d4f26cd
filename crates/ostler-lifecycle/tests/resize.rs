//! Pools that are made larger and smaller.

mod common;

use common::{check, config, pool, two_up};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

fn never(max_workers: u32, standby: u32) -> PoolConfig {
    PoolConfig { restart_policy: RestartPolicy::Never, ..pool(max_workers, standby) }
}

#[test]
fn a_larger_pool_starts_more_workers() {
    check(
        pool(1, 0),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        resize 2 1   | spawn 1.2; spawn 2.3
        up 2.3       | 2.3 idle; ask b ?1
        ",
    );
}

#[test]
fn standbys_begin_with_what_waits_when_more_may_run() {
    two_up(
        pool(1, 1),
        "
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        resize 2 0   | ask b ?1
        proceed b    | 1.2 <- b
        ",
    );
}

#[test]
fn a_smaller_pool_lets_go_first_of_who_is_of_no_use_yet() {
    check(
        PoolConfig { restart_policy: RestartPolicy::Backoff, ..pool(5, 0) },
        "
        start            | spawn 0.1; spawn 1.2; spawn 2.3; spawn 3.4; spawn 4.5
        up 0.1           | 0.1 idle
        submit a         | 0.1 <- a; a queued
        up 1.2           | 1.2 idle
        spawn_failed 2.3 | 2.3 gone: not made
        spawned 3.4      |
        hello 3.4        | 3.4 loading; 3.4 <- init
        resize 4 0       |
        resize 3 0       | kill 4.5
        resize 2 0       | kill 3.4
        resize 1 0       | 1.2 draining; 1.2 <- stop
        exit 4.5         | 4.5 gone: Surplus
        exit 3.4         | 3.4 gone: Surplus
        exit 1.2         | 1.2 gone: Surplus
        pass 5s          |
        started a        | a started in 0.1
        result a         | a completed; 0.1 idle
        ",
    );
}

#[test]
fn no_job_ends_because_the_pool_is_made_smaller_and_the_first_worker_that_is_free_goes() {
    two_up(
        pool(2, 0),
        "
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        started a    | a started in 0.1
        started b    | b started in 1.2
        submit c     | c queued
        resize 1 0   |
        result a     | a completed; 0.1 idle; 0.1 draining; 0.1 <- stop
        exit 0.1     | 0.1 gone: Surplus
        result b     | b completed; 1.2 idle; ask c ?1
        proceed c    | 1.2 <- c
        ",
    );
}

#[test]
fn a_job_that_the_hook_is_asked_about_keeps_its_worker() {
    check(
        pool(2, 0),
        "
        submit a     | a queued; spawn 0.1
        submit b     | b queued; spawn 1.2
        up 0.1       | 0.1 idle; ask a ?1
        up 1.2       | 1.2 idle; ask b ?2
        proceed a    | 0.1 <- a
        resize 1 0   |
        proceed b    | 1.2 <- b
        started b    | b started in 1.2
        result b     | b completed; 1.2 idle; 1.2 draining; 1.2 <- stop
        ",
    );
}

#[test]
fn a_worker_that_reloads_finishes_that_before_it_goes() {
    two_up(
        pool(2, 0),
        "
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        reload r     | 1.2 <- reload r #4
        resize 1 0   |
        done 1.2     | 1.2 idle; 1.2 draining; 1.2 <- stop
        result a     | a completed; 0.1 idle; 0.1 <- reload r #6
        ",
    );
}

#[test]
fn a_worker_that_was_to_go_stays_when_the_pool_grows_again() {
    two_up(
        pool(2, 0),
        "
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        started b    | b started in 1.2
        resize 1 0   |
        resize 2 0   |
        result b     | b completed; 1.2 idle
        ",
    );
}

#[test]
fn a_place_that_is_still_being_cleared_is_filled_again_when_the_pool_grows_meanwhile() {
    two_up(
        never(2, 0),
        "
        resize 1 0   | 1.2 draining; 1.2 <- stop
        resize 2 0   |
        exit 1.2     | 1.2 gone: Surplus; spawn 1.3
        ",
    );
    two_up(
        never(2, 0),
        "
        resize 1 0   | 1.2 draining; 1.2 <- stop
        resize 2 0   |
        resize 1 0   |
        exit 1.2     | 1.2 gone: Surplus
        ",
    );
}

#[test]
fn a_surplus_worker_that_does_not_stop_is_killed() {
    two_up(
        pool(2, 0),
        "
        resize 1 0   | 1.2 draining; 1.2 <- stop
        pass 10s     | kill 1.2
        exit 1.2     | 1.2 gone: Surplus
        ",
    );
}

#[test]
fn who_dies_anyway_is_not_replaced_in_a_smaller_pool() {
    two_up(
        pool(2, 0),
        "
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        started a    | a started in 0.1
        started b    | b started in 1.2
        cancel a     | a cancelling; kill 0.1
        resize 1 0   |
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        result b     | b completed; 1.2 idle
        ",
    );
}

#[test]
fn a_resize_pays_for_the_fault_that_left_a_place_empty() {
    two_up(
        PoolConfig { max_restart_attempts: 1, ..never(2, 0) },
        "
        exit 1.2     | 1.2 gone: on its own
        resize 2 0   | spawn 1.3
        up 1.3       | 1.3 idle
        exit 1.3     | 1.3 gone: on its own
        resize 2 0   | degraded
        ",
    );
}

#[test]
fn a_pool_that_is_down_gets_its_new_size_when_it_comes_up() {
    let down = "
        exit 1.2     | 1.2 gone: on its own; degraded
        exit 0.1     | 0.1 gone: on its own; down
    ";
    let smaller = "
        resize 1 0   |
        restart      | up; spawn 0.3
    ";
    let larger = "
        resize 3 0   |
        restart      | up; spawn 0.3; spawn 1.4; spawn 2.5
    ";
    for then in [smaller, larger] {
        two_up(PoolConfig { max_restart_attempts: 0, ..pool(2, 0) }, &format!("{down}\n{then}"));
    }
}

#[test]
fn a_pool_that_shuts_down_starts_nobody_because_it_is_made_larger() {
    two_up(
        pool(2, 0),
        "
        submit a     | 0.1 <- a; a queued
        shutdown 60s |
        resize 5 5   |
        start        |
        restart      |
        ",
    );
}

#[test]
fn the_fault_of_a_worker_that_was_dying_when_a_restart_was_asked_for_is_forgotten() {
    two_up(
        PoolConfig { max_restart_attempts: 0, ..never(2, 0) },
        "
        garbage 1.2  | kill 1.2
        restart      |
        resize 1 0   |
        exit 1.2     | 1.2 gone: Protocol
        resize 2 0   | spawn 1.3
        ",
    );
}

#[test]
fn a_worker_that_hung_up_and_is_told_to_stop_goes_for_that_reason() {
    check(
        PoolConfig {
            max_workers: 2,
            restart_policy: RestartPolicy::Always,
            max_restart_attempts: 0,
            ..config()
        },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        hung_up 1.2  |
        resize 1 0   | 1.2 draining; 1.2 <- stop
        pass 1s      | kill 1.2
        exit 1.2     | 1.2 gone: Surplus
        ",
    );
}
