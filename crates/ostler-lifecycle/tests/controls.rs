//! Reload, unload and the question for state: every worker does its part when it is idle, by request id.

mod common;

use std::time::Duration;

use common::{check, config, pool};
use ostler_lifecycle::{PoolConfig, Recycling, RestartPolicy};

fn two() -> PoolConfig {
    PoolConfig { max_workers: 2, restart_policy: RestartPolicy::OnCancellation, ..config() }
}

#[test]
fn a_reload_reaches_idle_workers_at_once_and_busy_ones_when_they_are_idle() {
    check(
        two(),
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        reload r     | 1.2 <- reload r #4
        done 1.2     | 1.2 idle
        started a    | a started in 0.1
        result a     | a completed; 0.1 idle; 0.1 <- reload r #5
        submit b     | 1.2 <- b; b queued
        submit c     | c queued
        done 0.1     | r done; 0.1 idle; ask c ?1
        ",
    );
}

#[test]
fn without_a_living_worker_the_answer_is_no() {
    check(config(), "reload r | r not done: no worker is alive");
    check(config(), "unload u | u not done: no worker is alive");
    check(config(), "get_state g | g not done: no worker is alive");
}

#[test]
fn only_the_answer_with_the_right_request_id_counts() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        reload r     | 0.1 <- reload r #2
        state 0.1 #2 |
        done 0.1 #1  | kill 0.1
        done 0.1 #2  |
        exit 0.1     | 0.1 gone: Protocol; r not done: no worker is alive
        ",
    );
}

#[test]
fn a_plugins_no_is_passed_on_and_who_had_said_yes_starts_over() {
    check(
        two(),
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        reload r     | 0.1 <- reload r #3; 1.2 <- reload r #4
        done 0.1     | 0.1 idle
        not_done 1.2 | r not done: no such file; 1.2 idle; kill 0.1
        exit 0.1     | 0.1 gone: Retired; spawn 0.3
        ",
    );
}

#[test]
fn who_took_a_configuration_that_failed_elsewhere_takes_no_job_with_it() {
    check(
        two(),
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        submit b     | 1.2 <- b; b queued
        started a    | a started in 0.1
        started b    | b started in 1.2
        submit c     | c queued
        reload r     |
        result a     | a completed; 0.1 idle; 0.1 <- reload r #5
        done 0.1     | 0.1 idle; ask c ?1
        result b     | b completed; 1.2 idle; 1.2 <- reload r #6
        not_done 1.2 | r not done: no such file; 1.2 idle; kill 0.1; ask c ?2
        proceed c ?1 |
        proceed c ?2 | 1.2 <- c
        ",
    );
}

#[test]
fn a_worker_that_takes_too_long_is_killed_and_the_answer_is_no() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        unload u     | 0.1 <- unload u #2
        pass 10s     | kill 0.1; u not done: a worker did not answer in time
        done 0.1     |
        exit 0.1     | 0.1 gone: ControlTimedOut
        ",
    );
}

#[test]
fn a_worker_that_is_busy_for_too_long_lives_on() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        reload r     |
        pass 10s     | r not done: a worker did not answer in time
        result a     | a completed; 0.1 idle
        ",
    );
}

#[test]
fn a_worker_that_is_loading_does_its_part_afterwards() {
    check(
        config(),
        "
        start        | spawn 0.1
        spawned 0.1  |
        hello 0.1    | 0.1 loading; 0.1 <- init
        reload r     |
        ready 0.1    | 0.1 idle; 0.1 <- reload r #2
        done 0.1     | r done; 0.1 idle
        ",
    );
}

#[test]
fn operations_are_done_in_their_order() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        reload r     | 0.1 <- reload r #2
        unload u     |
        done 0.1     | r done; 0.1 idle; 0.1 <- unload u #3
        done 0.1     | u done; 0.1 idle
        ",
    );
}

#[test]
fn the_question_for_state_is_answered_by_busy_workers_too() {
    check(
        two(),
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        get_state g  | 0.1 <- get_state #4; 1.2 <- get_state #5
        state 1.2    | report g
        state 1.2    |
        state 0.1 #4 | report g; g done
        ",
    );
}

#[test]
fn a_worker_that_does_not_tell_its_state_is_left_alone() {
    check(
        config(),
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        get_state g  | 0.1 <- get_state #2
        pass 10s     | g not done: a worker did not answer in time
        state 0.1    |
        submit a     | 0.1 <- a; a queued
        ",
    );
}

#[test]
fn who_dies_need_not_answer() {
    check(
        two(),
        "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        reload r     | 0.1 <- reload r #3; 1.2 <- reload r #4
        done 0.1     | 0.1 idle
        exit 1.2     | r done; 1.2 gone: on its own
        ",
    );
}

#[test]
fn a_worker_that_was_told_late_is_not_to_blame_for_the_time_that_others_took() {
    check(
        PoolConfig { restart_policy: RestartPolicy::Always, max_restart_attempts: 0, ..config() },
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        reload r     |
        pass 9s      |
        result a     | a completed; 0.1 idle; 0.1 <- reload r #3
        pass 1s      | kill 0.1; r not done: a worker did not answer in time
        exit 0.1     | 0.1 gone: Retired; spawn 0.2
        ",
    );
}

