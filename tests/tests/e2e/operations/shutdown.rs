use std::sync::Arc;
use std::time::Duration;

use ostler::{FailureKind, JobError, JobManager, JobStatus, StartError, WorkerConfig};
use ostler_tests::lab::Task;
use tokio::sync::Semaphore;

use super::{Calls, Hooked, PATIENCE};
use crate::support::{Gate, begin, echo, lab, launch, runs, started, within, workers};

async fn with_patience(shutdown_timeout: Duration) -> JobManager<Task> {
    let config = WorkerConfig { shutdown_timeout, ..WorkerConfig::default() };
    lab().config(config).launch().await.unwrap()
}

fn is_interrupted<T: std::fmt::Debug>(output: &Result<T, JobError>) -> bool {
    let failure = output.as_ref().err().and_then(JobError::failure);
    failure.is_some_and(|failure| failure.kind == FailureKind::Interrupted)
}

#[tokio::test]
async fn shutdown_lets_running_and_pending_jobs_finish_and_refuses_new_ones() {
    let manager = with_patience(Duration::from_secs(60)).await;
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&running).await;
    let pending = manager.start_job("lab", echo("pending")).await.unwrap();
    let closing = manager.clone();
    let shutdown = tokio::spawn(async move { closing.shutdown().await });
    tokio::task::yield_now().await;

    let error = manager.start_job("lab", echo("")).await.unwrap_err();
    assert!(matches!(error, StartError::ShutDown), "{error}");
    assert!(!shutdown.is_finished());
    gate.open();
    shutdown.await.unwrap().unwrap();
    assert_eq!(running.output().await.unwrap(), "open");
    assert_eq!(pending.output().await.unwrap(), "pending");
    assert!(!runs(pid));
    let error = manager.start_job("lab", echo("")).await.unwrap_err();
    assert!(matches!(error, StartError::ShutDown), "{error}");
    assert_eq!(manager.get_all_jobs().len(), 2, "what was is still known");
}

#[tokio::test]
async fn at_its_deadline_shutdown_ends_what_is_left_as_interrupted() {
    let manager = with_patience(Duration::from_millis(100)).await;
    let running = manager.start_job("lab", Task::Spin).await.unwrap();
    let pid = started(&running).await;
    let pending = manager.start_job("lab", echo("")).await.unwrap();
    let begun = std::time::Instant::now();
    manager.shutdown().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(100), "it had no patience");
    for job in [&running, &pending] {
        assert!(is_interrupted(&job.output().await), "{:?}", job.output().await);
        assert_eq!(manager.get_job(job.id()).unwrap().status, JobStatus::Failed);
    }
    assert!(!runs(pid) && manager.workers().is_empty());
}

#[tokio::test]
async fn a_second_shutdown_waits_for_the_first() {
    let manager = with_patience(Duration::from_secs(60)).await;
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&job).await;
    let shutdown = |manager: JobManager<Task>| tokio::spawn(async move { manager.shutdown().await });
    let [first, second] = [shutdown(manager.clone()), shutdown(manager.clone())];
    tokio::task::yield_now().await;
    assert!(!first.is_finished() && !second.is_finished());
    gate.open();
    second.await.unwrap().unwrap();
    assert!(!runs(pid), "the second one is no sooner done");
    first.await.unwrap().unwrap();
    assert_eq!(job.output().await.unwrap(), "open");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_that_nobody_waits_for_goes_on() {
    let manager = with_patience(Duration::from_secs(60)).await;
    let pid = manager.workers()[0].pid.unwrap();
    begin(manager.shutdown()).await;
    assert!(within(PATIENCE, || manager.workers().is_empty()).await);
    assert!(!runs(pid));
}

#[tokio::test]
async fn shutdown_waits_for_on_job_completed() {
    let (noted, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let (calls, held) = (noted.clone(), Arc::clone(&gate));
    let hooked = Hooked::new().completed(move |_, job| {
        let (calls, held) = (calls.clone(), Arc::clone(&held));
        async move {
            calls.note("began");
            held.acquire().await.unwrap().forget();
            calls.note(job.result.unwrap());
        }
    });
    let manager = hooked.start().await;
    manager.start_job("lab", echo("saved")).await.unwrap().output().await.unwrap();
    let closing = manager.clone();
    let shutdown = tokio::spawn(async move { closing.shutdown().await });
    noted.reach(1).await;
    assert!(within(PATIENCE, || manager.workers().is_empty()).await);
    assert!(!shutdown.is_finished());
    gate.add_permits(1);
    shutdown.await.unwrap().unwrap();
    assert_eq!(noted.all(), ["began", "saved"]);
}

#[tokio::test]
async fn shutdown_of_a_manager_without_a_worker_is_done_at_once() {
    let manager = lab().lazy().launch().await.unwrap();
    manager.shutdown().await.unwrap();
    assert!(matches!(manager.start_job("lab", echo("")).await, Err(StartError::ShutDown)));
}

#[tokio::test]
async fn the_drop_of_the_last_clone_ends_everything_within_a_second() {
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let running = manager.start_job("lab", Task::Spin).await.unwrap();
    let pid = started(&running).await;
    let pids: Vec<_> = manager.workers().iter().filter_map(|worker| worker.pid).collect();
    let clone = manager.clone();
    drop(manager);
    let still = clone.start_job("lab", echo("still here")).await.unwrap();
    assert_eq!(still.output().await.unwrap(), "still here");
    assert!(runs(pid));

    drop(clone);
    assert!(within(Duration::from_secs(1), || !pids.iter().any(|&pid| runs(pid))).await);
    // A handle is no reason to live on, and still tells how it ended.
    assert!(is_interrupted(&running.output().await));
    assert_eq!(running.status(), JobStatus::Failed);
    assert_eq!(running.cancel().await, Ok(ostler::CancelOutcome::AlreadyEnded));
}

#[tokio::test]
async fn the_drop_of_a_handle_detaches_its_job() {
    let manager = launch().await;
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    started(&job).await;
    let id = job.id();
    drop(job);
    gate.open();
    let ended = || manager.get_job(id).unwrap().status.is_terminal();
    assert!(within(PATIENCE, ended).await);
    assert_eq!(manager.get_job(id).unwrap().result.as_deref(), Some("open"));
}

#[test]
fn a_runtime_that_is_dropped_leaves_no_worker_and_no_job_running() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (manager, job, pid) = runtime.block_on(async {
        let manager = launch().await;
        let job = manager.start_job("lab", Task::Spin).await.unwrap();
        let pid = started(&job).await;
        (manager, job, pid)
    });
    drop(runtime);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert!(within(Duration::from_secs(1), || !runs(pid)).await);
        assert!(within(PATIENCE, || job.status().is_terminal()).await, "{}", job.status());
        assert!(manager.start_job("lab", echo("")).await.is_err());
    });
}
