//! The resource hook.

mod common;

use std::time::Duration;

use common::{check, config, pool};
use ostler_lifecycle::PoolConfig;

#[test]
fn a_job_that_need_not_wait_is_not_asked_about_again() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        ",
    );
}

#[test]
fn a_job_that_had_to_wait_is_asked_about_with_its_slot_reserved() {
    check(
        config(),
        "
        submit a     | a queued; spawn 0.1
        up 0.1       | 0.1 idle; ask a ?1
        submit b     | b queued
        proceed a    | 0.1 <- a
        ",
    );
}

#[test]
fn a_job_that_waits_for_resources_lets_others_pass_and_is_asked_again_when_something_is_freed() {
    check(
        config(),
        "
        submit a     | a queued; spawn 0.1
        submit b     | b queued
        up 0.1       | 0.1 idle; ask a ?1
        wait a       | 0.1 idle; a blocked; ask b ?2
        proceed b    | 0.1 <- b
        started b    | b started in 0.1
        result b     | b completed; 0.1 idle; ask a ?3
        proceed a    | 0.1 <- a
        ",
    );
}

#[test]
fn a_job_that_waits_for_what_is_not_ours_is_asked_about_every_second() {
    check(
        config(),
        "
        submit a     | a queued; spawn 0.1
        up 0.1       | 0.1 idle; ask a ?1
        wait a       | 0.1 idle; a blocked
        pass 1s      | ask a ?2
        wait a       | 0.1 idle; a blocked
        pass 500ms   |
        pass 500ms   | ask a ?3
        ",
    );
}

#[test]
fn a_job_may_be_blocked_from_the_beginning() {
    check(
        config(),
        "
        start            | spawn 0.1
        up 0.1           | 0.1 idle
        submit a blocked | a queued; a blocked
        submit b         | 0.1 <- b; b queued
        started b        | b started in 0.1
        result b         | b completed; 0.1 idle; ask a ?1
        ",
    );
}

#[test]
fn a_refused_job_fails_and_its_worker_goes_to_the_next() {
    check(
        config(),
        "
        submit a     | a queued; spawn 0.1
        submit b     | b queued
        up 0.1       | 0.1 idle; ask a ?1
        refuse a     | 0.1 idle; a failed: Refused; ask b ?2
        ",
    );
}

#[test]
fn a_late_answer_changes_nothing() {
    check(
        config(),
        "
        submit a     | a queued; spawn 0.1
        up 0.1       | 0.1 idle; ask a ?1
        wait a       | 0.1 idle; a blocked
        pass 1s      | ask a ?2
        refuse a ?1  |
        proceed a ?2 | 0.1 <- a
        refuse a ?2  |
        ",
    );
}

#[test]
fn a_reserved_worker_that_dies_gives_the_job_back_and_its_answer_is_late() {
    check(
        PoolConfig { max_workers: 2, ..config() },
        "
        submit a     | a queued; spawn 0.1
        up 0.1       | 0.1 idle; ask a ?1
        exit 0.1     | 0.1 gone: on its own; spawn 0.2
        proceed a    |
        up 0.2       | 0.2 idle; ask a ?2
        proceed a    | 0.2 <- a
        ",
    );
}

#[test]
fn a_job_whose_reserved_worker_is_killed_does_not_wait_for_the_death() {
    check(
        PoolConfig { max_workers: 2, ..config() },
        "
        start        | spawn 0.1; spawn 1.2
        up 1.2       | 1.2 idle
        submit a     | 1.2 <- a; a queued
        submit b     | b queued
        up 0.1       | 0.1 idle; ask b ?1
        started a    | a started in 1.2
        result a     | a completed; 1.2 idle
        garbage 0.1  | kill 0.1; ask b ?2
        proceed b ?1 |
        proceed b ?2 | 1.2 <- b
        ",
    );
}

#[test]
fn a_hook_that_does_not_answer_makes_its_job_wait_and_lets_others_pass() {
    check(
        PoolConfig { hook_timeout: Duration::from_secs(7), ..config() },
        "
        submit a     | a queued; spawn 0.1
        submit b     | b queued
        up 0.1       | 0.1 idle; ask a ?1
        pass 6s      |
        pass 1s      | 0.1 idle; a blocked; ask b ?2
        proceed a ?1 |
        proceed b    | 0.1 <- b
        ",
    );
}

#[test]
fn a_worker_that_hangs_up_while_the_hook_is_asked_loses_the_job_to_another() {
    check(
        PoolConfig { standby: 1, ..config() },
        "
        start        | spawn 0.1; spawn 1.2
        submit a     | a queued
        up 0.1       | 0.1 idle; ask a ?1
        up 1.2       | 1.2 idle
        hung_up 0.1  | ask a ?2
        proceed a ?1 |
        proceed a ?2 | 1.2 <- a
        pass 1s      | kill 0.1
        exit 0.1     | 0.1 gone: Protocol
        ",
    );
}

#[test]
fn a_worker_about_whose_job_the_hook_thinks_is_no_worker_for_the_next_one() {
    check(
        pool(2, 0),
        "
        submit a | a queued; spawn 0.1
        up 0.1   | 0.1 idle; ask a ?1
        submit b | b queued; spawn 1.2
        up 1.2   | 1.2 idle; ask b ?2
        ",
    );
}
