//! The restart policy's table, row by row.

use std::time::Duration;

use ostler::{
    JobManager, JobStatus, ManagerEventKind, ManagerEvents, RestartPolicy, WorkerConfig, WorkerPhase,
};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::support::{Roll, config, echo, scratch, started};

async fn launch(roll: &Roll, restart_policy: RestartPolicy) -> JobManager<Task> {
    // The delay is a random part of this: that it ends within the test is as good as impossible.
    let day = Duration::from_secs(24 * 3600);
    let (restart_backoff_base, restart_backoff_max) = (day, day);
    let config =
        WorkerConfig { restart_policy, restart_backoff_base, restart_backoff_max, ..WorkerConfig::default() };
    roll.lab().config(config).launch().await.unwrap()
}

async fn cancel_one(manager: &JobManager<Task>) {
    let directory = scratch();
    let job = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    started(&job).await;
    assert!(job.cancel().await.unwrap().is_cancelled());
}

async fn crash_one(manager: &JobManager<Task>) {
    let job = manager.start_job("lab", Task::Segfault).await.unwrap();
    assert_eq!(job.finished().await.status, JobStatus::Failed);
}

/// What is decided about the slot is decided when the job's end is seen, so nobody needs to wait for it.
async fn assert_refilled(manager: &JobManager<Task>, roll: &Roll) {
    assert_eq!(manager.workers().len(), 1, "a worker is on its way");
    runs_in_a_new_worker(manager, roll).await;
}

async fn assert_stays_empty_until_a_job_comes(manager: &JobManager<Task>, roll: &Roll) {
    assert!(manager.workers().is_empty());
    assert_eq!(roll.pids().len(), 1);
    runs_in_a_new_worker(manager, roll).await;
}

async fn runs_in_a_new_worker(manager: &JobManager<Task>, roll: &Roll) {
    let job = manager.start_job("lab", Task::Pid).await.unwrap();
    let pid: u32 = job.output().await.unwrap().parse().unwrap();
    let pids = roll.pids();
    assert_eq!((pids.len(), pids.last()), (2, Some(&pid)));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn never_leaves_the_slot_empty_after_a_cancel() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::Never).await;
    cancel_one(&manager).await;
    assert_stays_empty_until_a_job_comes(&manager, &roll).await;
}

#[tokio::test]
async fn never_leaves_the_slot_empty_after_a_crash() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::Never).await;
    crash_one(&manager).await;
    assert_stays_empty_until_a_job_comes(&manager, &roll).await;
}

#[tokio::test]
async fn on_cancellation_restarts_at_once_after_a_cancel() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::OnCancellation).await;
    cancel_one(&manager).await;
    assert_refilled(&manager, &roll).await;
}

#[tokio::test]
async fn on_cancellation_leaves_the_slot_empty_after_a_crash() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::OnCancellation).await;
    crash_one(&manager).await;
    assert_stays_empty_until_a_job_comes(&manager, &roll).await;
}

#[tokio::test]
async fn always_restarts_at_once_after_a_cancel() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::Always).await;
    cancel_one(&manager).await;
    assert_refilled(&manager, &roll).await;
}

#[tokio::test]
async fn always_restarts_at_once_after_a_crash() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::Always).await;
    crash_one(&manager).await;
    assert_refilled(&manager, &roll).await;
}

#[tokio::test]
async fn backoff_restarts_at_once_after_a_cancel() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::Backoff).await;
    cancel_one(&manager).await;
    assert_refilled(&manager, &roll).await;
}

#[tokio::test]
async fn backoff_waits_after_a_crash_also_when_a_job_comes() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::Backoff).await;
    crash_one(&manager).await;
    assert!(manager.workers().is_empty());
    let waiting = manager.start_job("lab", echo("at last")).await.unwrap();
    assert!(manager.workers().is_empty(), "the delay is a day, on average half a one");
    assert_eq!(waiting.status(), JobStatus::Pending);
    manager.restart_worker().await.unwrap();
    assert_eq!(waiting.output().await.unwrap(), "at last");
    assert_eq!(roll.pids().len(), 2);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn backoff_restarts_by_itself_when_the_delay_is_over() {
    let roll = Roll::new();
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Backoff,
        restart_backoff_base: Duration::from_millis(100),
        ..WorkerConfig::default()
    };
    let manager = roll.lab().config(config).launch().await.unwrap();
    let mut events = manager.events();
    crash_one(&manager).await;
    assert_ne!(Some(next_idle(&mut events).await), roll.pids().first().copied());
    assert_eq!(roll.pids().len(), 2);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_failed_load_is_treated_like_a_crash() {
    for (policy, stays_empty) in [(RestartPolicy::OnCancellation, true), (RestartPolicy::Always, false)] {
        let roll = Roll::new();
        let config_of =
            WorkerConfig { restart_policy: policy, max_start_attempts: 1, ..WorkerConfig::default() };
        let builder = roll.lab().config(config_of).lazy();
        let manager = builder.plugin_config("lab", config(json!({ "load": "fail" }))).launch().await.unwrap();
        let mut events = manager.events();
        let _ = manager.restart_worker().await.unwrap_err();
        if stays_empty {
            assert!(manager.workers().is_empty());
            assert_eq!(roll.pids().len(), 1);
        } else {
            while !matches!(events.next().await.unwrap().unwrap().kind, ManagerEventKind::Down(_)) {}
            assert_eq!(roll.pids().len(), 2);
        }
        manager.shutdown().await.unwrap();
    }
}

async fn next_idle(events: &mut ManagerEvents) -> u32 {
    let mut gone = false;
    loop {
        if let ManagerEventKind::Worker(worker) = events.next().await.unwrap().unwrap().kind {
            gone |= worker.state.phase == WorkerPhase::Gone;
            if gone && worker.state.phase == WorkerPhase::Idle {
                return worker.state.pid.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_restart_that_is_asked_for_while_the_worker_dies_brings_another() {
    let roll = Roll::new();
    let manager = launch(&roll, RestartPolicy::Never).await;
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&job).await;
    // Polled in this order: the kill is out before the restart is asked for.
    let (cancelled, restarted) = tokio::join!(biased; job.cancel(), manager.restart_worker());
    assert!(cancelled.unwrap().is_cancelled());
    restarted.unwrap();
    runs_in_a_new_worker(&manager, &roll).await;
}

#[tokio::test]
async fn one_worker_that_cannot_start_does_not_spoil_the_launch_of_the_others() {
    let directory = scratch();
    let first = directory.path().join("first");
    // Whoever makes the directory is the first of the two, and fails.
    let script = format!("mkdir {} && exit 3; exec {}", first.display(), env!("CARGO_BIN_EXE_lab-worker"));
    let command = ostler::WorkerCommand::program("/bin/sh").arg("-c").arg(script);
    let two = crate::support::workers(2);
    let manager = crate::support::any::<Task>(command).config(two).launch().await.unwrap();
    assert_eq!(manager.start_job("lab", echo("hello")).await.unwrap().output().await.unwrap(), "hello");
}
