//! `get_job_result`, `get_running_jobs`, `clear_completed_jobs`, and how long the ended are kept.

use std::time::Duration;

use ostler::{Category, JobStatus, WorkerConfig};
use ostler_tests::lab::Task;
use serde_json::{Value, json};

use super::PATIENCE;
use crate::support::{Gate, echo, lab, launch, scratch, started, within};

#[tokio::test]
async fn get_job_result_is_none_until_the_job_has_ended_and_success_then() {
    let manager = launch().await;
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    assert!(manager.get_job_result(job.id()).is_none());
    started(&job).await;
    assert!(manager.get_job_result(job.id()).is_none());
    gate.open();
    job.output().await.unwrap();
    let result = serde_json::to_value(manager.get_job_result(job.id()).unwrap()).unwrap();
    assert_eq!(result, json!({ "status": "success", "data": "open" }));
}

#[tokio::test]
async fn get_job_result_of_a_failed_job_is_error_with_its_structure() {
    let manager = launch().await;
    let task = Task::Fail("no such file".to_owned(), Category::Input);
    let job = manager.start_job("lab", task).await.unwrap();
    job.output().await.unwrap_err();
    let result = serde_json::to_value(manager.get_job_result(job.id()).unwrap()).unwrap();
    let expected =
        json!({ "status": "error", "error": "no such file", "kind": "plugin", "category": "input" });
    assert_eq!(result, expected);

    let crashed = manager.start_job("lab", Task::Exit(7)).await.unwrap();
    let pid = started(&crashed).await;
    crashed.output().await.unwrap_err();
    let result = serde_json::to_value(manager.get_job_result(crashed.id()).unwrap()).unwrap();
    assert_eq!((&result["status"], &result["kind"]), (&json!("error"), &json!("crashed")));
    assert_eq!(result["forensics"]["pid"], json!(pid), "{result}");
}

#[tokio::test]
async fn get_job_result_of_a_cancelled_job_is_cancelled() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    assert!(job.cancel().await.unwrap().is_cancelled());
    let result = serde_json::to_value(manager.get_job_result(job.id()).unwrap()).unwrap();
    assert_eq!(result, json!({ "status": "cancelled" }));
}

#[tokio::test]
async fn statuses_are_lower_case_and_cancelling_counts_as_running() {
    let hour = Duration::from_secs(3600);
    let config =
        WorkerConfig { cancel_grace: hour, shutdown_timeout: Duration::ZERO, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let directory = scratch();
    let job = manager.start_job("lab", Task::Hang(directory.path().join("pid"))).await.unwrap();
    let status = || serde_json::to_value(&*manager.get_job(job.id()).unwrap()).unwrap()["status"].clone();
    assert_eq!((status(), manager.get_running_jobs().len()), (json!("pending"), 0));
    started(&job).await;
    assert_eq!((status(), manager.get_running_jobs().len()), (json!("running"), 1));

    let (canceller, id) = (manager.clone(), job.id());
    let cancel = tokio::spawn(async move { canceller.cancel_job(id).await });
    assert!(within(PATIENCE, || job.status() == JobStatus::Cancelling).await);
    assert_eq!((status(), manager.get_running_jobs().len()), (json!("cancelling"), 1));
    assert!(manager.get_job_result(id).is_none() && !cancel.is_finished());

    // The shutdown has no patience; the cancel was first all the same.
    manager.shutdown().await.unwrap();
    assert_eq!(cancel.await.unwrap(), Ok(true));
    assert_eq!((status(), manager.get_running_jobs().len()), (json!("cancelled"), 0));
}

#[tokio::test]
async fn clear_completed_jobs_says_how_many_and_leaves_pending_and_running() {
    let manager = launch().await;
    assert_eq!(manager.clear_completed_jobs(), 0);
    let completed = manager.start_job("lab", echo("")).await.unwrap();
    completed.output().await.unwrap();
    let failed = manager.start_job("lab", Task::Panic("no".to_owned())).await.unwrap();
    failed.output().await.unwrap_err();
    let cancelled = manager.start_job("lab", Task::Spin).await.unwrap();
    assert!(cancelled.cancel().await.unwrap().is_cancelled());
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    started(&running).await;
    let pending = manager.start_job("lab", echo("later")).await.unwrap();

    assert_eq!(manager.clear_completed_jobs(), 3);
    let left: Vec<_> = manager.get_all_jobs().iter().map(|job| job.id).collect();
    assert_eq!(left, [running.id(), pending.id()]);
    assert!(manager.get_job_result(completed.id()).is_none());
    gate.open();
    assert_eq!(pending.output().await.unwrap(), "later");
    assert_eq!(manager.clear_completed_jobs(), 2);
    assert!(manager.get_all_jobs().is_empty());
}

#[tokio::test]
async fn finished_jobs_are_kept_up_to_the_configured_count() {
    let config = WorkerConfig { finished_jobs_kept: 2, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let mut jobs = Vec::new();
    for number in 0..4 {
        let job = manager.start_job("lab", echo(&number.to_string())).await.unwrap();
        job.output().await.unwrap();
        jobs.push(job);
    }
    let left: Vec<_> = manager.get_all_jobs().iter().map(|job| job.id).collect();
    assert_eq!(left, [jobs[2].id(), jobs[3].id()]);
    assert!(manager.get_job(jobs[0].id()).is_none() && manager.get_job_result(jobs[0].id()).is_none());
    assert_eq!((jobs[0].status(), jobs[0].output().await.unwrap().as_str()), (JobStatus::Completed, "0"));
}

#[tokio::test]
async fn a_record_in_json_can_be_read_back() {
    let manager = launch().await;
    let job = manager.job("lab", echo("text")).metadata("page", 1).start().await.unwrap();
    let record = job.finished().await;
    let value: Value = serde_json::to_value(&*record).unwrap();
    assert_eq!(value["result"], json!("text"));
    let back: ostler::Job<Task> = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&back).unwrap(), value);
}
