//! What a cancel of the job tracker promises: when it returns true, no code of the job runs.
#![expect(clippy::unwrap_used)]

use ostler::{FailureKind, JobId, JobStatus, JobTracker, JobType, NewJob};
use serde::{Deserialize, Serialize};
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking, yield_now};

#[derive(Clone, Serialize, Deserialize)]
struct Work;

impl JobType for Work {
    type Output = String;
}

type Tracker = JobTracker<Work>;

fn new_job(tracker: &Tracker) -> JobId {
    tracker.create_job(NewJob::new("p", Work)).id
}

fn status(tracker: &Tracker, id: JobId) -> JobStatus {
    tracker.get_job(id).unwrap().status
}

/// Is set while it is alive: held by a task, it tells whether the task is.
struct Alive(Arc<AtomicBool>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// A task that never ends, once it runs, and whether it is alive.
async fn endless() -> (JoinHandle<()>, Arc<AtomicBool>) {
    let alive = Arc::new(AtomicBool::new(true));
    let held = Alive(alive.clone());
    let (tell, runs) = oneshot::channel();
    let task = tokio::spawn(async move {
        let _held = held;
        tell.send(()).unwrap();
        pending().await
    });
    runs.await.unwrap();
    (task, alive)
}

/// A task that no abort can end, as it runs already: it ends when the sender goes.
async fn stubborn() -> (JoinHandle<()>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (tell, runs) = oneshot::channel();
    let task = spawn_blocking(move || {
        tell.send(()).unwrap();
        assert!(released.recv().is_err());
    });
    runs.await.unwrap();
    (task, release)
}

/// Polls it once, and finds it waiting.
async fn begin(mut future: Pin<&mut impl Future<Output = bool>>) {
    tokio::select! {
        biased;
        outcome = &mut future => panic!("did not wait, but returned {outcome}"),
        () = std::future::ready(()) => {}
    }
}

/// Waits for it, but not for ever: a cancel that never returns is a failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.unwrap()
}

async fn cancel(tracker: &Tracker, id: JobId) -> bool {
    soon(tracker.cancel_job(id)).await
}

async fn until(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            yield_now().await;
        }
    })
    .await;
}

async fn ended(tracker: &Tracker, id: JobId) -> JobStatus {
    until(|| status(tracker, id).is_terminal()).await;
    status(tracker, id)
}

#[tokio::test]
async fn test_cancel_job_aborts_the_task_and_awaits_its_end() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let (task, alive) = endless().await;
    assert!(tracker.mark_running_with(id, task));
    assert!(cancel(&tracker, id).await);
    assert!(!alive.load(Ordering::SeqCst), "the task outlived its cancel");
    let job = tracker.get_job(id).unwrap();
    assert_eq!(job.status, JobStatus::Cancelled);
    assert!(job.completed_at.is_some());
    let result = serde_json::to_string(&tracker.get_job_result(id).unwrap()).unwrap();
    assert_eq!(result, r#"{"status":"cancelled"}"#);
}

#[tokio::test]
async fn test_cancel_job_that_is_pending() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    assert!(cancel(&tracker, id).await);
    assert_eq!(status(&tracker, id), JobStatus::Cancelled);
}

#[tokio::test]
async fn test_cancel_job_that_is_unknown_or_has_ended() {
    let (tracker, other) = (Tracker::new(), Tracker::new());
    let id = new_job(&tracker);
    tracker.mark_completed(id, "done".into());
    assert!(!cancel(&tracker, id).await);
    assert_eq!(status(&tracker, id), JobStatus::Completed);
    assert!(!cancel(&tracker, new_job(&other)).await);
}

#[tokio::test]
async fn a_second_mark_running_does_not_lose_the_task() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let (task, alive) = endless().await;
    tracker.mark_running_with(id, task);
    tracker.mark_running(id);
    assert!(cancel(&tracker, id).await);
    assert!(!alive.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_cancel_ends_every_task_that_was_handed_in() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    tracker.mark_running(id);
    let ((one, one_alive), (two, two_alive)) = (endless().await, endless().await);
    assert!(tracker.mark_running_with(id, one));
    assert!(tracker.mark_running_with(id, two));
    assert!(cancel(&tracker, id).await);
    assert!(!one_alive.load(Ordering::SeqCst) && !two_alive.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_job_is_not_cancelled_before_its_task_has_ended() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let (task, release) = stubborn().await;
    tracker.mark_running_with(id, task);
    let (mut one, mut two) = (Box::pin(tracker.cancel_job(id)), Box::pin(tracker.cancel_job(id)));
    begin(one.as_mut()).await;
    begin(two.as_mut()).await;
    assert_eq!(status(&tracker, id), JobStatus::Cancelling);
    assert_eq!(tracker.get_running_jobs().len(), 1, "a cancelling job counts as running");
    drop(release);
    let both = soon(async { tokio::join!(one, two) }).await;
    assert_eq!(both, (true, true), "callers at the same time share one outcome");
    assert!(!cancel(&tracker, id).await, "a later one finds it ended");
}

#[tokio::test]
async fn a_result_that_comes_first_wins() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let (task, release) = stubborn().await;
    tracker.mark_running_with(id, task);
    let mut cancel = Box::pin(tracker.cancel_job(id));
    begin(cancel.as_mut()).await;
    assert!(tracker.mark_completed(id, "won".into()));
    assert!(!soon(cancel).await);
    drop(release);
    assert_eq!(tracker.get_job(id).unwrap().result.as_deref(), Some("won"));
}

