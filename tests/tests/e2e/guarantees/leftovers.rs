//! Guarantee 8: after a shutdown, and within a second of dropping the manager, no process of a worker's group and no
//! socket is left. Nor do they need the manager's runtime for it.

use std::time::Duration;

use ostler::{FailureKind, JobHandle, JobManager, JobStatus, StartError, WorkerConfig};
use ostler_tests::lab::Task;
use serde_json::json;
use tokio::runtime::Runtime;

use super::agreement::agreed_end;
use crate::support::{
    Gate, Roll, config, echo, group, is_held, kill, lab, launch, scratch, signal, socket_of, started, within,
    workers,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn guarantee_8_after_shutdown_nothing_is_left() {
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let job = manager.start_job("lab", Task::LeaveChild).await.unwrap();
    job.output().await.unwrap();
    let worker = job.finished().await.worker_pid.unwrap();
    let socket = socket_of(worker);
    assert!(is_held(&socket));
    assert_eq!(group(worker).len(), 2, "the worker and the child that its job left");
    let all: Vec<u32> = manager.workers().into_iter().filter_map(|worker| worker.pid).collect();
    manager.shutdown().await.unwrap();
    assert!(all.into_iter().flat_map(group).next().is_none());
    assert!(!is_held(&socket));
}

#[tokio::test]
async fn guarantee_8_a_shutdown_ends_what_does_not_end() {
    let directory = scratch();
    let config = WorkerConfig { shutdown_timeout: Duration::from_millis(50), ..workers(2) };
    let manager = lab().config(config).launch().await.unwrap();
    let hanging = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let spinning = manager.start_job("lab", Task::Spin).await.unwrap();
    let pids = [started(&hanging).await, started(&spinning).await];
    let pending = manager.start_job("lab", echo("never")).await.unwrap();
    signal(pids[0], "STOP");
    // A second call waits for the first.
    let (first, second) = tokio::join!(manager.shutdown(), manager.shutdown());
    first.and(second).unwrap();
    assert!(pids.into_iter().flat_map(group).next().is_none());
    for job in [&hanging, &spinning, &pending] {
        assert_eq!(agreed_end(&manager, job).await, JobStatus::Failed);
        assert_eq!(job.finished().await.error.as_ref().unwrap().kind, FailureKind::Interrupted);
    }
    assert!(matches!(manager.start_job("lab", echo("late")).await, Err(StartError::ShutDown)));
}

#[tokio::test]
async fn guarantee_8_a_shutdown_lets_jobs_finish() {
    let gate = Gate::new();
    let manager = launch().await;
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pending = manager.start_job("lab", echo("too")).await.unwrap();
    started(&job).await;
    let shutdown = tokio::spawn({
        let manager = manager.clone();
        async move { manager.shutdown().await }
    });
    let mut events = manager.events();
    // The intake closes first; then the gate may open.
    assert!(within(Duration::from_secs(30), || intake_is_closed(&manager)).await);
    gate.open();
    assert_eq!(pending.output().await.unwrap(), "too");
    shutdown.await.unwrap().unwrap();
    while events.next().await.is_some() {}
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Completed);
}

fn intake_is_closed(manager: &JobManager<Task>) -> bool {
    let mut start = std::pin::pin!(manager.start_job("lab", echo("probe")));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    matches!(start.as_mut().poll(&mut context), std::task::Poll::Ready(Err(StartError::ShutDown)))
}

#[tokio::test]
async fn guarantee_8_within_a_second_of_the_drop_nothing_is_left() {
    let directory = scratch();
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let hang = directory.path().join("hang");
    let task = Task::Steps(vec![Task::LeaveChild, Task::Hang(hang)]);
    let job = manager.start_job("lab", task).await.unwrap();
    let pending = [
        manager.start_job("lab", Task::Spin).await.unwrap(),
        manager.start_job("lab", echo("never")).await.unwrap(),
    ];
    let worker = started(&job).await;
    let socket = socket_of(worker);
    let clone = manager.clone();
    drop(manager);
    assert_eq!(job.status(), JobStatus::Running, "a clone keeps it alive, a handle does not");
    drop(clone);
    assert!(within(SECOND, || group(worker).is_empty() && !is_held(&socket)).await);
    for job in pending.iter().chain([&job]) {
        let failure = job.output().await.unwrap_err().failure().cloned().unwrap();
        assert_eq!(failure.kind, FailureKind::Interrupted);
    }
}

