//! R23: a deploy lets jobs finish, within one grace time, and a second signal shortens it.

use std::time::{Duration, Instant};

use ostler::{BlockReason, FailureKind, JobStatus, RetryPolicy, StartError, WorkerConfig};
use ostler_tests::lab::Task;

use crate::support::{Gate, at_once, begin, echo, failed, lab, runs, scratch, started, within};

#[tokio::test(flavor = "multi_thread")]
async fn r23_what_runs_and_what_waits_finishes_and_nothing_new_comes() {
    let config = WorkerConfig { shutdown_timeout: Duration::from_secs(60), ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    let waiting = manager.start_job("lab", echo("waited")).await.unwrap();
    started(&running).await;
    begin(manager.shutdown()).await;
    assert!(matches!(manager.start_job("lab", echo("late")).await, Err(StartError::ShutDown)));
    gate.open();
    manager.shutdown().await.unwrap();
    assert_eq!(running.output().await.unwrap(), "open");
    assert_eq!(waiting.output().await.unwrap(), "waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn r23_a_second_and_shorter_deadline_wins_and_the_rest_is_interrupted() {
    let config = WorkerConfig { shutdown_timeout: Duration::from_secs(3600), ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let directory = scratch();
    let running = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let waiting = manager.start_job("lab", echo("never")).await.unwrap();
    let pid = started(&running).await;
    begin(manager.shutdown()).await;
    let asked = Instant::now();
    manager.shutdown_within(Duration::ZERO).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(30));
    assert!(!runs(pid));
    for job in [&running, &waiting] {
        assert_eq!(failed(job).await.kind, FailureKind::Interrupted);
    }
}

/// A job whose next attempt lies behind the deadline is told by its own failure, not by the shutdown.
#[tokio::test(flavor = "multi_thread")]
async fn r23_a_job_that_waits_for_its_next_attempt_fails_as_it_did() {
    let config = WorkerConfig { shutdown_timeout: Duration::ZERO, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let day = Duration::from_secs(24 * 3600);
    let policy = RetryPolicy { backoff_base: day, backoff_max: day, ..RetryPolicy::attempts(2) };
    let job = manager.job("lab", Task::Segfault).retry(policy).start().await.unwrap();
    let waits = || {
        let job = manager.get_job(job.id()).unwrap();
        job.status == JobStatus::Pending && matches!(job.block_reason, Some(BlockReason::Retry { .. }))
    };
    assert!(within(Duration::from_secs(20), waits).await);
    manager.shutdown().await.unwrap();
    assert_eq!(failed(&job).await.kind, FailureKind::Crashed);
}
