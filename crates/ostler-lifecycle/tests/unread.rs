//! Deadlines that pass while something lies unread, and time in which the host did not run.

mod common;

use std::time::Duration;

use common::{check, config, running, two_up};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

#[test]
fn a_result_that_lay_unread_wins_over_the_timeout() {
    running(
        config(),
        "timeout=3s",
        "
        leave_unread 5s | read 0.1
        result a        | a completed; 0.1 idle
        caught_up 0.1   |
        pass 60s        |
        ",
    );
}

#[test]
fn without_a_result_the_timeout_is_judged_when_all_was_read() {
    running(
        config(),
        "timeout=3s",
        "
        leave_unread 3s | read 0.1
        leave_unread 9s |
        note a          | a noted
        caught_up 0.1   | kill 0.1
        exit 0.1        | 0.1 gone: TimedOut; a failed: TimedOut SIGSEGV
        ",
    );
}

#[test]
fn a_report_that_lay_unread_puts_the_stall_off() {
    running(
        config(),
        "stall_timeout=3s",
        "
        leave_unread 3s | read 0.1
        note a          | a noted
        caught_up 0.1   |
        leave_unread 2s |
        leave_unread 1s | read 0.1
        caught_up 0.1   | kill 0.1
        ",
    );
}

#[test]
fn what_becomes_due_while_the_driver_reads_is_asked_about_anew() {
    running(
        config(),
        "timeout=4s stall_timeout=3s",
        "
        leave_unread 3s | read 0.1
        note a          | a noted
        leave_unread 1s |
        caught_up 0.1   | read 0.1
        result a        | a completed; 0.1 idle
        caught_up 0.1   |
        ",
    );
}

#[test]
fn an_exit_that_was_not_noticed_is_no_timeout() {
    running(
        config(),
        "timeout=3s",
        "
        leave_unread 3s | read 0.1
        exit 0.1        | 0.1 gone: on its own; a failed: Crashed SIGSEGV
        caught_up 0.1   |
        ",
    );
}

#[test]
fn a_hello_and_a_ready_that_lay_unread_are_in_time() {
    check(
        config(),
        "
        start            | spawn 0.1
        spawned 0.1      |
        leave_unread 10s | read 0.1
        hello 0.1        | 0.1 loading; 0.1 <- init
        caught_up 0.1    |
        leave_unread 10s | read 0.1
        ready 0.1        | 0.1 idle
        caught_up 0.1    |
        pass 60s         |
        ",
    );
}

#[test]
fn a_death_that_was_not_noticed_is_in_time() {
    running(
        config(),
        "",
        "
        cancel a         | a cancelling; kill 0.1
        leave_unread 10s | read 0.1
        killed 0.1 torn  | 0.1 gone: Cancelled; a cancelled
        ",
    );
    running(
        config(),
        "",
        "
        cancel a         | a cancelling; kill 0.1
        leave_unread 10s | read 0.1
        caught_up 0.1    | a still dying in 101; 0.1 given up
        ",
    );
}

#[test]
fn an_exit_after_a_hang_up_that_was_not_noticed_is_no_breach() {
    running(
        config(),
        "",
        "
        hung_up 0.1     |
        leave_unread 1s | read 0.1
        exit 0.1        | 0.1 gone: on its own; a failed: Crashed SIGSEGV
        ",
    );
}

#[test]
fn a_pong_that_lay_unread_is_a_sign_of_life() {
    running(
        PoolConfig {
            heartbeat_interval: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(5),
            ..config()
        },
        "",
        "
        leave_unread 5s | 0.1 <- ping
        leave_unread 5s | read 0.1
        pong 0.1        |
        caught_up 0.1   |
        leave_unread 5s | 0.1 <- ping
        ",
    );
}

#[test]
fn a_grace_is_over_when_all_was_read() {
    running(
        PoolConfig { cancel_grace: Duration::from_secs(3), ..config() },
        "",
        "
        cancel a        | a cancelling; 0.1 <- cancel a
        leave_unread 3s | read 0.1
        exit 0.1 code 0 | 0.1 gone: on its own; a cancelled
        ",
    );
}

