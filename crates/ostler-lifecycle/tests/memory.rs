//! Workers that take too much, and a host that has too little.

mod common;

use common::{check, config};
use ostler_lifecycle::{MemoryRules, PoolConfig, RestartPolicy};

fn rules(memory: MemoryRules) -> PoolConfig {
    PoolConfig { memory, restart_policy: RestartPolicy::Always, ..config() }
}

/// A worker may take 1000 bytes.
fn limited() -> PoolConfig {
    rules(MemoryRules { max_resident: Some(1000), ..MemoryRules::default() })
}

/// The host shall have 1000 bytes left.
fn considerate(max_workers: u32) -> PoolConfig {
    PoolConfig { max_workers, ..rules(MemoryRules { min_available: Some(1000), ..MemoryRules::default() }) }
}

/// Two workers of 500 bytes each, then what happens.
fn two_of_500(config: PoolConfig, what: &str) {
    let mut script = "start | spawn 0.1; spawn 1.2\n".to_owned();
    for worker in ["0.1", "1.2"] {
        script.push_str(&format!(
            "
            spawned {worker}         |
            hello {worker}           | {worker} loading; {worker} <- init
            ready {worker} holds 500 | {worker} idle
            "
        ));
    }
    check(config, &format!("{script}\n{what}"));
}

#[test]
fn a_worker_that_takes_too_much_is_killed_and_its_job_fails() {
    check(
        limited(),
        "
        start          | spawn 0.1
        up 0.1         | 0.1 idle
        submit a       | 0.1 <- a; a queued
        started a      | a started in 0.1
        holds 0.1 1000 |
        holds 0.1 1001 | kill 0.1
        holds 0.1 9999 |
        exit 0.1       | 0.1 gone: MemoryLimit; spawn 0.2; a failed: Crashed SIGSEGV
        ",
    );
}

#[test]
fn a_job_that_takes_too_much_is_tried_again_and_quarantined_like_any_crash() {
    check(
        PoolConfig { standby: 1, ..limited() },
        "
        start               | spawn 0.1; spawn 1.2
        up 0.1              | 0.1 idle
        up 1.2              | 1.2 idle
        submit a attempts=2 | 0.1 <- a; a queued
        started a           | a started in 0.1
        holds 0.1 1001      | kill 0.1
        exit 0.1            | 0.1 gone: MemoryLimit; spawn 0.3; a retries after Crashed; ask a ?1
        proceed a           | 1.2 <- a attempt 2
        started a           | a started in 1.2
        holds 1.2 1001      | kill 1.2
        exit 1.2            | 1.2 gone: MemoryLimit; spawn 1.4; a quarantined after 2 crashes
        ",
    );
}

#[test]
fn ends_for_too_much_memory_are_the_hosts_wish_and_use_no_budget() {
    check(
        PoolConfig { max_restart_attempts: 0, ..limited() },
        "
        start          | spawn 0.1
        up 0.1         | 0.1 idle
        submit a       | 0.1 <- a; a queued
        started a      | a started in 0.1
        result a       | a completed; 0.1 idle
        holds 0.1 1001 | kill 0.1
        exit 0.1       | 0.1 gone: MemoryLimit; spawn 0.2
        ",
    );
}

#[test]
fn a_limit_that_a_worker_exceeds_without_any_job_takes_the_pool_down() {
    let loading = "
        start                | spawn 0.1
        submit a             | a queued
        spawned 0.1          |
        hello 0.1            | 0.1 loading; 0.1 <- init
    ";
    let after = "
        exit 0.1             | 0.1 gone: LoadFailed
        submit b             | b rejected: down
    ";
    for exceeds in ["holds 0.1 1001", "ready 0.1 holds 1000"] {
        let then = format!("{exceeds} | kill 0.1; down; a failed: WorkerUnavailable");
        check(limited(), &format!("{loading}\n{then}\n{after}"));
    }
    check(
        limited(),
        "
        start          | spawn 0.1
        up 0.1         | 0.1 idle
        holds 0.1 1001 | kill 0.1; down
        exit 0.1       | 0.1 gone: LoadFailed
        ",
    );
}

#[test]
fn a_host_that_is_short_of_memory_gives_up_idle_workers_one_at_a_time_the_largest_first() {
    two_of_500(
        considerate(2),
        "
        host_has 1000                  |
        host_has 999 0.1=500 1.2=600   | kill 1.2
        host_has 999 0.1=500           |
        exit 1.2                       | 1.2 gone: MemoryPressure
        host_has 999 0.1=500           | kill 0.1
        exit 0.1                       | 0.1 gone: MemoryPressure
        ",
    );
}