#[test]
fn who_takes_the_place_of_the_only_worker_does_its_part() {
    let again = PoolConfig { restart_policy: RestartPolicy::Always, ..config() };
    let fresh = Recycling { fresh_process: true, ..Recycling::default() };
    for (config, ends, comes, request) in [
        (again, "exit 0.1 | 0.1 gone: on its own; spawn 0.2; a failed: Crashed SIGSEGV", "", 4),
        (
            PoolConfig { recycling: fresh, ..config() },
            "result a | a completed; 0.1 draining; 0.1 <- stop",
            "exit 0.1 code 0 | 0.1 gone: Recycled; spawn 0.2",
            5,
        ),
    ] {
        let script = format!(
            "
            start        | spawn 0.1
            up 0.1       | 0.1 idle
            submit a     | 0.1 <- a; a queued
            started a    | a started in 0.1
            reload r     |
            {ends}
            {comes}
            up 0.2       | 0.2 idle; 0.2 <- reload r #{request}
            done 0.2     | r done; 0.2 idle
            "
        );
        check(config, &script);
    }
}

#[test]
fn a_worker_that_does_not_come_is_not_waited_for_for_ever() {
    check(
        PoolConfig { restart_policy: RestartPolicy::Always, max_start_attempts: 0, ..config() },
        "
        start            | spawn 0.1
        up 0.1           | 0.1 idle
        submit a         | 0.1 <- a; a queued
        started a        | a started in 0.1
        reload r         |
        exit 0.1         | 0.1 gone: on its own; spawn 0.2; a failed: Crashed SIGSEGV
        unload u         |
        get_state g      | g not done: no worker is alive
        pass 9s          |
        pass 1s          | r not done: a worker did not answer in time; u not done: a worker did not answer in time
        spawn_failed 0.2 | 0.2 gone: not made; down
        ",
    );
}

#[test]
fn who_dies_of_an_operation_is_followed_by_nobody() {
    let again = PoolConfig { restart_policy: RestartPolicy::Always, ..config() };
    check(
        again,
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        reload r     | 0.1 <- reload r #2
        exit 0.1     | 0.1 gone: on its own; spawn 0.2; r not done: no worker is alive
        up 0.2       | 0.2 idle
        ",
    );
}

/// Who comes in the place of one that is being killed, and whether anybody does, is decided when that one is dead.
#[test]
fn what_is_asked_while_the_only_worker_is_being_killed_is_done_by_the_next_one_if_one_comes() {
    let begun = "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        submit a     | 0.1 <- a; a queued
        started a    | a started in 0.1
        cancel a     | a cancelling; kill 0.1
        reload r     |";
    let always = PoolConfig { restart_policy: RestartPolicy::Always, ..config() };
    check(
        always,
        &format!(
            "{begun}
        exit 0.1     | 0.1 gone: Cancelled; spawn 0.2; a cancelled
        up 0.2       | 0.2 idle; 0.2 <- reload r #4
        done 0.2     | r done; 0.2 idle
        "
        ),
    );
    let never = PoolConfig { restart_policy: RestartPolicy::Never, ..config() };
    check(
        never,
        &format!(
            "{begun}
        exit 0.1     | 0.1 gone: Cancelled; a cancelled; r not done: no worker is alive
        "
        ),
    );
}

/// It would take the operation along.
#[test]
fn who_has_hung_up_is_not_told() {
    let always = PoolConfig { restart_policy: RestartPolicy::Always, ..config() };
    check(
        always,
        "
        start        | spawn 0.1
        up 0.1       | 0.1 idle
        hung_up 0.1  |
        reload r     |
        exit 0.1     | 0.1 gone: on its own; spawn 0.2
        up 0.2       | 0.2 idle; 0.2 <- reload r #3
        done 0.2     | r done; 0.2 idle
        ",
    );
}

/// Of three two are too many. One of those ends the reload by going, for which the one that took it has to go as well.
#[test]
fn a_pool_that_is_made_smaller_keeps_who_took_no_configuration_that_failed() {
    check(
        PoolConfig { max_workers: 3, restart_policy: RestartPolicy::Never, ..config() },
        "
        start        | spawn 0.1; spawn 1.2; spawn 2.3
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
        up 2.3       | 2.3 idle
        hung_up 2.3  |
        reload r     | 0.1 <- reload r #4; 1.2 <- reload r #5
        done 0.1     | 0.1 idle
        not_done 1.2 | 1.2 idle
        resize 1 0   | 2.3 draining; 2.3 <- stop; r not done: no such file; kill 0.1
        ",
    );
}

/// It would keep a job from its place until the end of the shutdown.
#[test]
fn a_worker_that_hangs_in_a_reload_which_a_shutdown_has_refused_is_killed_when_its_time_is_up() {
    check(
        PoolConfig { reload_timeout: Duration::from_secs(30), ..pool(1, 0) },
        "
        start          | spawn 0.1
        up 0.1         | 0.1 idle
        reload r       | 0.1 <- reload r #2
        submit a       | a queued
        shutdown 3600s | r not done: the manager is shut down
        pass 30s       | kill 0.1
        exit 0.1       | 0.1 gone: ControlTimedOut; spawn 0.2
        up 0.2         | 0.2 idle; ask a ?1
        ",
    );
}