#[tokio::test]
async fn a_cancel_goes_on_when_its_caller_is_gone() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let (task, release) = stubborn().await;
    tracker.mark_running_with(id, task);
    let mut cancel = Box::pin(tracker.cancel_job(id));
    begin(cancel.as_mut()).await;
    drop(cancel);
    assert_eq!(status(&tracker, id), JobStatus::Cancelling);
    drop(release);
    assert_eq!(ended(&tracker, id).await, JobStatus::Cancelled);
}

#[tokio::test]
async fn a_task_of_a_cancelled_job_is_aborted() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let (task, alive) = endless().await;
    let abort = task.abort_handle();
    assert!(cancel(&tracker, id).await);
    assert!(!tracker.mark_running_with(id, task));
    until(|| abort.is_finished()).await;
    assert!(!alive.load(Ordering::SeqCst));
    assert_eq!(status(&tracker, id), JobStatus::Cancelled);
}

#[tokio::test]
async fn a_task_that_is_too_late_joins_the_cancel() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let (first, release) = stubborn().await;
    tracker.mark_running_with(id, first);
    let mut cancel = Box::pin(tracker.cancel_job(id));
    begin(cancel.as_mut()).await;
    let (second, alive) = endless().await;
    assert!(!tracker.mark_running_with(id, second));
    drop(release);
    assert!(soon(cancel).await);
    assert!(!alive.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_task_that_hands_in_its_own_result_completes() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let own = tracker.clone();
    let task = tokio::spawn(async move { own.mark_completed(id, "own".into()) });
    tracker.mark_running_with(id, task);
    assert_eq!(ended(&tracker, id).await, JobStatus::Completed);
}

#[tokio::test]
async fn a_task_that_panics_fails_its_job() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let task: JoinHandle<()> = tokio::spawn(async { panic!("on purpose") });
    tracker.mark_running_with(id, task);
    assert_eq!(ended(&tracker, id).await, JobStatus::Failed);
    let error = tracker.get_job(id).unwrap().error.clone().unwrap();
    assert_eq!((error.kind, error.message.as_str()), (FailureKind::Panicked, "on purpose"));
}

#[tokio::test]
async fn a_task_that_somebody_else_aborts_fails_its_job() {
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    let (task, _alive) = endless().await;
    let abort = task.abort_handle();
    tracker.mark_running_with(id, task);
    abort.abort();
    assert_eq!(ended(&tracker, id).await, JobStatus::Failed);
    assert_eq!(tracker.get_job(id).unwrap().error.as_ref().unwrap().kind, FailureKind::Interrupted);
}

#[test]
fn a_runtime_that_goes_away_leaves_no_job_running() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tracker = Tracker::new();
    let id = new_job(&tracker);
    runtime.block_on(async {
        let (task, _alive) = endless().await;
        tracker.mark_running_with(id, task);
    });
    assert_eq!(status(&tracker, id), JobStatus::Running);
    drop(runtime);
    assert_eq!(status(&tracker, id), JobStatus::Failed);
}

#[tokio::test]
async fn spawn_records_how_the_work_ends() {
    let tracker = Tracker::new();
    let [good, bad, panics] = [(); 3].map(|()| new_job(&tracker));
    assert!(tracker.spawn(good, async { Ok::<_, String>("done".into()) }));
    assert!(tracker.spawn(bad, async { Err("broken") }));
    assert!(tracker.spawn(panics, async { if true { panic!("on purpose") } else { Err("no") } }));
    assert_eq!(ended(&tracker, good).await, JobStatus::Completed);
    assert_eq!(ended(&tracker, bad).await, JobStatus::Failed);
    assert_eq!(ended(&tracker, panics).await, JobStatus::Failed);
    assert_eq!(tracker.get_job(bad).unwrap().error.as_ref().unwrap().message, "broken");
}

#[tokio::test]
async fn spawn_does_not_begin_a_job_that_is_unknown_or_has_ended() {
    let tracker = Tracker::new();
    let [cancelled, completed] = [(); 2].map(|()| new_job(&tracker));
    cancel(&tracker, cancelled).await;
    tracker.mark_completed(completed, "done".into());
    for id in [cancelled, completed, new_job(&Tracker::new())] {
        let ran = Arc::new(AtomicBool::new(false));
        let (flag, watched) = (ran.clone(), Alive(Arc::new(AtomicBool::new(true))));
        let alive = watched.0.clone();
        let started = tracker.spawn(id, async move {
            let _watched = watched;
            flag.store(true, Ordering::SeqCst);
            Ok::<_, String>(String::new())
        });
        assert!(!started);
        until(|| !alive.load(Ordering::SeqCst)).await;
        assert!(!ran.load(Ordering::SeqCst));
    }
}
