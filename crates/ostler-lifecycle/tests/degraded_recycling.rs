//! Old workers in a pool that may start few others, or none.

mod common;

use std::time::Duration;

use common::{check, pool};
use ostler_lifecycle::{PoolConfig, Recycling};

/// One worker, which is old after a job, and one start after a failed one within a minute.
fn one_job_each() -> PoolConfig {
    PoolConfig {
        recycling: Recycling { after_jobs: Some(1), ..Recycling::default() },
        max_start_attempts: 1,
        restart_backoff_base: Duration::ZERO,
        ..pool(1, 0)
    }
}

/// The only worker is old, its replacement waits for its budget, and the old one has the next job.
const REPLACEMENT_WAITS: &str = "
    start            | spawn 0.1
    up 0.1           | 0.1 idle
    submit a         | 0.1 <- a; a queued
    started a        | a started in 0.1
    result a         | a completed; 0.1 idle; spawn 1.2
    spawn_failed 1.2 | 1.2 gone: not made; spawn 1.3
    spawn_failed 1.3 | 1.3 gone: not made; degraded
    submit b         | 0.1 <- b; b queued
    started b        | b started in 0.1
";

#[test]
fn an_old_worker_goes_on_while_its_replacement_cannot_be_started() {
    check(
        one_job_each(),
        &format!(
            "{REPLACEMENT_WAITS}
        result b         | b completed; 0.1 idle
        pass 60s         | spawn 1.4
        up 1.4           | 1.4 idle; 0.1 draining; 0.1 <- stop; recovered
        exit 0.1         | 0.1 gone: Recycled
        "
        ),
    );
}

/// The slot that is held comes first.
#[test]
fn a_place_that_costs_nothing_is_filled_wherever_it_is() {
    check(
        PoolConfig { idle_timeout: Some(Duration::from_secs(3600)), ..one_job_each() },
        "
        start            | spawn 0.1
        up 0.1           | 0.1 idle
        submit a         | 0.1 <- a; a queued
        started a        | a started in 0.1
        result a         | a completed; 0.1 idle; spawn 1.2
        up 1.2           | 1.2 idle; 0.1 draining; 0.1 <- stop
        exit 0.1         | 0.1 gone: Recycled
        submit b         | 1.2 <- b; b queued
        started b        | b started in 1.2
        result b         | b completed; 1.2 idle; spawn 0.3
        spawn_failed 0.3 | 0.3 gone: not made; spawn 0.4
        spawn_failed 0.4 | 0.4 gone: not made; degraded
        submit c         | 1.2 <- c; c queued
        started c        | c started in 1.2
        submit d         | d queued
        cancel c         | c cancelling; kill 1.2
        exit 1.2         | 1.2 gone: Cancelled; c cancelled; spawn 1.5; recovered
        ",
    );
}

#[test]
fn a_pool_that_drains_starts_a_worker_that_costs_nothing_as_well() {
    check(
        one_job_each(),
        &format!(
            "{REPLACEMENT_WAITS}
        submit c         | c queued
        shutdown 30s     |
        cancel b         | b cancelling; kill 0.1
        exit 0.1         | 0.1 gone: Cancelled; b cancelled; spawn 0.4
        "
        ),
    );
}

/// The replacement may wait for long.
#[test]
fn a_standby_takes_over_from_an_old_worker_whose_replacement_waits_for_its_budget() {
    check(
        PoolConfig { max_start_attempts: 0, standby: 1, ..one_job_each() },
        "
        start            | spawn 0.1; spawn 1.2
        up 0.1           | 0.1 idle
        up 1.2           | 1.2 idle
        submit a         | 0.1 <- a; a queued
        started a        | a started in 0.1
        exit 1.2         | 1.2 gone: on its own; spawn 1.3
        result a         | a completed; 0.1 idle; spawn 2.4
        spawn_failed 2.4 | 2.4 gone: not made; degraded
        up 1.3           | 1.3 idle; 0.1 draining; 0.1 <- stop; recovered
        exit 0.1         | 0.1 gone: Recycled; spawn 0.5
        ",
    );
}
