//! Jobs that run again.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{check, config, running};
use ostler_lifecycle::{PoolConfig, RestartPolicy, RetryPolicy};

/// One worker that is replaced at once, whatever ends it.
fn replaced() -> PoolConfig {
    PoolConfig { restart_policy: RestartPolicy::Always, max_restart_attempts: 9, ..config() }
}

/// What the pool says of retries, with a delay of at most this.
fn retry(attempts: u32, delay: Duration) -> PoolConfig {
    let policy = RetryPolicy { backoff_base: delay, backoff_max: delay, ..RetryPolicy::attempts(attempts) };
    PoolConfig { retry: Arc::new(policy), ..replaced() }
}

#[test]
fn nothing_runs_again_that_nobody_asked_for() {
    running(replaced(), "", "transient a | a failed: Plugin; 0.1 idle");
    running(replaced(), "", "exit 0.1 | 0.1 gone: on its own; spawn 0.2; a failed: Crashed SIGSEGV");
}

#[test]
fn an_error_that_may_pass_is_tried_again_until_the_attempts_are_used_up() {
    running(
        replaced(),
        "attempts=2",
        "
        transient a  | a retries after Plugin; 0.1 idle; ask a ?1
        proceed a    | 0.1 <- a attempt 2
        started a    | a started in 0.1
        transient a  | a failed: Plugin; 0.1 idle
        ",
    );
}

#[test]
fn an_error_that_will_not_pass_is_final() {
    running(replaced(), "attempts=2", "error a | a failed: Plugin; 0.1 idle");
}

#[test]
fn a_result_of_an_earlier_attempt_does_not_count() {
    running(
        replaced(),
        "attempts=2",
        "
        transient a        | a retries after Plugin; 0.1 idle; ask a ?1
        proceed a          | 0.1 <- a attempt 2
        started a          | a started in 0.1
        result a attempt 1 | kill 0.1
        ",
    );
}

#[test]
fn what_was_killed_for_its_time_runs_again() {
    running(
        replaced(),
        "attempts=2 timeout=3s",
        "
        pass 3s      | kill 0.1
        exit 0.1     | 0.1 gone: TimedOut; spawn 0.2; a retries after TimedOut
        up 0.2       | 0.2 idle; ask a ?1
        proceed a    | 0.2 <- a attempt 2
        started a    | a started in 0.2
        pass 2s      |
        pass 1s      | kill 0.2
        exit 0.2     | 0.2 gone: TimedOut; spawn 0.3; a failed: TimedOut SIGSEGV
        ",
    );
    running(
        replaced(),
        "attempts=2 stall_timeout=3s",
        "
        pass 3s      | kill 0.1
        exit 0.1     | 0.1 gone: Silent; spawn 0.2; a retries after Stalled
        ",
    );
}

#[test]
fn a_breach_of_the_protocol_counts_as_a_crash() {
    running(
        replaced(),
        "attempts=2",
        "
        garbage 0.1  | kill 0.1
        exit 0.1     | 0.1 gone: Protocol; spawn 0.2; a retries after Protocol
        up 0.2       | 0.2 idle; ask a ?1
        proceed a    | 0.2 <- a attempt 2
        garbage 0.2  | kill 0.2
        exit 0.2     | 0.2 gone: Protocol; spawn 0.3; a quarantined after 2 crashes
        ",
    );
}

#[test]
fn crashes_and_other_failures_are_counted_apart() {
    running(
        replaced(),
        "attempts=2",
        "
        transient a  | a retries after Plugin; 0.1 idle; ask a ?1
        proceed a    | 0.1 <- a attempt 2
        started a    | a started in 0.1
        exit 0.1     | 0.1 gone: on its own; spawn 0.2; a retries after Crashed
        up 0.2       | 0.2 idle; ask a ?2
        proceed a    | 0.2 <- a attempt 3
        started a    | a started in 0.2
        transient a  | a failed: Plugin; 0.2 idle
        ",
    );
}

#[test]
fn a_job_that_a_corpse_was_handed_goes_back_unblamed() {
    running(
        replaced(),
        "attempts=2",
        "
        exit 0.1     | 0.1 gone: on its own; spawn 0.2; a retries after Crashed
        up 0.2       | 0.2 idle; ask a ?1
        proceed a    | 0.2 <- a attempt 2
        exit 0.2     | 0.2 gone: on its own; spawn 0.3
        up 0.3       | 0.3 idle; ask a ?2
        proceed a    | 0.3 <- a attempt 2
        started a    | a started in 0.3
        exit 0.3     | 0.3 gone: on its own; spawn 0.4; a quarantined after 2 crashes
        ",
    );
}

