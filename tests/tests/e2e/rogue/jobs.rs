//! Workers that break the protocol while they have a job.

use std::time::Duration;

use ostler::{Category, FailureKind, JobEventKind, JobFailure, JobStatus, WorkerConfig};

use super::{Echo, Once, echo, fails_once, next_job_runs, rogue};
use crate::support::{any, at_once, group, says, started};

async fn breaks_the_protocol(mode: &'static str) -> JobFailure {
    let failure = fails_once(mode).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Protocol, Category::Fatal));
    says(&failure, &["the worker broke the protocol: "]);
    failure
}

#[tokio::test]
async fn half_a_frame_is_a_fault_although_the_worker_exits_with_0() {
    says(breaks_the_protocol("half-frame").await, &["the stream ended within a frame: ", " bytes came"]);
}

#[tokio::test]
async fn a_huge_frame_is_a_fault_as_soon_as_its_length_is_read() {
    let failure = breaks_the_protocol("huge-frame").await;
    says(failure, &["a frame of 2147483648 bytes is over the limit of 134217728"]);
}

#[tokio::test]
async fn an_unknown_tag_is_a_fault() {
    says(breaks_the_protocol("unknown-tag").await, &["4096 is not the tag of a worker-to-host message"]);
}

#[tokio::test]
async fn the_result_of_another_job_is_a_fault() {
    says(breaks_the_protocol("wrong-job").await, &["it sent a result that does not fit its job"]);
}

#[tokio::test]
async fn a_result_without_a_start_is_a_fault_and_the_job_may_have_run() {
    says(breaks_the_protocol("not-started").await, &["it sent a result before the job began"]);
}

#[tokio::test]
async fn a_worker_that_closes_its_socket_and_lives_on_is_killed() {
    let failure = breaks_the_protocol("close-socket").await;
    says(&failure, &["it closed its connection and did not exit"]);
    assert_eq!(failure.forensics.unwrap().signal.as_deref(), Some("SIGKILL"));
}

#[tokio::test]
async fn a_worker_that_dies_before_it_began_costs_the_job_nothing() {
    let once = Once::new("exit-before-started");
    let manager = once.launch().await;
    let first = manager.workers()[0].pid;
    let job = manager.start_job("echo", echo("unblamed")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "unblamed");
    let record = job.finished().await;
    assert_eq!(record.attempt, 1);
    assert_ne!(record.worker_pid, first);
    assert!(once.file().exists(), "the first worker had it");
    next_job_runs(&manager, first).await;
}

#[tokio::test]
async fn a_flood_on_stderr_does_not_keep_the_result_back() {
    // While it writes it does not say whether it lives, and on a busy machine that takes long.
    let config = WorkerConfig { heartbeat_interval: Duration::ZERO, ..at_once() };
    let manager = any::<Echo>(rogue("flood-stderr")).config(config).launch().await.unwrap();
    let job = manager.start_job("echo", echo("dry")).await.unwrap();
    let pid = started(&job).await;
    assert_eq!(job.output().await.unwrap(), "dry");
    manager.shutdown().await.unwrap();
    assert_eq!(group(pid), [0; 0]);
}

#[tokio::test]
async fn a_worker_that_answers_after_it_was_told_to_stop_changes_nothing() {
    let once = Once::new("answer-after-cancel");
    let config = WorkerConfig { cancel_grace: Duration::from_secs(60), ..at_once() };
    let manager = any(once.command()).config(config).launch().await.unwrap();
    let job = manager.start_job("echo", echo("too late")).await.unwrap();
    let pid = started(&job).await;
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert_eq!(group(pid), [0; 0]);
    let record = job.finished().await;
    assert_eq!((record.status, &record.result), (JobStatus::Cancelled, &None));

    let mut events = job.events();
    let mut names = Vec::new();
    while let Some(event) = events.next().await {
        names.push(event.unwrap().kind.name());
    }
    assert_eq!(names, ["queued", "started", "cancelling", "cancelled"]);
    assert!(!job.cancel().await.unwrap().is_cancelled(), "it has ended");
    next_job_runs(&manager, Some(pid)).await;
}

#[tokio::test]
async fn last_words_on_stderr_stand_in_the_failure() {
    let failure = fails_once("stderr-last-words").await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Crashed, Category::Fatal));
    says(&failure, &["was ended by SIGABRT", "while it ran this job"]);
    assert_eq!(
        failure.forensics.unwrap().stderr_tail,
        "rogue: the roof is on fire\nrogue: the horses are out\nrogue: tell my host that I tried"
    );
}

#[tokio::test]
async fn a_log_line_of_a_dying_worker_still_counts() {
    let once = Once::new("fork-and-linger");
    let manager = once.launch().await;
    let job = manager.start_job("echo", echo("")).await.unwrap();
    job.finished().await;
    let child = std::fs::read_to_string(once.file()).unwrap();
    let mut events = job.events();
    let mut logged = Vec::new();
    while let Some(event) = events.next().await {
        if let JobEventKind::Log { message, .. } = event.unwrap().kind {
            logged.push(message);
        }
    }
    assert_eq!(logged, [format!("child {child}")]);
    manager.shutdown().await.unwrap();
}
