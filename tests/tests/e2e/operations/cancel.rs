use std::time::Duration;

use ostler::{CancelOutcome, FailureKind, JobError, JobId, JobResult, JobStatus, WorkerConfig};
use ostler_tests::lab::Task;

use crate::support::{Gate, begin, echo, lab, launch, runs, scratch, started, within};

use super::PATIENCE;

#[tokio::test]
async fn cancel_job_is_true_when_the_worker_is_dead_and_the_next_job_runs_in_another() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    let pid = started(&job).await;
    let next = manager.start_job("lab", Task::Pid).await.unwrap();
    assert!(manager.cancel_job(job.id()).await.unwrap());
    assert!(!runs(pid));
    assert_eq!(job.status(), JobStatus::Cancelled);
    assert_eq!(job.output().await, Err(JobError::Cancelled));
    assert_eq!(manager.get_job_result(job.id()), Some(JobResult::Cancelled));
    assert_ne!(next.output().await.unwrap(), pid.to_string());
}

#[tokio::test]
async fn a_pending_job_is_cancelled_without_a_kill() {
    let manager = launch().await;
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&running).await;
    let pending = manager.start_job("lab", echo("")).await.unwrap();
    assert!(manager.cancel_job(pending.id()).await.unwrap());
    assert_eq!(pending.finished().await.started_at, None);
    assert_eq!((running.status(), runs(pid)), (JobStatus::Running, true));
    gate.open();
    assert_eq!(running.output().await.unwrap(), "open");
    assert_eq!(running.finished().await.worker_pid, Some(pid));
}

#[tokio::test]
async fn cancel_job_is_false_for_an_unknown_and_for_an_ended_job() {
    let manager = launch().await;
    let unknown = JobId::from_uuid(uuid::Uuid::now_v7());
    assert!(!manager.cancel_job(unknown).await.unwrap());

    let completed = manager.start_job("lab", echo("done")).await.unwrap();
    completed.output().await.unwrap();
    assert_eq!(completed.cancel().await, Ok(CancelOutcome::AlreadyEnded));
    assert_eq!(completed.output().await.unwrap(), "done");
    let failed = manager.start_job("lab", Task::Panic("ouch".to_owned())).await.unwrap();
    failed.output().await.unwrap_err();
    assert_eq!(failed.cancel().await, Ok(CancelOutcome::AlreadyEnded));
    assert_eq!(failed.status(), JobStatus::Failed);
    let cancelled = manager.start_job("lab", Task::Spin).await.unwrap();
    assert_eq!(cancelled.cancel().await, Ok(CancelOutcome::Cancelled));
    assert_eq!(cancelled.cancel().await, Ok(CancelOutcome::AlreadyCancelled));
    assert!(!manager.cancel_job(cancelled.id()).await.unwrap());
    manager.clear_completed_jobs();
    assert_eq!(cancelled.cancel().await, Ok(CancelOutcome::AlreadyCancelled), "its handle knows it still");
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_outcome() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&job).await;
    let id = job.id();
    let outcomes = tokio::join!(manager.cancel_job(id), job.cancel(), manager.cancel_job(id));
    assert_eq!(outcomes, (Ok(true), Ok(CancelOutcome::Cancelled), Ok(true)));
    assert_eq!(manager.workers()[0].generation.0, 2, "one kill was enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_result_won_cancel_job_is_false_and_everybody_sees_the_result() {
    let manager = launch().await;
    for round in 0..40 {
        let job = manager.start_job("lab", echo("won")).await.unwrap();
        // Some cancels come before the start, some in the middle, some with the result, some after.
        for _ in 0..round * 4 {
            tokio::task::yield_now().await;
        }
        let (cancel, output) = tokio::join!(manager.cancel_job(job.id()), job.output());
        let record = manager.get_job(job.id()).unwrap();
        match cancel.unwrap() {
            true => assert_eq!((record.status, output), (JobStatus::Cancelled, Err(JobError::Cancelled))),
            false => assert_eq!((record.status, output), (JobStatus::Completed, Ok("won".to_owned()))),
        }
    }
}

#[tokio::test]
async fn a_cancel_goes_on_when_nobody_waits_for_it() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    let pid = started(&job).await;
    begin(manager.cancel_job(job.id())).await;
    assert_eq!(job.output().await, Err(JobError::Cancelled));
    assert!(!runs(pid));
}

#[tokio::test]
async fn within_the_grace_a_job_may_tidy_up_and_is_cancelled_then() {
    let config = WorkerConfig { cancel_grace: Duration::from_secs(60), ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let job = manager.start_job("lab", Task::TidyUp).await.unwrap();
    let pid = started(&job).await;
    let cancel = tokio::time::timeout(PATIENCE, job.cancel()).await;
    assert_eq!(cancel, Ok(Ok(CancelOutcome::Cancelled)), "it does not sit the grace out");
    assert_eq!(job.status(), JobStatus::Cancelled);
    assert!(!runs(pid));
}

#[tokio::test]
async fn after_the_grace_a_job_that_does_not_listen_is_killed() {
    let grace = Duration::from_millis(100);
    let manager =
        lab().config(WorkerConfig { cancel_grace: grace, ..WorkerConfig::default() }).launch().await.unwrap();
    let directory = scratch();
    let job = manager.start_job("lab", Task::Hang(directory.path().join("pid"))).await.unwrap();
    let pid = started(&job).await;
    let begun = std::time::Instant::now();
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert!(begun.elapsed() >= grace, "it was not left its grace");
    assert!(!runs(pid));
    // A job that never began has nothing to tidy up, and needs no grace.
    let gate = Gate::new();
    started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    let pending = manager.start_job("lab", echo("")).await.unwrap();
    assert!(pending.cancel().await.unwrap().is_cancelled());
    gate.open();
    assert!(within(PATIENCE, || manager.get_running_jobs().is_empty()).await);
}

#[tokio::test]
async fn a_job_whose_time_is_up_may_tidy_up_and_its_worker_lives_on() {
    let config = WorkerConfig { timeout_grace: PATIENCE, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let job = manager.job("lab", Task::TidyUp).timeout(Duration::from_millis(50)).start().await.unwrap();
    let pid = started(&job).await;
    let Err(JobError::Failed(failure)) = job.output().await else { panic!("it has failed") };
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert!(failure.message.contains("its timeout of 50ms"), "{failure}");
    let next = manager.start_job("lab", Task::Pid).await.unwrap().output().await.unwrap();
    assert_eq!(next, pid.to_string(), "its worker was not killed");
}

#[tokio::test]
async fn a_job_that_does_not_heed_its_timeout_is_killed_after_the_grace() {
    let grace = Duration::from_millis(100);
    let config = WorkerConfig { timeout_grace: grace, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let directory = scratch();
    let task = Task::Hang(directory.path().join("pid"));
    let job = manager.job("lab", task).timeout(Duration::from_millis(50)).start().await.unwrap();
    let begun = std::time::Instant::now();
    let pid = started(&job).await;
    let Err(JobError::Failed(failure)) = job.output().await else { panic!("it has failed") };
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert!(begun.elapsed() >= grace, "it was not left its grace");
    assert!(!runs(pid));
}
