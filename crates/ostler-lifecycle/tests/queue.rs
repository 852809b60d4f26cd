//! Whose turn it is.

mod common;

use common::{check, config, running};
use ostler_lifecycle::PoolConfig;

#[test]
fn higher_priority_first_and_first_come_first_served_within_one() {
    check(
        config(),
        "
        submit a       | a queued; spawn 0.1
        submit b low   | b queued
        submit c       | c queued
        submit d high  | d queued
        up 0.1         | 0.1 idle; ask d ?1
        cancel d       | 0.1 idle; d cancelled; ask a ?2
        cancel a       | 0.1 idle; a cancelled; ask c ?3
        cancel c       | 0.1 idle; c cancelled; ask b ?4
        ",
    );
}

#[test]
fn a_job_that_was_sent_and_did_not_begin_goes_back_to_the_front() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        exit 0.1     | 0.1 gone: on its own; spawn 0.2
        up 0.2       | 0.2 idle; ask a ?1
        proceed a    | 0.2 <- a
        ",
    );
}

#[test]
fn a_job_that_comes_back_runs_on_a_worker_that_is_idle() {
    check(
        PoolConfig { max_workers: 2, ..config() },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        exit 0.1     | 0.1 gone: on its own; ask a ?1
        proceed a    | 1.2 <- a
        ",
    );
}

#[test]
fn nothing_is_sent_behind_a_job() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        started a    | a started in 0.1
        submit c     | c queued
        result a     | a completed; 0.1 idle; ask b ?1
        ",
    );
}

#[test]
fn a_full_queue_rejects_at_once_and_loses_nothing() {
    check(
        PoolConfig { queue_capacity: 1, ..config() },
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        submit c     | c rejected: the queue is full
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; ask b ?1
        submit c     | c queued
        ",
    );
}

#[test]
fn a_crash_touches_only_the_job_that_was_running_in_it() {
    check(
        PoolConfig { max_workers: 2, ..config() },
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        started a    | a started in 0.1
        started b    | b started in 1.2
        exit 0.1     | 0.1 gone: on its own; a failed: Crashed SIGSEGV
        result b     | b completed; 1.2 idle
        ",
    );
}

#[test]
fn a_job_that_waits_too_long_for_its_first_start_fails() {
    running(
        config(),
        "",
        "
        submit b queue_timeout=5s         | b queued
        submit c queue_timeout=5s blocked | c queued; c blocked
        pass 4s                           |
        pass 1s                           | b failed: TimedOut; c failed: TimedOut
        result a                          | a completed; 0.1 idle
        ",
    );
}

#[test]
fn a_job_that_the_hook_is_asked_about_still_waits() {
    check(
        config(),
        "
        submit a queue_timeout=5s | a queued; spawn 0.1
        submit b                  | b queued
        up 0.1                    | 0.1 idle; ask a ?1
        pass 5s                   | 0.1 idle; a failed: TimedOut; ask b ?2
        proceed a ?1              |
        ",
    );
}

#[test]
fn a_job_that_was_just_sent_is_left_alone_but_does_not_go_back_to_the_queue() {
    check(
        config(),
        "
        start                     | spawn 0.1
        up 0.1                    | 0.1 idle
        submit a queue_timeout=5s | 0.1 <- a; a queued
        pass 5s                   |
        started a                 | a started in 0.1
        pass 5s                   |
        result a                  | a completed; 0.1 idle
        submit b queue_timeout=5s | 0.1 <- b; b queued
        pass 6s                   |
        exit 0.1                  | 0.1 gone: on its own; b failed: TimedOut
        ",
    );
}

#[test]
fn a_job_that_comes_back_in_time_waits_on() {
    check(
        config(),
        "
        start                     | spawn 0.1
        up 0.1                    | 0.1 idle
        submit a queue_timeout=5s | 0.1 <- a; a queued
        pass 3s                   |
        exit 0.1                  | 0.1 gone: on its own; spawn 0.2
        pass 1s                   |
        pass 1s                   | a failed: TimedOut
        ",
    );
}
