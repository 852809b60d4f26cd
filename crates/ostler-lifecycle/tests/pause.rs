//! What a pause holds back, and what goes on.

mod common;

use common::{check, config, running};

#[test]
fn nothing_starts_while_paused_and_what_runs_goes_on() {
    running(
        config(),
        "",
        "
        pause        | paused
        submit b     | b queued
        note a       | a noted
        result a     | a completed; 0.1 idle
        pause        |
        resume       | resumed; ask b ?1
        proceed b    | 0.1 <- b
        resume       |
        ",
    );
}

#[test]
fn a_job_that_the_hook_was_asked_about_waits_on_and_the_answer_comes_too_late() {
    running(
        config(),
        "",
        "
        submit b     | b queued
        result a     | a completed; 0.1 idle; ask b ?1
        pause        | paused; 0.1 idle
        proceed b ?1 |
        resume       | resumed; ask b ?2
        proceed b    | 0.1 <- b
        ",
    );
}

#[test]
fn a_job_that_comes_back_while_paused_keeps_its_place() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        pause        | paused
        exit 0.1     | 0.1 gone: on its own
        resume       | resumed; spawn 0.2
        up 0.2       | 0.2 idle; ask a ?1
        ",
    );
}

#[test]
fn no_worker_is_started_for_who_may_not_start() {
    check(
        config(),
        "
        pause        | paused
        submit a     | a queued
        cancel a     | a cancelled
        submit b     | b queued
        resume       | resumed; spawn 0.1
        ",
    );
}

#[test]
fn the_time_that_a_job_may_wait_goes_on() {
    check(
        config(),
        "
        pause                | paused
        submit a queue_timeout=5s | a queued
        pass 5s              | a failed: TimedOut
        ",
    );
}

#[test]
fn a_shutdown_waits_for_what_runs_and_ends_what_waits_at_its_deadline() {
    running(
        config(),
        "",
        "
        pause        | paused
        submit b     | b queued
        shutdown 9s  |
        result a     | a completed; 0.1 idle
        pass 9s      | b failed: Interrupted; kill 0.1
        exit 0.1     | 0.1 gone: Shutdown; closed
        ",
    );
}

#[test]
fn a_pool_that_shuts_down_can_be_resumed_and_finishes_what_waits() {
    running(
        config(),
        "",
        "
        pause        | paused
        submit b     | b queued
        shutdown 9s  |
        result a     | a completed; 0.1 idle
        resume       | resumed; ask b ?1
        ",
    );
}
