//! The job tracker, feature by feature as its predecessors had them (`TranscriptionJobTracker`).
#![expect(clippy::unwrap_used)]

use ostler::{Job, JobResult, JobStatus, JobTracker, JobType, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Clone, Serialize, Deserialize)]
struct Transcribe {
    file_path: String,
    file_name: String,
}

impl JobType for Transcribe {
    type Output = Value;
}

type Tracker = JobTracker<Transcribe>;

fn transcribe() -> NewJob<Transcribe> {
    let spec = Transcribe { file_path: "/test/audio.mp3".into(), file_name: "audio.mp3".into() };
    NewJob::new("test-plugin", spec)
}

/// Calls of `on_job_completed`, as `(status, result)` that the callback could read from the tracker.
type Calls = Arc<Mutex<Vec<(JobStatus, Value)>>>;

fn recording() -> (Tracker, Calls) {
    let calls = Calls::default();
    let recorder = calls.clone();
    let callback = move |tracker: &Tracker, job: &Job<Transcribe>| {
        let seen = tracker.get_job(job.id).unwrap();
        let result = tracker.get_job_result(job.id).unwrap().data().unwrap();
        recorder.lock().unwrap().push((seen.status, result));
    };
    (Tracker::builder().on_job_completed(callback).build(), calls)
}

fn as_json(tracker: &Tracker, job: &Job<Transcribe>) -> Value {
    serde_json::to_value(tracker.get_job_result(job.id).unwrap()).unwrap()
}

#[test]
fn test_create_job() {
    let tracker = Tracker::new();
    let job = tracker.create_job(transcribe().metadata("language", "en"));
    assert_eq!(job.status.as_str(), "pending");
    assert_eq!(job.plugin_id, "test-plugin");
    assert_eq!(job.spec.file_name, "audio.mp3");
    assert_eq!(job.metadata.get_str("language"), Some("en"));
    assert_eq!(tracker.get_job(job.id).unwrap().id, job.id);
    assert!(tracker.get_job_result(job.id).is_none());
}

#[test]
fn test_mark_running() {
    let tracker = Tracker::new();
    let job = tracker.create_job(transcribe());
    assert!(tracker.mark_running(job.id));
    let running = tracker.get_job(job.id).unwrap();
    assert_eq!(running.status, JobStatus::Running);
    assert!(running.started_at.unwrap() >= job.created_at);
    assert!(!tracker.mark_running(job.id));
    assert_eq!(tracker.get_job(job.id).unwrap().started_at, running.started_at);
}

#[test]
fn test_mark_completed() {
    let tracker = Tracker::new();
    let job = tracker.create_job(transcribe());
    tracker.mark_running(job.id);
    assert!(tracker.mark_completed(job.id, json!({"text": "Hello world", "metadata": {}})));
    let completed = tracker.get_job(job.id).unwrap();
    assert_eq!(completed.status, JobStatus::Completed);
    assert!(completed.completed_at >= completed.started_at);
    let expected = json!({"status": "success", "data": {"text": "Hello world", "metadata": {}}});
    assert_eq!(as_json(&tracker, &job), expected);
}

#[test]
fn test_mark_failed() {
    let (tracker, calls) = recording();
    let job = tracker.create_job(transcribe());
    tracker.mark_running(job.id);
    assert!(tracker.mark_failed(job.id, "no such file"));
    assert_eq!(tracker.get_job(job.id).unwrap().status, JobStatus::Failed);
    let result = as_json(&tracker, &job);
    assert_eq!((&result["status"], &result["error"]), (&json!("error"), &json!("no such file")));
    assert!(calls.lock().unwrap().is_empty(), "only a completion is announced");
}

#[tokio::test]
async fn a_mark_of_an_unknown_or_ended_job_changes_nothing() {
    let (tracker, calls) = recording();
    let elsewhere = Tracker::new().create_job(transcribe());
    let ends = [(); 3].map(|()| tracker.create_job(transcribe()));
    tracker.mark_completed(ends[0].id, json!("first"));
    tracker.mark_failed(ends[1].id, "first");
    tracker.cancel_job(ends[2].id).await;
    for job in ends.iter().chain([&elsewhere]) {
        let before = tracker.get_job_result(job.id);
        assert!(!tracker.mark_running(job.id));
        assert!(!tracker.mark_completed(job.id, json!("late")));
        assert!(!tracker.mark_failed(job.id, "late"));
        assert_eq!(tracker.get_job_result(job.id), before);
    }
    assert_eq!(calls.lock().unwrap().len(), 1, "a late completion is not announced");
    assert!(tracker.get_running_jobs().is_empty());
    assert!(tracker.get_job(elsewhere.id).is_none());
}

/// The usage example: the executor is somebody else's, and reports by the three marks.
#[tokio::test]
async fn test_usage_with_an_executor() {
    async fn execute_plugin_async(file_path: &str) -> Result<Value, String> {
        if file_path.ends_with(".mp3") { Ok(json!({"text": "hi"})) } else { Err("not audio".into()) }
    }
    let (tracker, calls) = recording();
    let good = tracker.create_job(transcribe());
    let mut request = transcribe();
    request.spec.file_path = "/test/notes.txt".into();
    let bad = tracker.create_job(request);
    for job in [&good, &bad] {
        tracker.mark_running(job.id);
        match execute_plugin_async(&job.spec.file_path).await {
            Ok(result) => tracker.mark_completed(job.id, result),
            Err(error) => tracker.mark_failed(job.id, error),
        };
    }
    assert_eq!(as_json(&tracker, &good), json!({"status": "success", "data": {"text": "hi"}}));
    assert_eq!(as_json(&tracker, &bad)["error"], json!("not audio"));
    assert_eq!(*calls.lock().unwrap(), [(JobStatus::Completed, json!({"text": "hi"}))]);
}