#[test]
fn a_retry_keeps_its_place_and_waits_for_its_time_while_others_pass() {
    running(
        retry(2, Duration::from_secs(1)),
        "",
        "
        submit b     | b queued
        submit c     | c queued
        transient a  | a retries after Plugin; 0.1 idle; ask b ?1
        proceed b    | 0.1 <- b
        started b    | b started in 0.1
        pass 1s      |
        result b     | b completed; 0.1 idle; ask a ?2
        proceed a    | 0.1 <- a attempt 2
        ",
    );
}

#[test]
fn a_retry_is_woken_when_its_time_has_come() {
    running(
        retry(2, Duration::from_secs(1)),
        "",
        "
        transient a  | a retries after Plugin; 0.1 idle
        pass 1s      | ask a ?1
        ",
    );
}

#[test]
fn a_job_that_waits_for_its_time_wants_no_worker() {
    running(
        PoolConfig { restart_policy: RestartPolicy::Never, ..retry(2, Duration::from_secs(1)) },
        "",
        "
        exit 0.1     | 0.1 gone: on its own; a retries after Crashed
        pass 1s      | spawn 0.2
        ",
    );
}

#[test]
fn a_job_that_waits_for_its_time_is_cancelled_at_once() {
    running(
        retry(2, Duration::from_secs(1)),
        "",
        "
        transient a  | a retries after Plugin; 0.1 idle
        cancel a     | a cancelled
        pass 1s      |
        ",
    );
}

#[test]
fn a_job_that_waits_for_its_time_is_in_the_queue() {
    running(
        PoolConfig { queue_capacity: 1, ..retry(2, Duration::from_secs(1)) },
        "",
        "
        transient a  | a retries after Plugin; 0.1 idle
        submit b     | b rejected: the queue is full
        ",
    );
}

#[test]
fn while_draining_a_retry_comes_if_it_comes_in_time() {
    running(
        replaced(),
        "attempts=2",
        "
        shutdown 60s |
        transient a  | a retries after Plugin; 0.1 idle; ask a ?1
        proceed a    | 0.1 <- a attempt 2
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; 0.1 draining; 0.1 <- stop
        ",
    );
    running(
        retry(2, Duration::from_secs(1)),
        "",
        "
        shutdown 60s |
        transient a  | a retries after Plugin; 0.1 idle
        pass 1s      | ask a ?1
        ",
    );
    running(
        retry(2, Duration::from_secs(9000)),
        "",
        "
        shutdown 5s  |
        transient a  | a failed: Plugin; 0.1 idle; 0.1 draining; 0.1 <- stop
        ",
    );
}

#[test]
fn who_waits_for_a_retry_when_the_shutdown_ends_it_fails_as_it_did() {
    running(
        retry(2, Duration::from_secs(9000)),
        "",
        "
        transient a  | a retries after Plugin; 0.1 idle
        shutdown 5s  |
        pass 5s      | a failed: Plugin; kill 0.1
        ",
    );
}

#[test]
fn when_no_worker_will_come_there_is_no_retry_and_the_failure_says_why_it_failed() {
    running(
        PoolConfig { max_restart_attempts: 0, ..replaced() },
        "attempts=2",
        "exit 0.1    | 0.1 gone: on its own; down; a failed: Crashed SIGSEGV",
    );
    let config = retry(2, Duration::from_secs(9000));
    running(
        PoolConfig { max_restart_attempts: 0, ..config },
        "",
        "
        submit b     | b queued
        transient a  | a retries after Plugin; 0.1 idle; ask b ?1
        exit 0.1     | 0.1 gone: on its own; down; a failed: Plugin; b failed: WorkerUnavailable
        pass 9000s   |
        ",
    );
}

#[test]
fn a_job_whose_process_does_not_die_does_not_run_a_second_time() {
    running(
        replaced(),
        "attempts=5 timeout=3s",
        "
        pass 3s      | kill 0.1
        pass 10s     | a failed: TimedOut; 0.1 given up; spawn 0.2
        exit 0.1     | 0.1 gone: TimedOut
        ",
    );
}

#[test]
fn a_queue_timeout_is_for_the_first_run() {
    running(
        replaced(),
        "attempts=2 queue_timeout=1s",
        "
        transient a  | a retries after Plugin; 0.1 idle; ask a ?1
        pass 5s      |
        proceed a    | 0.1 <- a attempt 2
        ",
    );
    check(
        PoolConfig { kill_timeout: Duration::from_secs(60), ..replaced() },
        "
        start                               | spawn 0.1
        up 0.1                              | 0.1 idle
        submit a attempts=2 queue_timeout=15s | 0.1 <- a; a queued
        garbage 0.1                         | kill 0.1
        exit 0.1                            | 0.1 gone: Protocol; spawn 0.2; a retries after Protocol
        pass 15s                            |
        up 0.2                              | 0.2 idle; ask a ?1
        ",
    );
}
