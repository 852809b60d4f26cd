//! Seed 003, `BaseJob`.

use ostler::{Category, JobStatus};
use ostler_tests::lab::Task;

use crate::support::{Gate, launch, started};

#[tokio::test]
async fn seed_003_base_job_has_every_field() {
    let manager = launch().await;
    let gate = Gate::new();
    let job = manager.job("lab", gate.task()).metadata("file_name", "talk.mp3").start().await.unwrap();

    let pending = manager.get_job(job.id()).unwrap();
    assert_eq!((pending.id, &pending.plugin_id), (job.id(), job.plugin_id()));
    assert_eq!((pending.status, &pending.spec), (JobStatus::Pending, &gate.task()));
    assert_eq!(pending.metadata.get_str("file_name"), Some("talk.mp3"));
    assert_eq!((pending.started_at, pending.completed_at, pending.worker_pid), (None, None, None));
    assert_eq!((&pending.result, &pending.error), (&None, &None));

    let pid = started(&job).await;
    let running = manager.get_job(job.id()).unwrap();
    assert_eq!((running.status, running.worker_pid), (JobStatus::Running, Some(pid)));
    assert_eq!(running.created_at, pending.created_at);
    assert!(running.started_at.unwrap() >= running.created_at && running.completed_at.is_none());

    gate.open();
    let completed = job.finished().await;
    assert_eq!((completed.status, completed.result.as_deref()), (JobStatus::Completed, Some("open")));
    assert_eq!((completed.started_at, completed.worker_pid), (running.started_at, Some(pid)));
    assert!(completed.completed_at >= completed.started_at);
    assert_eq!((&completed.error, completed.metadata.len()), (&None, 1));
    assert_eq!(pending.status, JobStatus::Pending, "a record is a snapshot");
}

#[tokio::test]
async fn seed_003_base_job_that_failed_has_error_and_no_result() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Fail("no such file".to_owned(), Category::Input)).await.unwrap();
    let failed = job.finished().await;
    assert_eq!((failed.status, &failed.result), (JobStatus::Failed, &None));
    assert_eq!(failed.error.as_ref().unwrap().message, "no such file");
    assert!(failed.completed_at >= failed.started_at && failed.started_at.is_some());
}
