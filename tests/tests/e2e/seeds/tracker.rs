//! Seeds 000 and 001, `TranscriptionJobTracker`: job state alone, with an executor of one's own. Here the executor is
//! a program, as it would be for a host without workers.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ostler::{FailureKind, JobResult, JobStatus, JobTracker, JobType, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::operations::{Calls, PATIENCE};
use crate::support::{scratch, within};

#[derive(Clone, Serialize, Deserialize)]
struct Transcribe {
    file_path: String,
    file_name: String,
}

impl JobType for Transcribe {
    type Output = String;
}

type Tracker = JobTracker<Transcribe>;

fn transcribe(file_path: impl Into<String>) -> NewJob<Transcribe> {
    NewJob::new("cat", Transcribe { file_path: file_path.into(), file_name: "audio.mp3".to_owned() })
}

/// What somebody else's plugin manager does: it runs a program on the file.
async fn execute_plugin(plugin: String, file_path: String) -> Result<String, String> {
    let run = move || Command::new(plugin).arg(file_path).stderr(Stdio::null()).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(output.status.to_string()),
    }
}

#[tokio::test]
async fn seed_000_tracker_follows_a_job_of_ones_own_executor() {
    let (directory, completed) = (scratch(), Calls::default());
    let path = directory.path().join("audio.mp3").to_str().unwrap().to_owned();
    std::fs::write(&path, "Hello world").unwrap();
    let note = completed.clone();
    let tracker = Tracker::builder()
        .on_job_completed(move |tracker, job| {
            let seen = tracker.get_job(job.id).unwrap();
            note.note(format!("{} completed: {:?}", seen.spec.file_name, seen.result));
        })
        .build();

    let job = tracker.create_job(transcribe(path.clone()).metadata("language", "en"));
    assert_eq!(job.status, JobStatus::Pending);
    assert_eq!(job.metadata.get_str("language"), Some("en"));
    assert!(tracker.mark_running(job.id));
    assert_eq!(tracker.get_running_jobs().len(), 1);
    match execute_plugin(job.plugin_id.to_string(), job.spec.file_path.clone()).await {
        Ok(text) => assert!(tracker.mark_completed(job.id, text)),
        Err(error) => panic!("{error}"),
    }
    let result = serde_json::to_value(tracker.get_job_result(job.id).unwrap()).unwrap();
    assert_eq!(result, json!({ "status": "success", "data": "Hello world" }));
    assert_eq!(completed.all(), [r#"audio.mp3 completed: Some("Hello world")"#]);
    assert!(tracker.get_running_jobs().is_empty());

    let missing = tracker.create_job(transcribe(format!("{path}.missing")));
    tracker.mark_running(missing.id);
    let error = execute_plugin("cat".to_owned(), missing.spec.file_path.clone()).await.unwrap_err();
    assert!(tracker.mark_failed(missing.id, error.as_str()));
    let result = serde_json::to_value(tracker.get_job_result(missing.id).unwrap()).unwrap();
    assert_eq!((&result["status"], &result["error"]), (&json!("error"), &json!(error)));
    assert_eq!(completed.all().len(), 1, "on completion only");
}

#[tokio::test]
async fn seed_001_tracker_cancel_job_aborts_the_task_and_awaits_it() {
    let (tracker, gate) = (Tracker::new(), Arc::new(Semaphore::new(0)));
    let job = tracker.create_job(transcribe("/a"));
    let held = Arc::clone(&gate);
    assert!(tracker.spawn(job.id, async move {
        held.acquire().await.unwrap().forget();
        Ok::<_, String>("too late".to_owned())
    }));
    assert_eq!(tracker.get_job(job.id).unwrap().status, JobStatus::Running);
    assert!(tracker.cancel_job(job.id).await);
    assert_eq!(Arc::strong_count(&gate), 1, "the task is gone, and what it held");
    assert_eq!(tracker.get_job_result(job.id), Some(JobResult::Cancelled));
    assert!(!tracker.cancel_job(job.id).await);
}

#[tokio::test]
async fn seed_001_tracker_clear_completed_and_keep_results() {
    let tracker = Tracker::new();
    let [done, failed, waiting] = [0; 3].map(|_| tracker.create_job(transcribe("/a")).id);
    tracker.mark_completed(done, "text".to_owned());
    tracker.mark_failed(failed, "no");
    assert_eq!(tracker.clear_completed(true), 2);
    assert!(tracker.get_job(done).is_none() && tracker.get_job(waiting).is_some());
    assert_eq!(tracker.get_job_result(done).unwrap().data().as_deref(), Some("text"));
    assert_eq!(tracker.get_job_result(failed).unwrap().error().unwrap().message, "no");
    assert_eq!(tracker.clear_completed(false), 0);
    assert!(tracker.get_job_result(done).is_none());
}

#[tokio::test]
async fn seed_001_tracker_marks_of_unknown_and_ended_jobs_are_no_ops() {
    let (tracker, other) = (Tracker::new(), Tracker::new());
    let unknown = other.create_job(transcribe("/a")).id;
    assert!(!tracker.mark_running(unknown) && !tracker.mark_completed(unknown, String::new()));
    assert!(!tracker.mark_failed(unknown, "no") && !tracker.cancel_job(unknown).await);
    let job = tracker.create_job(transcribe("/a"));
    tracker.mark_completed(job.id, "first".to_owned());
    assert!(!tracker.mark_completed(job.id, "second".to_owned()) && !tracker.mark_failed(job.id, "no"));
    assert!(!tracker.mark_running(job.id));
    assert_eq!(tracker.get_job(job.id).unwrap().result.as_deref(), Some("first"));
}

#[tokio::test]
async fn seed_fault_a_second_mark_running_keeps_the_task_so_that_the_cancel_stops_it() {
    let (tracker, gate) = (Tracker::new(), Arc::new(Semaphore::new(0)));
    let job = tracker.create_job(transcribe("/a"));
    let held = Arc::clone(&gate);
    let task = tokio::spawn(async move { held.acquire().await.unwrap().forget() });
    assert!(tracker.mark_running_with(job.id, task));
    let started_at = tracker.get_job(job.id).unwrap().started_at;
    tracker.mark_running(job.id);
    assert_eq!(tracker.get_job(job.id).unwrap().started_at, started_at);
    assert!(tokio::time::timeout(PATIENCE, tracker.cancel_job(job.id)).await.unwrap());
    assert_eq!(Arc::strong_count(&gate), 1, "the task runs on");
}

#[tokio::test]
async fn seed_fault_an_executor_that_raises_does_not_leave_its_job_running() {
    let tracker = Tracker::new();
    let job = tracker.create_job(transcribe("/a"));
    let raises = |file: &str| -> Result<String, String> { panic!("{file} is cursed") };
    assert!(tracker.spawn(job.id, async move { raises("the model") }));
    let ended = || tracker.get_job(job.id).unwrap().status.is_terminal();
    assert!(within(Duration::from_secs(5), ended).await);
    let job = tracker.get_job(job.id).unwrap();
    let failure = job.error.as_ref().unwrap();
    assert_eq!((job.status, failure.kind), (JobStatus::Failed, FailureKind::Panicked));
    assert!(failure.message.contains("the model is cursed"), "{failure}");
    assert!(tracker.get_running_jobs().is_empty());
}