#[test]
fn test_get_running_jobs() {
    let tracker = Tracker::new();
    let jobs = [(); 4].map(|()| tracker.create_job(transcribe()));
    for job in [&jobs[2], &jobs[0], &jobs[3]] {
        tracker.mark_running(job.id);
    }
    tracker.mark_completed(jobs[3].id, json!(null));
    let running: Vec<_> = tracker.get_running_jobs().iter().map(|job| job.id).collect();
    assert_eq!(running, [jobs[0].id, jobs[2].id]);
    let all: Vec<_> = tracker.get_all_jobs().iter().map(|job| job.id).collect();
    assert_eq!(all, jobs.map(|job| job.id));
}

#[tokio::test]
async fn test_clear_completed() {
    let tracker = Tracker::new();
    let [completed, failed, cancelled, running, pending] = [(); 5].map(|()| tracker.create_job(transcribe()));
    tracker.mark_completed(completed.id, json!(1));
    tracker.mark_failed(failed.id, "no");
    tracker.cancel_job(cancelled.id).await;
    tracker.mark_running(running.id);
    assert_eq!(tracker.clear_completed(false), 3);
    let left: Vec<_> = tracker.get_all_jobs().iter().map(|job| job.id).collect();
    assert_eq!(left, [running.id, pending.id]);
    assert!(tracker.get_job_result(completed.id).is_none());
    assert_eq!(tracker.clear_completed(false), 0);
}

#[test]
fn test_clear_completed_keep_results() {
    let tracker = Tracker::new();
    let job = tracker.create_job(transcribe());
    tracker.mark_completed(job.id, json!(1));
    assert_eq!(tracker.clear_completed(true), 1);
    assert!(tracker.get_job(job.id).is_none());
    assert_eq!(tracker.get_job_result(job.id), Some(JobResult::Success { data: json!(1) }));
    tracker.clear_completed(false);
    assert!(tracker.get_job_result(job.id).is_none());
}

#[test]
fn test_on_job_completed_runs_once_when_everything_is_visible() {
    let (tracker, calls) = recording();
    let job = tracker.create_job(transcribe());
    let won: usize = thread::scope(|scope| {
        let racers = [(); 4].map(|()| scope.spawn(|| tracker.mark_completed(job.id, json!("same"))));
        racers.map(|racer| usize::from(racer.join().unwrap())).iter().sum()
    });
    assert_eq!(won, 1);
    assert_eq!(*calls.lock().unwrap(), [(JobStatus::Completed, json!("same"))]);
}

#[test]
fn test_on_job_completed_may_use_the_tracker() {
    let tracker = Tracker::builder()
        .on_job_completed(|tracker, job| {
            if job.spec.file_name == "audio.mp3" {
                let mut follow_up = transcribe();
                follow_up.spec.file_name = "follow-up.mp3".into();
                let follow_up = tracker.create_job(follow_up);
                tracker.mark_completed(follow_up.id, json!("after"));
            }
        })
        .build();
    let job = tracker.create_job(transcribe());
    tracker.mark_completed(job.id, json!("before"));
    let completed = tracker.get_all_jobs();
    assert_eq!(completed.len(), 2);
    assert_eq!(completed[1].result, Some(json!("after")));
}

#[test]
fn test_a_panic_in_on_job_completed_changes_nothing() {
    let tracker = Tracker::builder().on_job_completed(|_, _| panic!("on purpose")).build();
    let job = tracker.create_job(transcribe());
    assert!(tracker.mark_completed(job.id, json!(1)));
    assert_eq!(tracker.get_job(job.id).unwrap().result, Some(json!(1)));
    assert!(tracker.mark_running(tracker.create_job(transcribe()).id), "the tracker works on");
}

#[test]
fn the_oldest_finished_job_goes_when_more_end_than_are_kept() {
    let tracker = Tracker::builder().finished_kept(1).build();
    let [first, second, pending] = [(); 3].map(|()| tracker.create_job(transcribe()));
    tracker.mark_completed(first.id, json!(1));
    tracker.mark_completed(second.id, json!(2));
    let left: Vec<_> = tracker.get_all_jobs().iter().map(|job| job.id).collect();
    assert_eq!(left, [second.id, pending.id]);
}

#[test]
fn a_job_that_is_not_kept_is_announced_all_the_same() {
    let results = Arc::new(Mutex::new(Vec::new()));
    let recorder = results.clone();
    let record = move |_: &Tracker, job: &Job<Transcribe>| recorder.lock().unwrap().push(job.result.clone());
    let tracker = Tracker::builder().finished_kept(0).on_job_completed(record).build();
    let job = tracker.create_job(transcribe());
    assert!(tracker.mark_completed(job.id, json!(1)));
    assert_eq!(*results.lock().unwrap(), [Some(json!(1))]);
}
