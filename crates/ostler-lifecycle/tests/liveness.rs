//! Workers that say nothing, and jobs that report nothing.

mod common;

use std::time::Duration;

use common::{check, config, running};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

/// Asked after 10 s, dead after 4 s more.
fn beats() -> PoolConfig {
    PoolConfig {
        heartbeat_interval: Duration::from_secs(10),
        heartbeat_timeout: Duration::from_secs(4),
        start_timeout: Duration::from_secs(60),
        load_timeout: Duration::from_secs(60),
        ..config()
    }
}

#[test]
fn a_busy_worker_that_says_nothing_is_asked_and_killed_if_it_does_not_answer() {
    running(
        beats(),
        "",
        "
        pass 9s      |
        pass 1s      | 0.1 <- ping
        pass 3s      |
        pass 1s      | kill 0.1
        pong 0.1     |
        exit 0.1     | 0.1 gone: Unresponsive; a failed: Stalled SIGSEGV
        ",
    );
}

#[test]
fn who_answers_is_asked_again_later() {
    running(
        beats(),
        "",
        "
        pass 10s     | 0.1 <- ping
        pass 3s      |
        pong 0.1     |
        pass 9s      |
        pass 1s      | 0.1 <- ping
        ",
    );
}

#[test]
fn who_speaks_is_not_asked_but_output_is_not_speaking() {
    running(
        beats(),
        "",
        "
        pass 9s      |
        note a       | a noted
        pass 9s      |
        output a     | a noted
        pass 1s      | 0.1 <- ping
        ",
    );
}

#[test]
fn a_worker_that_loads_is_asked_too_and_an_idle_one_is_not() {
    check(
        beats(),
        "
        start        | spawn 0.1
        pass 50s     |
        spawned 0.1  |
        hello 0.1    | 0.1 loading; 0.1 <- init
        pass 10s     | 0.1 <- ping
        pong 0.1     |
        pass 10s     | 0.1 <- ping
        pass 4s      | kill 0.1
        exit 0.1     | 0.1 gone: Unresponsive
        ",
    );
    check(
        beats(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        pass 9000s   |
        ",
    );
}

#[test]
fn a_worker_that_reloads_is_asked_too() {
    check(
        PoolConfig { reload_timeout: Duration::from_secs(600), ..beats() },
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        reload r     | 0.1 <- reload r #2
        pass 10s     | 0.1 <- ping
        pass 4s      | kill 0.1
        exit 0.1     | 0.1 gone: Unresponsive; r not done: no worker is alive
        ",
    );
}

#[test]
fn a_host_that_slept_does_not_hold_that_against_who_was_asked() {
    running(
        beats(),
        "",
        "
        pass 10s     | 0.1 <- ping
        paused 3600s |
        pass 3s      |
        pong 0.1     |
        pass 9s      |
        ",
    );
}

#[test]
fn an_unresponsive_worker_is_a_fault_and_a_cancelled_job_in_it_is_cancelled() {
    running(
        PoolConfig {
            cancel_grace: Duration::from_secs(60),
            restart_policy: RestartPolicy::Always,
            max_restart_attempts: 0,
            ..beats()
        },
        "",
        "
        cancel a     | a cancelling; 0.1 <- cancel a
        pass 10s     | 0.1 <- ping
        pass 4s      | kill 0.1
        exit 0.1     | 0.1 gone: Unresponsive; down; a cancelled
        ",
    );
}

#[test]
fn a_job_that_reports_nothing_is_killed() {
    running(
        config(),
        "stall_timeout=3s",
        "
        pass 2s      |
        note a       | a noted
        pass 2s      |
        chunk a      | a chunk
        pass 2s      |
        output a     | a noted
        pass 2s      |
        pass 1s      | kill 0.1
        exit 0.1     | 0.1 gone: Silent; a failed: Stalled SIGSEGV
        ",
    );
}

#[test]
fn a_pong_is_no_report() {
    running(
        PoolConfig { heartbeat_interval: Duration::from_secs(2), ..beats() },
        "stall_timeout=3s",
        "
        pass 2s      | 0.1 <- ping
        pong 0.1     |
        pass 1s      | kill 0.1
        ",
    );
}

#[test]
fn the_stall_timeout_counts_from_the_start_and_not_while_the_job_is_asked_to_end() {
    check(
        PoolConfig { cancel_grace: Duration::from_secs(8), ..config() },
        "
        start                     | spawn 0.1
        up 0.1                    | 0.1 idle
        submit a stall_timeout=3s | 0.1 <- a; a queued
        pass 5s                   |
        started a                 | a started in 0.1
        pass 2s                   |
        cancel a                  | a cancelling; 0.1 <- cancel a
        pass 7s                   |
        pass 1s                   | kill 0.1
        exit 0.1                  | 0.1 gone: Cancelled; a cancelled
        ",
    );
}

#[test]
fn a_job_that_stalls_is_the_hosts_wish_and_uses_no_budget() {
    running(
        PoolConfig { restart_policy: RestartPolicy::Always, max_restart_attempts: 0, ..config() },
        "stall_timeout=3s",
        "
        pass 3s      | kill 0.1
        exit 0.1     | 0.1 gone: Silent; spawn 0.2; a failed: Stalled SIGSEGV
        ",
    );
}

#[test]
fn what_another_job_left_in_a_pipe_is_no_report() {
    check(
        config(),
        "
        start                    | spawn 0.1
        up 0.1                   | 0.1 idle
        submit a                 | 0.1 <- a; a queued
        started a                | a started in 0.1
        result a                 | a completed; 0.1 idle
        submit b stall_timeout=3s| 0.1 <- b; b queued
        started b                | b started in 0.1
        pass 2s                  |
        output a                 |
        output b attempt 2       |
        pass 1s                  | kill 0.1
        ",
    );
}

#[test]
fn a_worker_that_nobody_listens_to_is_neither_frozen_nor_silent() {
    let beating = PoolConfig {
        heartbeat_interval: Duration::from_secs(3),
        heartbeat_timeout: Duration::from_secs(3),
        ..config()
    };
    check(
        beating,
        "
        start                     | spawn 0.1
        up 0.1                    | 0.1 idle
        submit a stall_timeout=4s | 0.1 <- a; a queued
        started a                 | a started in 0.1
        pass 3s                   | 0.1 <- ping
        unheard 0.1               |
        pass 2s                   |
        unheard 0.1               |
        pass 2s                   |
        pass 1s                   | 0.1 <- ping
        pass 1s                   | kill 0.1
        ",
    );
}