#[test]
fn who_had_to_go_comes_back_only_when_there_is_room_and_one_after_the_other() {
    two_of_500(
        considerate(2),
        "
        host_has 999        | kill 1.2
        exit 1.2            | 1.2 gone: MemoryPressure
        host_has 999        | kill 0.1
        exit 0.1            | 0.1 gone: MemoryPressure
        host_has 1499       |
        host_has 1500       | spawn 0.3
        host_has 9999       |
        spawned 0.3         |
        hello 0.3           | 0.3 loading; 0.3 <- init
        host_has 9999       |
        ready 0.3 holds 500 | 0.3 idle
        host_has 1499       |
        host_has 1500       | spawn 1.4
        ",
    );
}

#[test]
fn a_job_may_be_given_up_for_memory_and_runs_again_when_there_is_room_for_it() {
    two_of_500(
        considerate(2),
        "
        submit a attempts=2          | 0.1 <- a; a queued
        submit b attempts=2          | 1.2 <- b; b queued
        started a                    | a started in 0.1
        started b                    | b started in 1.2
        host_has 999 0.1=500 1.2=800 | kill 1.2
        exit 1.2                     | 1.2 gone: MemoryPressure; b retries after Interrupted
        host_has 1799 0.1=500        |
        host_has 1800 0.1=500        | spawn 1.3
        up 1.3                       | 1.3 idle; ask b ?1
        proceed b                    | 1.3 <- b attempt 2
        ",
    );
}

#[test]
fn a_job_that_waits_runs_in_spite_of_the_pressure_when_no_other_does() {
    two_of_500(
        considerate(2),
        "
        submit a attempts=2 | 0.1 <- a; a queued
        submit b attempts=2 | 1.2 <- b; b queued
        started a           | a started in 0.1
        started b           | b started in 1.2
        host_has 999        | kill 1.2
        exit 1.2            | 1.2 gone: MemoryPressure; b retries after Interrupted
        host_has 999        |
        result a            | a completed; 0.1 idle; ask b ?1
        proceed b           | 0.1 <- b attempt 2
        exit 0.1            | 0.1 gone: on its own; spawn 0.3
        ",
    );
}

#[test]
fn the_last_job_is_left_alone_and_so_is_one_that_would_fail() {
    two_of_500(
        considerate(2),
        "
        submit a            | 0.1 <- a; a queued
        submit b attempts=2 | 1.2 <- b; b queued
        submit c            | c queued
        started a           | a started in 0.1
        started b           | b started in 1.2
        host_has 0          | kill 1.2
        exit 1.2            | 1.2 gone: MemoryPressure; b retries after Interrupted
        host_has 0          |
        ",
    );
    two_of_500(
        considerate(2),
        "
        submit a attempts=2 | 0.1 <- a; a queued
        submit b            | 1.2 <- b; b queued
        started a           | a started in 0.1
        started b           | b started in 1.2
        host_has 0          | kill 0.1
        ",
    );
    two_of_500(
        considerate(2),
        "
        submit a            | 0.1 <- a; a queued
        submit b            | 1.2 <- b; b queued
        started a           | a started in 0.1
        started b           | b started in 1.2
        host_has 0          |
        ",
    );
}

#[test]
fn who_is_only_just_coming_goes_before_a_job_does() {
    check(
        considerate(3),
        "
        start               | spawn 0.1; spawn 1.2; spawn 2.3
        up 0.1              | 0.1 idle
        submit a attempts=2 | 0.1 <- a; a queued
        up 1.2              | 1.2 idle
        submit b attempts=2 | 1.2 <- b; b queued
        started a           | a started in 0.1
        started b           | b started in 1.2
        host_has 0          | kill 2.3
        ",
    );
}

#[test]
fn the_last_idle_worker_stays_while_a_job_waits_for_a_resource() {
    check(
        considerate(1),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        submit b     | b queued
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; ask b ?1
        wait b       | 0.1 idle; b blocked
        host_has 999 |
        cancel b     | b cancelled
        host_has 999 | kill 0.1
        ",
    );
}

#[test]
fn who_ends_under_pressure_is_replaced_when_it_is_over() {
    two_of_500(
        considerate(2),
        "
        submit a      | 0.1 <- a; a queued
        submit b      | 1.2 <- b; b queued
        started a     | a started in 0.1
        started b     | b started in 1.2
        host_has 999  |
        cancel a      | a cancelling; kill 0.1
        exit 0.1      | 0.1 gone: Cancelled; a cancelled
        exit 1.2      | 1.2 gone: on its own; b failed: Crashed SIGSEGV
        host_has 9999 | spawn 0.3
        up 0.3        | 0.3 idle
        host_has 9999 | spawn 1.4
        ",
    );
}

