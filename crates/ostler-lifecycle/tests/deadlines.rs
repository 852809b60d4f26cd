//! What takes too long, and processes that do not die.

mod common;

use std::time::Duration;

use common::{check, config, running};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

#[test]
fn a_worker_that_says_no_hello_is_killed() {
    check(
        config(),
        "
        start        | spawn 0.1
        pass 60s     |
        spawned 0.1  |
        pass 9s      |
        pass 1s      | kill 0.1
        exit 0.1     | 0.1 gone: SilentAtStart
        ",
    );
}

#[test]
fn a_worker_that_does_not_load_in_time_is_killed() {
    check(
        config(),
        "
        start        | spawn 0.1
        spawned 0.1  |
        pass 5s      |
        hello 0.1    | 0.1 loading; 0.1 <- init
        pass 9s      |
        pass 1s      | kill 0.1
        ready 0.1    |
        exit 0.1     | 0.1 gone: LoadTimedOut
        ",
    );
}

#[test]
fn a_job_that_runs_too_long_fails_as_timed_out_and_the_next_one_runs() {
    check(
        config(),
        "
        start               | spawn 0.1
        up 0.1              | 0.1 idle
        submit a timeout=3s | 0.1 <- a; a queued
        pass 5s             |
        started a           | a started in 0.1
        submit b            | b queued
        pass 2s             |
        pass 1s             | kill 0.1
        result a            |
        exit 0.1            | 0.1 gone: TimedOut; a failed: TimedOut SIGSEGV; spawn 0.2
        ",
    );
}

#[test]
fn a_result_that_was_first_wins_over_the_timeout() {
    check(
        config(),
        "
        start               | spawn 0.1
        up 0.1              | 0.1 idle
        submit a timeout=3s | 0.1 <- a; a queued
        started a           | a started in 0.1
        result a            | a completed; 0.1 idle
        pass 5s             |
        ",
    );
}

#[test]
fn a_job_that_the_worker_does_not_begin_goes_back_unblamed() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        pass 10s     | kill 0.1
        exit 0.1     | 0.1 gone: Stalled; spawn 0.2
        up 0.2       | 0.2 idle; ask a ?1
        ",
    );
}

#[test]
fn a_job_that_began_after_all_does_not_run_a_second_time() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        pass 10s     | kill 0.1
        started a    |
        exit 0.1     | 0.1 gone: Stalled; a failed: Stalled SIGSEGV
        ",
    );
}

#[test]
fn a_worker_that_hung_up_and_does_not_exit_is_killed() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        hung_up 0.1  |
        pass 1s      | kill 0.1
        exit 0.1     | 0.1 gone: Protocol
        ",
    );
}

#[test]
fn a_tick_before_its_time_changes_nothing() {
    check(
        config(),
        "
        start               | spawn 0.1
        up 0.1              | 0.1 idle
        submit a timeout=3s | 0.1 <- a; a queued
        started a           | a started in 0.1
        tick                |
        pass 2999ms         |
        ",
    );
}

#[test]
fn a_cancelled_job_whose_process_does_not_die_stays_cancelling_and_its_slot_goes_on() {
    check(
        PoolConfig { restart_policy: RestartPolicy::OnCancellation, ..config() },
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        pass 10s     | a still dying in 101; 0.1 given up; spawn 0.2
        cancel a     | a still dying in 101
        up 0.2       | 0.2 idle
        submit b     | 0.2 <- b; b queued
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        started b    | b started in 0.2
        ",
    );
}

#[test]
fn a_timed_out_job_does_not_wait_for_a_process_that_does_not_die() {
    check(
        config(),
        "
        start               | spawn 0.1
        up 0.1              | 0.1 idle
        submit a timeout=1s | 0.1 <- a; a queued
        started a           | a started in 0.1
        pass 1s             | kill 0.1
        pass 10s            | a failed: TimedOut; 0.1 given up
        exit 0.1            | 0.1 gone: TimedOut
        ",
    );
}

#[test]
fn a_sent_job_whose_worker_does_not_die_cannot_run_again() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        pass 10s     | kill 0.1
        pass 10s     | a failed: Stalled; 0.1 given up
        ",
    );
}

#[test]
fn a_process_that_is_still_being_made_can_be_one_that_does_not_die() {
    check(
        PoolConfig { kill_timeout: Duration::from_secs(1), ..config() },
        "
        start        | spawn 0.1
        shutdown 0s  | kill 0.1
        pass 1s      | 0.1 given up; closed
        spawned 0.1  |
        exit 0.1     | 0.1 gone: Shutdown
        ",
    );
}

fn with_timeout_grace() -> PoolConfig {
    PoolConfig { timeout_grace: Duration::from_secs(2), ..config() }
}

#[test]
fn a_job_whose_time_is_up_may_end_by_itself_and_its_worker_lives_on() {
    running(
        with_timeout_grace(),
        "timeout=3s",
        "
        submit b     | b queued
        pass 3s      | 0.1 <- cancel a
        note a       | a noted
        result a     | a failed: TimedOut; 0.1 idle; ask b ?1
        done 0.1     |
        proceed b    | 0.1 <- b
        started b    | b started in 0.1
        pass 60s     |
        ",
    );
}

#[test]
fn a_job_that_does_not_heed_the_end_of_its_time_is_killed_after_the_grace() {
    running(
        with_timeout_grace(),
        "timeout=3s",
        "
        pass 3s      | 0.1 <- cancel a
        pass 1s      |
        pass 1s      | kill 0.1
        exit 0.1     | 0.1 gone: TimedOut; a failed: TimedOut SIGSEGV
        ",
    );
}

#[test]
fn a_job_that_crashes_after_its_time_was_up_has_timed_out() {
    running(
        with_timeout_grace(),
        "timeout=3s",
        "
        pass 3s      | 0.1 <- cancel a
        exit 0.1     | 0.1 gone: on its own; a failed: TimedOut SIGSEGV
        ",
    );
}

#[test]
fn a_cancel_of_a_job_whose_time_is_up_makes_it_no_longer() {
    running(
        PoolConfig { cancel_grace: Duration::from_secs(9), ..with_timeout_grace() },
        "timeout=3s",
        "
        pass 3s      | 0.1 <- cancel a
        cancel a     | a cancelling
        pass 2s      | kill 0.1
        exit 0.1     | 0.1 gone: Cancelled; a cancelled
        ",
    );
}