#[tokio::test]
async fn guarantee_8_a_launch_that_is_given_up_leaves_nothing() {
    let roll = Roll::new();
    let launch = roll.lab().plugin_config("lab", config(json!({ "load": "hang" }))).launch();
    tokio::select! {
        launched = launch => panic!("{launched:?}"),
        loading = within(Duration::from_secs(30), || !roll.pids().is_empty()) => assert!(loading),
    }
    let worker = roll.pids()[0];
    assert!(within(SECOND, || group(worker).is_empty()).await);
}

/// Nobody drives the runtime any more: the supervisor's thread alone must end the workers.
#[test]
fn guarantee_8_a_manager_is_dropped_while_its_runtime_is_blocked() {
    let directory = scratch();
    let runtime = driver();
    let task = Task::Steps(vec![Task::LeaveChild, Task::Hang(directory.path().join("hang"))]);
    let (manager, _job, worker) = runtime.block_on(running(task));
    assert!(!group(worker).is_empty());
    drop(manager);
    assert!(driver().block_on(within(SECOND, || group(worker).is_empty())));
}

#[test]
fn guarantee_8_a_runtime_that_is_dropped_with_jobs_running_leaves_nothing() {
    let directory = scratch();
    // The kill and the news of it race with the end of the jobs.
    for round in 0..8 {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let task = Task::Hang(directory.path().join(round.to_string()));
        let (manager, job, worker) = runtime.block_on(running(task));
        let socket = socket_of(worker);
        drop(runtime);
        driver().block_on(async {
            assert!(within(SECOND, || group(worker).is_empty() && !is_held(&socket)).await);
            assert_eq!(failure(&job).await, FailureKind::Interrupted);
            assert!(matches!(manager.start_job("lab", echo("late")).await, Err(StartError::ShutDown)));
            manager.shutdown().await.unwrap();
        });
    }
}

/// The supervisor has told of the death, and the runtime ends before anybody hears it. The end of the manager goes
/// first, so that nothing is started for a job that may have begun.
#[test]
fn guarantee_8_a_death_that_the_dropped_runtime_did_not_see_is_not_forgotten() {
    let directory = scratch();
    let runtime = driver();
    let (manager, job, worker) = runtime.block_on(running(Task::Hang(directory.path().join("hang"))));
    kill(worker);
    let reaped = || !std::path::Path::new(&format!("/proc/{worker}")).exists();
    assert!(driver().block_on(within(Duration::from_secs(30), reaped)));
    drop(runtime);
    driver().block_on(async {
        assert_eq!(failure(&job).await, FailureKind::Interrupted);
        manager.shutdown().await.unwrap();
    });
}

/// A job that has begun, with its manager and its worker.
async fn running(task: Task) -> (JobManager<Task>, JobHandle<Task>, u32) {
    let manager = launch().await;
    let job = manager.start_job("lab", task).await.unwrap();
    let worker = started(&job).await;
    (manager, job, worker)
}

async fn failure(job: &JobHandle<Task>) -> FailureKind {
    let output = tokio::time::timeout(Duration::from_secs(30), job.output());
    output.await.unwrap().unwrap_err().failure().unwrap().kind
}

/// A runtime of one thread, which works only while it is asked to.
fn driver() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn guarantee_8_nobody_can_connect_once_the_worker_has() {
    let manager = launch().await;
    let worker = manager.workers()[0].pid.unwrap();
    let socket = socket_of(worker);
    let listener = || {
        let table = std::fs::read_to_string("/proc/net/unix").unwrap();
        // The flag __SO_ACCEPTCON: it listens.
        let listens = |line: &&str| line.contains(&socket) && line.split(' ').nth(3) == Some("00010000");
        table.lines().find(listens).map(str::to_owned)
    };
    // A process that another test is just making has a copy of it until it is its own program.
    assert!(within(SECOND, || listener().is_none()).await, "{:?}", listener());
    manager.shutdown().await.unwrap();
}