#[test]
fn a_fault_under_pressure_is_paid_for_when_it_is_over() {
    two_of_500(
        PoolConfig { max_restart_attempts: 0, ..considerate(2) },
        "
        submit a      | 0.1 <- a; a queued
        submit b      | 1.2 <- b; b queued
        started a     | a started in 0.1
        started b     | b started in 1.2
        host_has 999  |
        exit 1.2      | 1.2 gone: on its own; b failed: Crashed SIGSEGV
        host_has 9999 | degraded
        ",
    );
}

#[test]
fn a_restart_whose_time_has_come_pays_and_is_given_up_again_while_memory_is_short() {
    two_of_500(
        PoolConfig { restart_policy: RestartPolicy::Backoff, max_restart_attempts: 1, ..considerate(2) },
        "
        submit a      | 0.1 <- a; a queued
        started a     | a started in 0.1
        exit 1.2      | 1.2 gone: on its own
        host_has 999  |
        pass 1s       | spawn 1.3
        host_has 999  | kill 1.3
        exit 1.3      | 1.3 gone: MemoryPressure
        host_has 1499 |
        host_has 1500 | spawn 1.4
        up 1.4        | 1.4 idle
        exit 1.4      | 1.4 gone: on its own; degraded
        ",
    );
}

#[test]
fn a_pool_that_is_made_larger_under_pressure_grows_when_it_is_over() {
    check(
        considerate(1),
        "
        start         | spawn 0.1
        up 0.1        | 0.1 idle
        submit a      | 0.1 <- a; a queued
        host_has 999  |
        resize 3 0    |
        host_has 1000 | spawn 1.2
        up 1.2        | 1.2 idle
        host_has 1000 | spawn 2.3
        ",
    );
}

#[test]
fn nobody_is_replaced_for_its_age_while_memory_is_short() {
    let mut config = considerate(1);
    config.recycling.after_jobs = Some(1);
    check(
        config,
        "
        start         | spawn 0.1
        up 0.1        | 0.1 idle
        submit a      | 0.1 <- a; a queued
        started a     | a started in 0.1
        host_has 999  |
        result a      | a completed; 0.1 idle
        host_has 1000 | spawn 1.2
        ",
    );
}

#[test]
fn a_shutdown_under_pressure_ends_all_the_same() {
    two_of_500(
        considerate(2),
        "
        submit a attempts=2 | 0.1 <- a; a queued
        submit b attempts=2 | 1.2 <- b; b queued
        started a           | a started in 0.1
        started b           | b started in 1.2
        host_has 999        | kill 1.2
        exit 1.2            | 1.2 gone: MemoryPressure; b retries after Interrupted
        shutdown 60s        |
        host_has 999        |
        result a            | a completed; 0.1 idle; ask b ?1
        proceed b           | 0.1 <- b attempt 2
        started b           | b started in 0.1
        result b            | b completed; 0.1 idle; 0.1 draining; 0.1 <- stop
        host_has 9999       |
        exit 0.1            | 0.1 gone: Shutdown; closed
        ",
    );
}

/// One start after a failed one within a minute, and the start of the second of two workers was refused.
fn one_of_two_may_start(what: &str) {
    let config = PoolConfig {
        max_start_attempts: 1,
        max_restart_attempts: 1,
        restart_window: std::time::Duration::from_secs(60),
        restart_backoff_base: std::time::Duration::ZERO,
        ..considerate(2)
    };
    let script = "
        start            | spawn 0.1; spawn 1.2
        up 0.1           | 0.1 idle
        spawn_failed 1.2 | 1.2 gone: not made; spawn 1.3
        spawn_failed 1.3 | 1.3 gone: not made; degraded
    ";
    check(config, &format!("{script}\n{what}"));
}

#[test]
fn who_was_missing_comes_back_when_memory_does() {
    one_of_two_may_start(
        "
        submit a      | 0.1 <- a; a queued
        started a     | a started in 0.1
        host_has 999  |
        pass 60s      |
        host_has 9999 | spawn 1.4
        up 1.4        | 1.4 idle; recovered
        ",
    );
}

#[test]
fn what_a_process_holds_before_its_hello_is_the_hosts_own() {
    check(
        limited(),
        "
        start             | spawn 0.1
        spawned 0.1       |
        holds 0.1 99999   |
        hello 0.1         | 0.1 loading; 0.1 <- init
        holds 0.1 99999   | kill 0.1; down
        ",
    );
}

#[test]
fn who_goes_before_its_hello_comes_back_when_there_is_room_for_one_like_the_others() {
    two_of_500(
        considerate(2),
        "
        submit a                       | 0.1 <- a; a queued
        exit 1.2                       | 1.2 gone: on its own; spawn 1.3
        spawned 1.3                    |
        host_has 999 0.1=500 1.3=99999 | kill 1.3
        exit 1.3                       | 1.3 gone: MemoryPressure
        host_has 1500 0.1=500          | spawn 1.4
        ",
    );
}
