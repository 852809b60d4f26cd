//! R10: no deadline is judged before what came earlier was read, and none counts the time in which the host did not run.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ostler::{
    FailureKind, JobManager, JobStatus, ManagerEventKind, WorkerCommand, WorkerConfig, WorkerPhase,
};
use ostler_tests::lab::Task;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{
    Gate, LAB_WORKER, LabJobsIn, at_once, echo, is_stopped, lab, scratch, signal, started, within,
};

const LONGER_THAN_A_SECOND: Duration = Duration::from_millis(2_500);

/// The only thread of the runtime does something else, and hears nobody.
fn block() {
    std::thread::sleep(LONGER_THAN_A_SECOND);
}

#[tokio::test]
async fn r10_a_job_that_is_done_in_time_is_completed_though_its_host_was_blocked() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let second = Duration::from_secs(1);
    let in_time = Task::Linger(Duration::from_millis(300));
    let job = manager.job("lab", in_time.clone()).timeout(second).start().await.unwrap();
    started(&job).await;
    block();
    let record = job.finished().await;
    assert_eq!(record.status, JobStatus::Completed, "{:?}", record.error);

    let step = || [in_time.clone(), Task::Progress(1)];
    let steps = Task::Steps((0..8).flat_map(|_| step()).collect());
    let job = manager.job("lab", steps).stall_timeout(second).start().await.unwrap();
    started(&job).await;
    block();
    let record = job.finished().await;
    assert_eq!(record.status, JobStatus::Completed, "{:?}", record.error);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r10_a_worker_that_is_ready_in_time_is_not_killed_though_its_host_was_blocked() {
    let second = Duration::from_secs(1);
    let config = WorkerConfig { worker_start_timeout: second, load_timeout: second, ..at_once() };
    let manager = lab().config(config).lazy().launch().await.unwrap();
    let mut events = manager.events();
    let job = manager.start_job("lab", echo("here")).await.unwrap();
    let mut pids = Vec::new();
    let mut is_blocked = [WorkerPhase::Starting, WorkerPhase::Loading].into_iter();
    let mut next = is_blocked.next();
    while next.is_some() {
        let Some(Ok(event)) = events.next().await else { continue };
        let ManagerEventKind::Worker(worker) = event.kind else { continue };
        pids.extend(worker.state.pid);
        if Some(worker.state.phase) == next {
            block();
            next = is_blocked.next();
        }
    }
    assert_eq!(job.output().await.unwrap(), "here");
    pids.dedup();
    assert_eq!(pids.len(), 1, "one worker was enough: {pids:?}");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r10_a_killed_worker_that_died_in_time_is_no_process_that_does_not_die() {
    let config = WorkerConfig { kill_timeout: Duration::from_secs(1), ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&job).await;
    let cancelled = manager.cancel_job(job.id());
    tokio::pin!(cancelled);
    tokio::select! {
        biased;
        done = &mut cancelled => assert!(done.unwrap()),
        () = std::future::ready(()) => {
            block();
            assert!(cancelled.await.unwrap());
        }
    }
    manager.shutdown().await.unwrap();
}

/// Whether its start took too long is being judged while it says hello. Of such a worker no deadline was ever judged again,
/// in a job or in a shutdown. When it comes cannot be said to the millisecond: so many come.
#[tokio::test]
async fn r10_a_worker_that_says_hello_at_the_last_moment_is_judged_like_any_other() {
    let mut tries = JoinSet::new();
    for millis in (250..310).step_by(3) {
        let script = format!("sleep 0.{millis}; exec \"$0\"");
        let worker = WorkerCommand::program("/bin/sh").arg("-c").arg(script).arg(LAB_WORKER);
        let worker_start_timeout = Duration::from_millis(300);
        let config = WorkerConfig { worker_start_timeout, max_start_attempts: 0, ..at_once() };
        tries.spawn(async move {
            // Some come too late.
            let Ok(manager) = JobManager::builder(LabJobsIn(worker)).config(config).launch().await else {
                return;
            };
            let job = manager.job("lab", Task::IgnoreCancel).timeout(Duration::from_millis(100));
            let job = job.start().await.unwrap();
            let record = timeout(Duration::from_secs(30), job.finished()).await;
            let record =
                record.unwrap_or_else(|_| panic!("it came after {millis} ms, and its job never ends"));
            assert_eq!(record.error.as_ref().map(|failure| failure.kind), Some(FailureKind::TimedOut));
            manager.shutdown().await.unwrap();
        });
    }
    while let Some(done) = tries.join_next().await {
        done.unwrap();
    }
}

/// The host is stopped as a container is paused, and its worker goes on.
#[tokio::test]
async fn r10_a_job_that_is_done_while_its_host_is_stopped_is_completed() {
    let directory = scratch();
    let file = directory.path().join("done");
    let gate = Gate::new();
    let task = Task::Steps(vec![gate.task(), Task::Progress(1), Task::Sign(file.clone(), "here".to_owned())]);
    let mut host = Command::new(env!("CARGO_BIN_EXE_lab-host"))
        .args(["timed", &serde_json::to_string(&task).unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    signal(host.id(), "STOP");
    let stopped = Instant::now();
    assert!(within(Duration::from_secs(60), || is_stopped(host.id())).await);
    gate.open();
    assert!(within(Duration::from_secs(60), || file.exists()).await);
    assert!(within(Duration::from_secs(60), || stopped.elapsed() > LONGER_THAN_A_SECOND).await);
    signal(host.id(), "CONT");
    let outcome = lines.next().unwrap().unwrap();
    assert!(outcome.starts_with("completed"), "{outcome}");
    assert!(host.wait().unwrap().success());
}
