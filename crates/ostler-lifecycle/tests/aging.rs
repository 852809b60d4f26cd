//! Low priorities do not starve.

mod common;

use std::time::Duration;

use common::{check, config};
use ostler_lifecycle::PoolConfig;

#[test]
fn a_low_job_is_passed_only_by_those_that_come_soon_enough_after_it() {
    // Ten steps lie between the two.
    let aging = PoolConfig { aging_step: Duration::from_secs(1), ..config() };
    check(
        aging,
        "
        submit a       | a queued; spawn 0.1
        pass 9s        |
        submit b high  | b queued
        pass 2s        |
        submit c high  | c queued
        up 0.1         | 0.1 idle; ask b ?1
        cancel b       | 0.1 idle; b cancelled; ask a ?2
        cancel a       | 0.1 idle; a cancelled; ask c ?3
        ",
    );
}
