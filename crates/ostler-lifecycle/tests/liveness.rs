//! Workers that say nothing, jobs that report nothing, and answers that do not come.

mod common;

use std::time::Duration;

use common::{check, config};
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

fn running(config: PoolConfig, options: &str, what: &str) {
    let script = format!(
        "
        start              | spawn 0.1
        up 0.1             | 0.1 idle
        submit a {options} | a queued; 0.1 <- a
        started a          | a started in 0.1
        "
    );
    check(config, &format!("{script}\n{what}"));
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
        exit 0.1     | r not done: no worker is alive; 0.1 gone: Unresponsive
        ",
    );
}

#[test]
fn a_host_that_slept_asks_before_it_kills() {
    running(
        beats(),
        "",
        "
        pass 10s     | 0.1 <- ping
        pass 3600s   | 0.1 <- ping
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
        submit a stall_timeout=3s | a queued; 0.1 <- a
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
        submit a queue_timeout=5s | a queued; 0.1 <- a
        pass 5s                   |
        started a                 | a started in 0.1
        pass 5s                   |
        result a                  | a completed; 0.1 idle
        submit b queue_timeout=5s | b queued; 0.1 <- b
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
        submit a queue_timeout=5s | a queued; 0.1 <- a
        pass 3s                   |
        exit 0.1                  | 0.1 gone: on its own; spawn 0.2
        pass 1s                   |
        pass 1s                   | a failed: TimedOut
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
fn a_cancel_may_bring_a_grace_of_its_own() {
    running(
        config(),
        "",
        "
        cancel a within 3s | a cancelling; 0.1 <- cancel a
        pass 2s            |
        pass 1s            | kill 0.1
        exit 0.1           | 0.1 gone: Cancelled; a cancelled
        ",
    );
    running(
        PoolConfig { cancel_grace: Duration::from_secs(9), ..config() },
        "",
        "cancel a within 0s | a cancelling; kill 0.1",
    );
}

#[test]
fn a_second_cancel_may_only_shorten_the_grace() {
    let asked = "cancel a within 5s | a cancelling; 0.1 <- cancel a";
    let never_longer = "
        pass 1s             |
        cancel a within 60s |
        cancel a            |
        pass 3s             |
        pass 1s             | kill 0.1
    ";
    let sooner = "
        cancel a within 2s  |
        pass 1s             |
        pass 1s             | kill 0.1
    ";
    let at_once = "cancel a within 0s | kill 0.1";
    for then in [never_longer, sooner, at_once] {
        running(config(), "", &format!("{asked}\n{then}"));
    }
}

#[test]
fn what_another_job_left_in_a_pipe_is_no_report() {
    check(
        config(),
        "
        start                    | spawn 0.1
        up 0.1                   | 0.1 idle
        submit a                 | a queued; 0.1 <- a
        started a                | a started in 0.1
        result a                 | a completed; 0.1 idle
        submit b stall_timeout=3s| b queued; 0.1 <- b
        started b                | b started in 0.1
        pass 2s                  |
        output a                 |
        output b attempt 2       |
        pass 1s                  | kill 0.1
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
        submit a stall_timeout=4s | a queued; 0.1 <- a
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
