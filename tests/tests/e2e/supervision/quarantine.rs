//! R7, R8: only the job that ran pays, and one that takes every worker along is put aside with the evidence.

use std::time::Duration;

use ostler::{
    BlockReason, CancelRequest, Category, DeathCause, FailureKind, JobHandle, JobManager, JobStatus,
    QuarantineError, RestartPolicy, RetryPolicy, WorkerConfig,
};
use ostler_tests::lab::Task;

use crate::support::{echo, failed, lab, scratch, within};

/// At once, so that no test waits for a delay.
fn retry(max_attempts: u32) -> RetryPolicy {
    RetryPolicy { backoff_base: Duration::ZERO, ..RetryPolicy::attempts(max_attempts) }
}

async fn launch() -> JobManager<Task> {
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 100,
        retry: retry(3),
        ..WorkerConfig::default()
    };
    lab().config(config).launch().await.unwrap()
}

async fn put_aside(manager: &JobManager<Task>, task: Task) -> JobHandle<Task> {
    let job = manager.start_job("lab", task).await.unwrap();
    let aside = || manager.quarantined().iter().any(|aside| aside.id == job.id());
    assert!(within(Duration::from_secs(20), aside).await, "{:?}", manager.get_job(job.id()));
    job
}

#[tokio::test]
async fn r8_a_job_that_always_crashes_is_put_aside_with_the_evidence_and_others_run() {
    let manager = launch().await;
    let job = put_aside(&manager, Task::Segfault).await;
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert_eq!(next.output().await.unwrap(), "next");

    let record = manager.get_job(job.id()).unwrap();
    assert_eq!((record.status, record.attempt), (JobStatus::Pending, 3));
    let Some(BlockReason::Quarantined { crashes: 3, failure }) = &record.block_reason else {
        panic!("{:?}", record.block_reason)
    };
    assert_eq!(failure.kind, FailureKind::Crashed);
    let causes: Vec<_> =
        record.past_failures.iter().map(|failure| &failure.forensics.as_ref().unwrap().cause).collect();
    assert_eq!(causes, [&DeathCause::Fault { signal: "SIGSEGV".to_owned() }; 3]);
    assert!(record.block_reason.as_ref().unwrap().to_string().contains("after 3 crashes"));

    manager.fail_job(job.id()).unwrap();
    assert_eq!(failed(&job).await.kind, FailureKind::Crashed);
    assert_eq!(manager.fail_job(job.id()), Err(QuarantineError::NotQuarantined { job: job.id() }));
    assert!(manager.quarantined().is_empty());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r8_a_job_that_is_released_runs_again_with_a_clean_record() {
    let manager = launch().await;
    let directory = scratch();
    let file = directory.path().join("mended");
    // It dies until the file is there: then the first step of it ends, and so does it.
    let task = Task::Steps(vec![Task::DieUnless(file.clone()), echo("mended")]);
    let job = put_aside(&manager, task).await;
    std::fs::write(&file, "").unwrap();
    manager.release_job(job.id()).unwrap();
    assert_eq!(job.output().await.unwrap(), "mended");
    let record = job.finished().await;
    assert_eq!((record.attempt, record.past_failures.len()), (4, 3));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r8_a_job_in_quarantine_can_be_cancelled_and_does_not_hold_up_a_shutdown() {
    let manager = launch().await;
    let cancelled = put_aside(&manager, Task::Exit(7)).await;
    let left = put_aside(&manager, Task::Abort("bad".to_owned())).await;
    assert!(manager.cancel_job_with(cancelled.id(), CancelRequest::new()).await.unwrap());
    assert_eq!(cancelled.finished().await.status, JobStatus::Cancelled);
    manager.shutdown().await.unwrap();
    let failure = failed(&left).await;
    assert_eq!(failure.kind, FailureKind::Crashed, "it fails as it did, not because of the shutdown");
}

#[tokio::test]
async fn r8_attempts_are_counted_apart_from_crashes_and_the_plugin_says_what_may_go_better() {
    let manager = launch().await;
    let directory = scratch();
    let runs = |name: &str| {
        let text = std::fs::read_to_string(directory.path().join(name)).unwrap_or_default();
        text.lines().count()
    };
    let signed = |name: &str, then: Task| {
        Task::Steps(vec![Task::Sign(directory.path().join(name), "ran".to_owned()), then])
    };
    for (name, category, expected) in [
        ("transient", Category::Transient, 3),
        ("resource", Category::Resource, 3),
        ("input", Category::Input, 1),
        ("fatal", Category::Fatal, 1),
    ] {
        let task = signed(name, Task::Fail("no".to_owned(), category));
        let job = manager.start_job("lab", task).await.unwrap();
        assert_eq!(failed(&job).await.kind, FailureKind::Plugin);
        assert_eq!(runs(name), expected, "{name}");
        assert_eq!(job.finished().await.attempt as usize, expected);
    }
    let never = manager.job("lab", signed("never", Task::Segfault)).retry(RetryPolicy::default());
    let never = never.start().await.unwrap();
    assert_eq!(failed(&never).await.kind, FailureKind::Crashed);
    assert_eq!(runs("never"), 1, "a job may say otherwise than its manager");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r8_a_job_that_timed_out_is_tried_again_and_says_so() {
    let manager = launch().await;
    let directory = scratch();
    let marker = directory.path().join("second");
    let task = Task::Steps(vec![Task::HangOnce(marker), echo("at last")]);
    let job = manager.job("lab", task).timeout(Duration::from_secs(1)).start().await.unwrap();
    assert_eq!(job.output().await.unwrap(), "at last");
    let record = job.finished().await;
    assert_eq!((record.attempt, record.past_failures.len()), (2, 1));
    assert_eq!(record.past_failures[0].kind, FailureKind::TimedOut);
    let mut events = job.events();
    let mut names = Vec::new();
    while let Some(event) = events.next().await {
        names.push(event.unwrap().kind.name());
    }
    assert_eq!(names, ["queued", "started", "retrying", "started", "completed"]);
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r7_a_crash_costs_the_job_that_ran_and_no_other_a_thing() {
    let config = WorkerConfig {
        max_workers: 2,
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 100,
        ..WorkerConfig::default()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let mut waiting = Vec::new();
    let mut crashing = Vec::new();
    for number in 0..10 {
        crashing.push(manager.start_job("lab", Task::Segfault).await.unwrap());
        for _ in 0..5 {
            waiting.push(manager.start_job("lab", echo(&number.to_string())).await.unwrap());
        }
    }
    for job in &waiting {
        let job = job.finished().await;
        assert_eq!((job.status, job.attempt), (JobStatus::Completed, 1), "{job:?}");
    }
    for job in &crashing {
        assert_eq!(failed(job).await.kind, FailureKind::Crashed);
    }
    manager.shutdown().await.unwrap();
}