#[test]
fn a_reload_is_late_when_all_was_read() {
    two_up(
        PoolConfig { max_workers: 2, restart_policy: RestartPolicy::Always, ..config() },
        "
        reload r         | 0.1 <- reload r #3; 1.2 <- reload r #4
        leave_unread 10s | read 0.1; read 1.2
        done 0.1         | 0.1 idle
        caught_up 0.1    |
        done 1.2         | r done; 1.2 idle
        caught_up 1.2    |
        reload s         | 0.1 <- reload s #5; 1.2 <- reload s #6
        leave_unread 10s | read 0.1; read 1.2
        done 0.1         | 0.1 idle
        caught_up 0.1    |
        caught_up 1.2    | kill 1.2; s not done: a worker did not answer in time; kill 0.1
        ",
    );
}

#[test]
fn a_shutdown_ends_a_job_when_all_was_read_and_what_waits_at_once() {
    two_up(
        PoolConfig { max_workers: 2, ..config() },
        "
        submit a         | 0.1 <- a; a queued
        submit b         | 1.2 <- b; b queued
        started a        | a started in 0.1
        started b        | b started in 1.2
        submit c         | c queued
        shutdown 5s      |
        leave_unread 5s  | c failed: Interrupted; read 0.1; read 1.2
        result a         | a completed; 0.1 idle; kill 0.1
        caught_up 1.2    | kill 1.2
        exit 0.1         | 0.1 gone: Shutdown
        exit 1.2         | 1.2 gone: Shutdown; b failed: Interrupted SIGSEGV; closed
        ",
    );
}

#[test]
fn a_second_shutdown_that_leaves_no_time_waits_for_nobody_who_is_being_read() {
    running(
        config(),
        "",
        "
        shutdown 5s     |
        leave_unread 5s | read 0.1
        shutdown 0s     | kill 0.1
        exit 0.1        | 0.1 gone: Shutdown; a failed: Interrupted SIGSEGV; closed
        ",
    );
}

#[test]
fn time_in_which_the_host_did_not_run_counts_for_no_deadline() {
    running(
        PoolConfig { hook_timeout: Duration::from_secs(4), ..config() },
        "timeout=9s stall_timeout=5s",
        "
        submit b queue_timeout=5s | b queued
        pass 4s                   |
        paused 3600s              |
        note a                    | a noted
        pass 1s                   | b failed: TimedOut
        pass 3s                   |
        paused 3600s              |
        pass 1s                   | kill 0.1
        paused 3600s              |
        pass 9s                   |
        pass 1s                   | a failed: TimedOut; 0.1 given up
        ",
    );
}

#[test]
fn a_retry_a_start_and_a_shutdown_wait_for_a_host_that_did_not_run() {
    check(
        config(),
        "
        start        | spawn 0.1
        spawned 0.1  |
        pass 9s      |
        paused 100s  |
        hello 0.1    | 0.1 loading; 0.1 <- init
        paused 100s  |
        pass 9s      |
        ready 0.1    | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        shutdown 5s  |
        paused 100s  |
        pass 4s      |
        pass 1s      | kill 0.1
        ",
    );
}

#[test]
fn what_a_job_printed_before_it_was_killed_is_told() {
    running(
        config(),
        "timeout=3s",
        "
        pass 3s         | kill 0.1
        output a        | a noted
        note a          |
        exit 0.1        | 0.1 gone: TimedOut; a failed: TimedOut SIGSEGV
        ",
    );
    running(
        config(),
        "",
        "
        cancel a           | a cancelling; kill 0.1
        output a attempt 2 |
        output a           | a noted
        exit 0.1           | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn a_second_shutdown_ends_no_job_before_what_was_said_in_the_time_of_the_first_is_read() {
    running(
        config(),
        "",
        "
        shutdown 5s   |
        later 6s      |
        shutdown 9s   | read 0.1
        result a      | a completed; 0.1 idle; kill 0.1
        caught_up 0.1 |
        exit 0.1      | 0.1 gone: Shutdown; closed
        ",
    );
}
