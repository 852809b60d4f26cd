//! The job service, feature by feature as its predecessor had them (`JobManagementService`). The three tests
//! that it came with keep their names.
#![expect(clippy::unwrap_used)]

use ostler::{ExecutorError, JobService, JobStatus, Payload, PluginExecutor, ServiceError};
use serde_json::{Value, json};
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Answers as it is told, and remembers what it was called with.
struct FakePluginManagement {
    answer: Answer,
    called: Mutex<Vec<(String, Payload)>>,
    go: Notify,
}

enum Answer {
    Success(Value),
    Error(ExecutorError),
    Panic,
    /// A success when `go` was notified.
    Later,
}

fn fake(answer: Answer) -> Arc<FakePluginManagement> {
    Arc::new(FakePluginManagement { answer, called: Mutex::default(), go: Notify::new() })
}

impl PluginExecutor for FakePluginManagement {
    async fn execute_plugin(&self, plugin: &str, payload: Payload) -> Result<Payload, ExecutorError> {
        self.called.lock().unwrap().push((plugin.to_owned(), payload));
        match &self.answer {
            Answer::Success(value) => Ok(Payload::json(value).unwrap()),
            Answer::Error(error) => Err(error.clone()),
            Answer::Panic => panic!("on purpose"),
            Answer::Later => {
                self.go.notified().await;
                Ok(Payload::json("late").unwrap())
            }
        }
    }
}

fn image() -> Payload {
    Payload::json(&json!({"mime_type": "image/png"})).unwrap().attach("image", "image/png", &b"123"[..])
}

async fn begin<T: std::fmt::Debug>(mut future: Pin<&mut impl Future<Output = T>>) {
    // Twice: the first poll starts the task, and lets it run at the end of its turn.
    for _ in 0..2 {
        tokio::select! {
            biased;
            outcome = &mut future => panic!("did not wait, but returned {outcome:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
}

/// Waits for it, but not for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.unwrap()
}

#[tokio::test]
async fn test_job_management_delegates_to_plugin_management() {
    let plugins = fake(Answer::Success(json!({"ok": true})));
    let service = JobService::new(plugins.clone());
    let id = service.create_job("fake_plugin", image());

    let result = service.run_job(id).await.unwrap();

    assert_eq!(result.decode::<Value>().unwrap(), json!({"ok": true}));
    let called = plugins.called.lock().unwrap();
    assert_eq!(called.len(), 1);
    assert_eq!(called[0].0, "fake_plugin");
    assert_eq!(&called[0].1.attachment("image").unwrap().bytes[..], b"123");

    let job = service.get_job(id).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(job.result.as_ref().unwrap().decode::<Value>().unwrap(), json!({"ok": true}));
}

#[tokio::test]
async fn test_job_status_transitions_on_success() {
    let plugins = fake(Answer::Later);
    let service = JobService::new(plugins.clone());
    let id = service.create_job("fake_plugin", image());
    assert_eq!(service.get_job(id).unwrap().status, JobStatus::Pending);
    assert!(plugins.called.lock().unwrap().is_empty());

    let mut run = Box::pin(service.run_job(id));
    begin(run.as_mut()).await;
    assert_eq!(service.get_job(id).unwrap().status, JobStatus::Running);

    plugins.go.notify_one();
    run.await.unwrap();
    let job = service.get_job(id).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(job.result.as_ref().unwrap().decode::<String>().unwrap(), "late");
    assert_eq!(job.error, None);
    assert!(job.created_at <= job.started_at.unwrap() && job.started_at <= job.completed_at);
}

#[tokio::test]
async fn test_job_status_transitions_on_error() {
    let service = JobService::new(fake(Answer::Error(ExecutorError::execution("plugin failed"))));
    let id = service.create_job("fake_plugin", image());

    let ServiceError::Failed(error) = service.run_job(id).await.unwrap_err() else {
        panic!("not a failure of the job");
    };

    let expected = json!({
        "error": {"type": "ExecutionError", "message": "plugin failed", "plugin": "fake_plugin"}
    });
    assert_eq!(serde_json::to_value(&error).unwrap(), expected);
    let job = service.get_job(id).unwrap();
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.as_ref().unwrap().error.error_type, "ExecutionError");
    assert_eq!(job.result, None);
}

#[tokio::test]
async fn an_unknown_job_is_not_found() {
    let service = JobService::new(fake(Answer::Panic));
    let elsewhere = JobService::new(fake(Answer::Panic)).create_job("fake_plugin", Payload::empty());
    let not_found = ServiceError::JobNotFound { id: elsewhere };
    assert_eq!(service.run_job(elsewhere).await.unwrap_err(), not_found);
    assert_eq!(service.get_job(elsewhere).unwrap_err(), not_found);
}

#[tokio::test]
async fn a_job_runs_once() {
    let plugins = fake(Answer::Later);
    let service = JobService::new(plugins.clone());
    let id = service.create_job("fake_plugin", Payload::empty());
    let mut run = Box::pin(service.run_job(id));
    begin(run.as_mut()).await;
    let already = |status| ServiceError::AlreadyRun { id, status };
    assert_eq!(soon(service.run_job(id)).await.unwrap_err(), already(JobStatus::Running));
    plugins.go.notify_one();
    run.await.unwrap();
    assert_eq!(soon(service.run_job(id)).await.unwrap_err(), already(JobStatus::Completed));
    assert_eq!(plugins.called.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_executor_that_panics_fails_the_job() {
    let service = JobService::new(fake(Answer::Panic));
    let id = service.create_job("fake_plugin", Payload::empty());
    let error = soon(service.run_job(id)).await.unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("on purpose") && cause.contains("fake_plugin"), "{cause}");
    let job = service.get_job(id).unwrap();
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.as_ref().unwrap().error.error_type, "Panicked");
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_goes_on() {
    let plugins = fake(Answer::Later);
    let service = JobService::new(plugins.clone());
    let id = service.create_job("fake_plugin", Payload::empty());
    let mut run = Box::pin(service.run_job(id));
    begin(run.as_mut()).await;
    drop(run);
    plugins.go.notify_one();
    let end = async {
        while service.get_job(id).unwrap().status == JobStatus::Running {
            tokio::task::yield_now().await;
        }
    };
    soon(end).await;
    assert_eq!(service.get_job(id).unwrap().status, JobStatus::Completed);
}

#[test]
fn a_runtime_that_goes_away_leaves_no_job_running() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let service = JobService::new(fake(Answer::Later));
    let id = service.create_job("fake_plugin", Payload::empty());
    runtime.block_on(async {
        let mut run = Box::pin(service.run_job(id));
        begin(run.as_mut()).await;
    });
    drop(runtime);
    let job = service.get_job(id).unwrap();
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.as_ref().unwrap().error.error_type, "Interrupted");
}

#[tokio::test]
async fn clearing_takes_only_what_has_ended() {
    let service = JobService::new(fake(Answer::Success(json!(1))));
    let done = service.create_job("fake_plugin", Payload::empty());
    let pending = service.create_job("fake_plugin", Payload::empty());
    service.run_job(done).await.unwrap();
    assert_eq!(service.clear_completed(), 1);
    assert_eq!(service.get_job(done).unwrap_err(), ServiceError::JobNotFound { id: done });
    assert_eq!(service.get_job(pending).unwrap().status, JobStatus::Pending);
}
