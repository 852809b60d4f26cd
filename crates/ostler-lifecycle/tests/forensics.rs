//! What stands on a job's record of the end of its worker.

mod common;

use std::time::Duration;

use common::{check, config, running};
use ostler_lifecycle::{MemoryRules, PoolConfig};

#[test]
fn a_worker_that_ended_by_itself_is_described_as_the_kernel_does() {
    for (exit, ended, cause) in [
        ("exit 0.1", "Crashed SIGSEGV", "was ended by SIGSEGV"),
        ("exit 0.1 signal 9", "Crashed SIGKILL", "was ended by SIGKILL from outside"),
        ("exit 0.1 code 3", "Crashed", "exited with code 3"),
        (
            "exit 0.1 oom",
            "Crashed SIGKILL",
            "was killed by the kernel for lack of memory (the kernel said so)",
        ),
        ("exit 0.1 limit 24", "Crashed SIGXCPU", "ran into its limit of processor time"),
    ] {
        running(
            config(),
            "",
            &format!(
                "
                {exit}   | 0.1 gone: on its own; a failed: {ended}
                evidence | 101, while it ran a job, 0 jobs done: {cause}
                "
            ),
        );
    }
}

#[test]
fn a_worker_that_we_ended_is_not_described_by_its_signal() {
    running(
        config(),
        "timeout=1s",
        "
        pass 1s           | kill 0.1
        exit 0.1 signal 9 | 0.1 gone: TimedOut; a failed: TimedOut SIGKILL
        evidence          | 101, while it ran a job, 0 jobs done: was killed because its job ran too long
        ",
    );
    running(
        config(),
        "stall_timeout=1s",
        "
        pass 1s           | kill 0.1
        exit 0.1 signal 9 | 0.1 gone: Silent; a failed: Stalled SIGKILL
        evidence          | 101, while it ran a job, 0 jobs done: was killed because its job reported nothing for too long
        ",
    );
    running(
        PoolConfig { memory: MemoryRules { max_resident: Some(1 << 20), min_available: None }, ..config() },
        "",
        "
        holds 0.1 2000000 | kill 0.1
        exit 0.1 signal 9 | 0.1 gone: MemoryLimit; a failed: Crashed SIGKILL
        evidence          | 101, while it ran a job, 0 jobs done: ran into its limit of resident memory
        ",
    );
    running(
        config(),
        "",
        "
        shutdown 0s       | kill 0.1
        exit 0.1 signal 9 | 0.1 gone: Shutdown; a failed: Interrupted SIGKILL; closed
        evidence          | 101, while it ran a job, 0 jobs done: was ended by the shutdown
        ",
    );
}

#[test]
fn a_cancelled_job_says_how_its_worker_ended() {
    running(
        config(),
        "",
        "
        cancel a          | a cancelling; kill 0.1
        exit 0.1 signal 9 | 0.1 gone: Cancelled; a cancelled
        evidence          | 101, while it ran a job, 0 jobs done: was killed to cancel its job
        ",
    );
    running(
        PoolConfig { cancel_grace: Duration::from_secs(5), ..config() },
        "",
        "
        cancel a          | a cancelling; 0.1 <- cancel a
        exit 0.1 code 0   | 0.1 gone: on its own; a cancelled
        evidence          | 101, while it ran a job, 0 jobs done: exited with code 0
        ",
    );
}

#[test]
fn a_job_that_was_in_no_worker_says_nothing_of_one() {
    check(
        config(),
        "
        submit a          | a queued; spawn 0.1
        submit b          | b queued
        cancel b          | b cancelled
        evidence          | none
        up 0.1            | 0.1 idle; ask a ?1
        refuse a          | 0.1 idle; a failed: Refused
        evidence          | none
        ",
    );
    running(
        config(),
        "",
        "
        error a           | a failed: Plugin; 0.1 idle
        evidence          | none
        ",
    );
}

