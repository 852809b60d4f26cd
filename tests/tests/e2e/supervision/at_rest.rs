//! Whatever went wrong: when it is over, the idle host is what it was before. It has the same threads and the same
//! descriptors, and sleeps. So do its workers.
//!
//! The host is a process of its own, see `idle-host`, as tests share theirs.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

/// What measuring itself takes, and more than that.
const NEARLY_NOTHING: Duration = Duration::from_millis(30);

#[derive(PartialEq, Debug, Deserialize)]
struct Figures {
    threads: Vec<String>,
    descriptors: Vec<String>,
    wakes: u64,
    worker_wakes: u64,
    busy_us: u64,
}

impl Figures {
    #[track_caller]
    fn is_idle(&self) {
        let woke = (self.wakes, self.worker_wakes);
        assert_eq!(woke, (0, 0), "it wakes up though there is nothing to do: {self:?}");
        assert!(Duration::from_micros(self.busy_us) < NEARLY_NOTHING, "it burns: {self:?}");
    }
}

/// What the host says of itself, before and after, and for some scenarios in between.
#[track_caller]
fn figures(scenario: &str) -> Vec<Figures> {
    let host = Command::new(env!("CARGO_BIN_EXE_idle-host"))
        .arg(scenario)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let text = String::from_utf8(host.stdout).unwrap();
    assert!(host.status.success(), "{}: {text}\n{}", host.status, String::from_utf8_lossy(&host.stderr));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn leaves_its_host_as_it_was(scenario: &str) -> Vec<Figures> {
    let figures = figures(scenario);
    println!("{figures:#?}");
    figures.iter().for_each(Figures::is_idle);
    let (before, after) = (&figures[0], figures.last().unwrap());
    assert!(figures.len() >= 2 && before.threads.len() > 2 && before.descriptors.len() > 2);
    assert_eq!(before.threads, after.threads);
    assert_eq!(before.descriptors, after.descriptors);
    figures
}

#[test]
fn a_host_with_nothing_to_do_sleeps() {
    leaves_its_host_as_it_was("nothing");
}

#[test]
fn workers_that_are_killed_leave_nothing_in_their_host() {
    leaves_its_host_as_it_was("killed");
}

/// One thread for each, in a job system that is known.
#[test]
fn cancels_leave_nothing_in_their_host() {
    leaves_its_host_as_it_was("cancelled");
}

#[test]
fn a_program_that_cannot_be_executed_for_a_while_leaves_nothing_in_the_host() {
    leaves_its_host_as_it_was("blocked");
}

#[test]
fn lines_without_an_end_keep_no_host_awake() {
    leaves_its_host_as_it_was("half-lines");
}

#[test]
fn jobs_that_stall_or_time_out_leave_nothing_in_their_host() {
    leaves_its_host_as_it_was("stalled");
}

#[test]
fn workers_that_freeze_leave_nothing_in_their_host() {
    leaves_its_host_as_it_was("frozen");
}

#[test]
fn a_host_that_could_open_no_file_for_a_while_is_as_before() {
    leaves_its_host_as_it_was("few-files");
}

#[test]
fn managers_that_come_and_go_leave_nothing() {
    leaves_its_host_as_it_was("managers");
}

#[test]
fn a_host_that_was_stopped_for_a_while_is_as_before() {
    leaves_its_host_as_it_was("paused");
}

#[test]
fn large_payloads_leave_nothing_that_was_not_there_before() {
    leaves_its_host_as_it_was("large");
}

#[test]
fn events_that_nobody_read_leave_nothing() {
    leaves_its_host_as_it_was("unread");
}

/// It waits for room in its budget of restarts, and does not look again and again whether there is any.
#[test]
fn a_degraded_pool_sleeps_and_its_host_is_as_before_when_it_has_recovered() {
    let figures = leaves_its_host_as_it_was("degraded");
    assert!(figures[1].descriptors.len() < figures[0].descriptors.len(), "a worker is missing");
}

/// The host sees an end of these pipes, and must not look for more there.
#[test]
fn workers_that_close_their_output_keep_no_host_awake() {
    assert_eq!(leaves_its_host_as_it_was("closed-output").len(), 3);
}

/// Those left in the group hold the worker's pipes, and those outside may live as long as their worker does.
#[test]
fn what_jobs_leave_behind_keeps_no_host_awake() {
    let figures = leaves_its_host_as_it_was("forks");
    assert_eq!(figures[1].descriptors, figures[0].descriptors);
}

#[test]
fn a_pool_that_was_down_is_as_before_when_it_is_brought_back() {
    leaves_its_host_as_it_was("down");
}

#[test]
fn a_pool_that_was_larger_for_a_while_leaves_nothing() {
    leaves_its_host_as_it_was("resized");
}

#[test]
fn workers_that_are_recycled_leave_nothing_in_their_host() {
    leaves_its_host_as_it_was("recycled");
}

#[test]
fn a_host_that_could_write_no_file_for_a_while_is_as_before() {
    leaves_its_host_as_it_was("file-size");
}

#[test]
fn jobs_that_wait_for_the_end_of_a_pause_keep_no_host_awake() {
    assert_eq!(leaves_its_host_as_it_was("waiting").len(), 3);
}

#[test]
fn a_job_that_says_nothing_keeps_no_host_awake() {
    assert_eq!(leaves_its_host_as_it_was("hanging").len(), 3);
}

#[test]
fn a_job_in_quarantine_keeps_no_host_awake() {
    assert_eq!(leaves_its_host_as_it_was("quarantined").len(), 3);
}

#[test]
fn workers_that_can_open_no_file_keep_no_host_awake() {
    assert_eq!(leaves_its_host_as_it_was("hoarded").len(), 3);
}

/// Time that the host loses does not count, so it looks at the clock four times a second while there is a deadline, and
/// no more often than that. Nobody wakes a worker for it.
#[test]
fn deadlines_that_are_far_away_cost_their_host_a_look_at_the_clock_now_and_then() {
    let figures = figures("deadlines");
    println!("{figures:#?}");
    assert_eq!(figures.len(), 3);
    let (before, during, after) = (&figures[0], &figures[1], &figures[2]);
    // A look wakes the thread that drives the clock, and at times another one which takes the task.
    assert!((1..=2 * 4 * 2 * 2).contains(&during.wakes), "{during:?}");
    assert_eq!(during.worker_wakes, 0);
    assert!(Duration::from_micros(during.busy_us) < NEARLY_NOTHING, "{during:?}");
    before.is_idle();
    after.is_idle();
    assert_eq!((&before.threads, &before.descriptors), (&after.threads, &after.descriptors));
}

#[test]
fn launches_that_fail_or_are_given_up_leave_nothing() {
    leaves_its_host_as_it_was("failed-launches");
}

#[test]
fn managers_whose_runtime_is_dropped_leave_nothing() {
    leaves_its_host_as_it_was("runtimes");
}
