//! Jobs that are put aside.

mod common;

use common::{config, running};
use ostler_lifecycle::{PoolConfig, RestartPolicy};

/// One worker that is replaced at once, whatever ends it.
fn replaced() -> PoolConfig {
    PoolConfig { restart_policy: RestartPolicy::Always, max_restart_attempts: 9, ..config() }
}

/// A job that is in quarantine after two crashes, then what happens. The next worker is on its way.
fn quarantined(config: PoolConfig, what: &str) {
    let crashes = "
        exit 0.1     | 0.1 gone: on its own; spawn 0.2; a retries after Crashed
        up 0.2       | 0.2 idle; ask a ?1
        proceed a    | 0.2 <- a attempt 2
        started a    | a started in 0.2
        exit 0.2     | 0.2 gone: on its own; spawn 0.3; a quarantined after 2 crashes
    ";
    running(config, "attempts=2", &format!("{crashes}\n{what}"));
}

#[test]
fn a_job_in_quarantine_waits_for_nothing_and_holds_nobody_up() {
    quarantined(
        replaced(),
        "
        up 0.3       | 0.3 idle
        pass 9000s   |
        submit b     | 0.3 <- b; b queued
        ",
    );
}

#[test]
fn a_job_that_is_released_starts_with_a_clean_record_at_its_old_place() {
    quarantined(
        replaced(),
        "
        submit b     | b queued
        release a    | a released
        up 0.3       | 0.3 idle; ask a ?2
        proceed a    | 0.3 <- a attempt 3
        started a    | a started in 0.3
        exit 0.3     | 0.3 gone: on its own; spawn 0.4; a retries after Crashed
        ",
    );
}

#[test]
fn a_released_job_gets_a_worker() {
    running(
        PoolConfig { restart_policy: RestartPolicy::Never, ..replaced() },
        "attempts=1",
        "
        exit 0.1     | 0.1 gone: on its own; a quarantined after 1 crashes
        release a    | a released; spawn 0.2
        ",
    );
}

#[test]
fn a_job_that_is_given_up_fails_with_its_last_crash() {
    quarantined(
        replaced(),
        "
        give_up a    | a failed: Crashed SIGSEGV
        give_up a    |
        release a    |
        ",
    );
}

#[test]
fn a_job_in_quarantine_is_cancelled_at_once() {
    quarantined(replaced(), "cancel a | a cancelled");
}

#[test]
fn only_what_is_in_quarantine_can_be_released_or_given_up() {
    running(
        replaced(),
        "attempts=2",
        "
        release a    |
        give_up a    |
        result a     | a completed; 0.1 idle
        release z    |
        give_up z    |
        ",
    );
}

#[test]
fn a_shutdown_gives_up_what_is_in_quarantine_and_nothing_new_goes_there() {
    quarantined(replaced(), "shutdown 9s | a failed: Crashed SIGSEGV; kill 0.3");
    running(
        replaced(),
        "attempts=1",
        "
        shutdown 9s  |
        exit 0.1     | 0.1 gone: on its own; a failed: Crashed SIGSEGV; closed
        ",
    );
}

#[test]
fn a_pool_that_goes_down_keeps_what_is_in_quarantine_and_lets_nobody_out() {
    let down = PoolConfig { max_start_attempts: 2, ..replaced() };
    quarantined(
        down.clone(),
        "
        spawn_failed 0.3 | 0.3 gone: not made; spawn 0.4
        spawn_failed 0.4 | 0.4 gone: not made; spawn 0.5
        spawn_failed 0.5 | 0.5 gone: not made; down
        release a        |
        restart          | up; spawn 0.6
        release a        | a released
        up 0.6           | 0.6 idle; ask a ?2
        ",
    );
    quarantined(
        down,
        "
        spawn_failed 0.3 | 0.3 gone: not made; spawn 0.4
        spawn_failed 0.4 | 0.4 gone: not made; spawn 0.5
        spawn_failed 0.5 | 0.5 gone: not made; down
        give_up a        | a failed: Crashed SIGSEGV
        ",
    );
}

#[test]
fn the_crash_that_spends_the_budget_still_leads_to_quarantine() {
    running(
        PoolConfig { max_restart_attempts: 0, ..replaced() },
        "attempts=1",
        "exit 0.1    | 0.1 gone: on its own; down; a quarantined after 1 crashes",
    );
}