#[test]
fn the_jobs_before_it_are_counted_in_each_worker() {
    running(
        config(),
        "",
        "
        result a          | a completed; 0.1 idle
        submit b          | 0.1 <- b; b queued
        started b         | b started in 0.1
        error b           | b failed: Plugin; 0.1 idle
        submit c          | 0.1 <- c; c queued
        started c         | c started in 0.1
        exit 0.1          | 0.1 gone: on its own; c failed: Crashed SIGSEGV
        evidence          | 101, while it ran a job, 2 jobs done: was ended by SIGSEGV
        submit d          | d queued; spawn 0.2
        up 0.2            | 0.2 idle; ask d ?1
        proceed d         | 0.2 <- d
        started d         | d started in 0.2
        exit 0.2          | 0.2 gone: on its own; d failed: Crashed SIGSEGV
        evidence          | 102, while it ran a job, 0 jobs done: was ended by SIGSEGV
        ",
    );
}

#[test]
fn a_process_that_dies_late_is_described_all_the_same() {
    running(
        config(),
        "",
        "
        result a          | a completed; 0.1 idle
        submit b          | 0.1 <- b; b queued
        started b         | b started in 0.1
        cancel b          | b cancelling; kill 0.1
        pass 10s          | b still dying in 101; 0.1 given up
        submit c          | c queued; spawn 0.2
        exit 0.1 signal 9 | 0.1 gone: Cancelled; b cancelled
        evidence          | 101, while it ran a job, 1 jobs done: was killed to cancel its job
        ",
    );
}

#[test]
fn a_job_that_is_given_up_in_quarantine_has_the_evidence_of_its_last_crash() {
    running(
        config(),
        "attempts=1",
        "
        exit 0.1          | 0.1 gone: on its own; a quarantined after 1 crashes
        give_up a         | a failed: Crashed SIGSEGV
        evidence          | 101, while it ran a job, 0 jobs done: was ended by SIGSEGV
        ",
    );
}

#[test]
fn who_exits_in_the_middle_of_a_frame_breaks_the_protocol() {
    running(
        config(),
        "",
        "
        exit 0.1 torn     | 0.1 gone: on its own; a failed: Protocol
        evidence          | 101, while it ran a job, 0 jobs done: exited with code 1
        ",
    );
}

#[test]
fn who_is_killed_in_the_middle_of_a_frame_could_not_help_it() {
    running(
        config(),
        "",
        "
        killed 0.1 torn   | 0.1 gone: on its own; a failed: Crashed SIGKILL
        evidence          | 101, while it ran a job, 0 jobs done: was ended by SIGKILL from outside
        ",
    );
}

/// A worker that was sent a job and has not said that it began, then what happens.
fn sent(config: PoolConfig, what: &str) {
    let script = "
        start             | spawn 0.1
        up 0.1            | 0.1 idle
        submit a          | 0.1 <- a; a queued
    ";
    check(config, &format!("{script}\n{what}"));
}

#[test]
fn half_a_frame_may_hide_that_the_job_began_so_it_does_not_run_again() {
    sent(config(), "exit 0.1 torn   | 0.1 gone: on its own; a failed: Protocol");
    sent(config(), "killed 0.1 torn | 0.1 gone: on its own; a failed: Crashed SIGKILL");
    sent(
        config(),
        "
        hello 0.1         | kill 0.1
        killed 0.1 torn   | 0.1 gone: Protocol; a failed: Stalled SIGKILL
        ",
    );
    sent(config(), "exit 0.1 signal 9 | 0.1 gone: on its own; spawn 0.2");
}

#[test]
fn half_a_frame_does_not_change_why_a_worker_was_ended() {
    running(
        PoolConfig { cancel_grace: Duration::from_secs(5), ..config() },
        "",
        "
        cancel a          | a cancelling; 0.1 <- cancel a
        exit 0.1 torn     | 0.1 gone: on its own; a cancelled
        ",
    );
    check(
        config(),
        "
        start             | spawn 0.1
        up 0.1            | 0.1 idle
        shutdown 5s       | 0.1 draining; 0.1 <- stop
        exit 0.1 torn     | 0.1 gone: Shutdown; closed
        ",
    );
}
