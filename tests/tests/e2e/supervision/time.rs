//! R10: deadlines belong to the host's clock.

use std::time::{Duration, Instant};

use ostler::{DeathCause, EndReason, FailureKind, JobStatus, WorkerConfig};
use ostler_tests::lab::Task;

use crate::support::{Gate, at_once, echo, failed, is_stopped, lab, scratch, started, within};

#[tokio::test]
async fn r10_a_job_that_no_worker_begins_in_time_fails_and_costs_nobody_a_worker() {
    let manager = lab().launch().await.unwrap();
    let gate = Gate::new();
    let first = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&first).await;
    let waits =
        manager.job("lab", echo("never")).queue_timeout(Duration::from_millis(100)).start().await.unwrap();
    let failure = failed(&waits).await;
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert!(failure.message.contains("queue_timeout"), "{failure}");
    assert_eq!(waits.finished().await.started_at, None);
    gate.open();
    assert_eq!(first.output().await.unwrap(), "open");
    let in_time = manager.job("lab", Task::Pid).queue_timeout(Duration::from_secs(60)).start().await.unwrap();
    assert_eq!(in_time.output().await.unwrap(), pid.to_string());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r10_a_job_that_reports_nothing_is_killed_and_one_that_reports_is_not() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let silent =
        manager.job("lab", Task::Spin).stall_timeout(Duration::from_millis(300)).start().await.unwrap();
    let failure = failed(&silent).await;
    assert_eq!(failure.kind, FailureKind::Stalled);
    assert_eq!(failure.forensics.unwrap().cause, DeathCause::Ended { reason: EndReason::Silent });
    // It runs for longer than it may be silent.
    let step = || [Task::Linger(Duration::from_millis(400)), Task::Progress(1)];
    let steps = Task::Steps((0..4).flat_map(|_| step()).collect());
    let talks = manager.job("lab", steps).stall_timeout(Duration::from_secs(1)).start().await.unwrap();
    assert_eq!(talks.finished().await.status, JobStatus::Completed);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r10_a_worker_that_is_stopped_under_its_job_is_found_and_replaced() {
    let config = WorkerConfig {
        heartbeat_interval: Duration::from_millis(200),
        heartbeat_timeout: Duration::from_millis(500),
        ..at_once()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let begun = Instant::now();
    let job = manager.start_job("lab", Task::Stop).await.unwrap();
    let pid = started(&job).await;
    assert!(within(Duration::from_secs(5), || is_stopped(pid)).await);
    let failure = failed(&job).await;
    println!("found after {:?}", begun.elapsed());
    assert_eq!(failure.kind, FailureKind::Stalled);
    assert_eq!(failure.forensics.unwrap().cause, DeathCause::Ended { reason: EndReason::Unresponsive });
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert_eq!(next.output().await.unwrap(), "next");
    manager.shutdown().await.unwrap();
}

/// A busy plugin holds its own thread, never the one that answers.
#[tokio::test]
async fn r10_a_worker_that_computes_without_a_word_is_alive() {
    let config = WorkerConfig {
        heartbeat_interval: Duration::from_millis(50),
        heartbeat_timeout: Duration::from_secs(10),
        ..at_once()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let directory = scratch();
    let file = directory.path().join("done");
    let job = manager.start_job("lab", Task::Linger(Duration::from_secs(1))).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "done");
    let job = manager.start_job("lab", Task::Sign(file, "here".to_owned())).await.unwrap();
    assert_eq!(job.finished().await.attempt, 1);
    manager.shutdown().await.unwrap();
}

/// Its worker is held up for a second, for a reader that may still read, and its answers lie unread meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn r10_a_worker_is_not_called_frozen_because_a_reader_does_not_read() {
    let config = WorkerConfig {
        heartbeat_interval: Duration::from_millis(100),
        heartbeat_timeout: Duration::from_millis(800),
        ..at_once()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let emit = manager.job("lab", Task::Emit(5_000, 100)).stall_timeout(Duration::from_millis(500));
    let job = emit.start().await.unwrap();
    let unread = job.events();
    let record = job.finished().await;
    assert_eq!(record.status, JobStatus::Completed, "{:?}", record.error);
    drop(unread);
    manager.shutdown().await.unwrap();
}
