//! 4. When `cancel_job` returns true, the job is cancelled and no code of it runs. A pending one kills nobody.

use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use ostler::{CancelOutcome, FailureKind, JobId, JobManager, JobStatus, WorkerConfig, WorkerPhase};
use ostler_tests::lab::Task;
use uuid::Uuid;

use super::agreement::{agreed_end, events};
use crate::support::{Gate, echo, group, lab, launch, runs, scratch, signal, started, within, workers};

/// Runs the task until it hangs, cancels it, and checks at once that nobody of its worker's group is left. Returns
/// who was there.
async fn cancelled_while_hanging(manager: &JobManager<Task>, scratch: &Path, before: Task) -> Vec<u32> {
    let hang = scratch.join("hang");
    let task = Task::Steps(vec![before, Task::Hang(hang.clone())]);
    let job = manager.start_job("lab", task).await.unwrap();
    let worker = started(&job).await;
    assert!(within(Duration::from_secs(30), || hang.exists()).await);
    let members = group(worker);
    assert!(members.contains(&worker));

    assert!(manager.cancel_job(job.id()).await.unwrap());
    let left = group(worker);
    assert!(left.is_empty(), "{left:?} of the worker's group still run");
    assert_eq!(job.status(), JobStatus::Cancelled);
    assert_eq!(agreed_end(manager, &job).await, JobStatus::Cancelled);
    let names: Vec<&str> = events(&job).await.iter().map(|event| event.kind.name()).collect();
    assert_eq!(names, ["queued", "started", "cancelling", "cancelled"]);
    members
}

#[tokio::test]
async fn guarantee_4_when_cancel_returns_true_the_group_is_empty() {
    let (directory, manager) = (scratch(), launch().await);
    cancelled_while_hanging(&manager, directory.path(), echo("nothing before")).await;
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_child_that_the_job_left_in_the_group_dies_with_it() {
    let (directory, manager) = (scratch(), launch().await);
    let before = Task::Steps(vec![Task::LeaveChild, Task::LeaveChild]);
    let members = cancelled_while_hanging(&manager, directory.path(), before).await;
    assert_eq!(members.len(), 3, "the worker and two children were there: {members:?}");
    assert!(members.iter().all(|pid| !runs(*pid)));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_child_of_an_earlier_job_dies_with_its_worker() {
    let (directory, manager) = (scratch(), launch().await);
    let earlier = manager.start_job("lab", Task::LeaveChild).await.unwrap();
    let child: u32 = earlier.output().await.unwrap().parse().unwrap();
    assert!(runs(child), "a job may leave something behind as long as its worker lives");
    cancelled_while_hanging(&manager, directory.path(), echo("nothing before")).await;
    assert!(!runs(child));
    manager.shutdown().await.unwrap();
}

/// A process that forks and ends without pause must not slip through between the kill and the proof.
#[tokio::test]
async fn guarantee_4_a_child_that_forks_without_end_does_not_escape() {
    let (directory, manager) = (scratch(), launch().await);
    for round in 0..5 {
        let place = directory.path().join(round.to_string());
        std::fs::create_dir(&place).unwrap();
        cancelled_while_hanging(&manager, &place, Task::LeaveComet).await;
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_stopped_worker_and_its_stopped_child_can_be_cancelled() {
    let (directory, manager) = (scratch(), launch().await);
    let hang = directory.path().join("hang");
    let task = Task::Steps(vec![Task::LeaveChild, Task::Hang(hang.clone())]);
    let job = manager.start_job("lab", task).await.unwrap();
    let worker = started(&job).await;
    assert!(within(Duration::from_secs(30), || hang.exists()).await);
    for pid in group(worker) {
        signal(pid, "STOP");
    }
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert!(group(worker).is_empty());
    manager.shutdown().await.unwrap();
}

/// A timeout is proven like a cancel.
#[tokio::test]
async fn guarantee_4_of_a_job_that_timed_out_no_code_runs_either() {
    let manager = launch().await;
    let task = Task::Steps(vec![Task::LeaveChild, Task::Spin]);
    let job = manager.job("lab", task).timeout(Duration::from_millis(100)).start().await.unwrap();
    let worker = started(&job).await;
    let failure = job.output().await.unwrap_err().failure().cloned().unwrap();
    assert!(group(worker).is_empty());
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Failed);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_spinning_job_can_be_cancelled() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    let worker = started(&job).await;
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert!(group(worker).is_empty());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_job_that_was_sent_and_not_started_can_be_cancelled() {
    let directory = scratch();
    let path = directory.path().join("roll");
    let manager = launch().await;
    let stopped = manager.workers()[0].pid.unwrap();
    signal(stopped, "STOP");
    // More than a socket holds, so that half of it is still on its way.
    let request = manager.job("lab", Task::Sign(path.clone(), "begins".into()));
    let job = request.attach("big", "x/y", vec![0; 4_000_000]).start().await.unwrap();
    assert_eq!(manager.workers()[0].phase, WorkerPhase::Busy);
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert!(group(stopped).is_empty());
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Cancelled);
    assert_eq!(manager.start_job("lab", echo("next")).await.unwrap().output().await.unwrap(), "next");
    assert!(!path.exists(), "it never began");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_job_that_ignores_its_grace_is_killed() {
    let config = WorkerConfig { cancel_grace: Duration::from_millis(50), ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    for task in [Task::IgnoreCancel, Task::TidyUp] {
        let job = manager.start_job("lab", task).await.unwrap();
        let worker = started(&job).await;
        assert!(job.cancel().await.unwrap().is_cancelled());
        assert!(group(worker).is_empty(), "also one that tidied up may have left a child behind");
        assert_eq!(agreed_end(&manager, &job).await, JobStatus::Cancelled);
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_pending_job_is_cancelled_without_killing_anything() {
    let gate = Gate::new();
    let manager = launch().await;
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&running).await;
    let mut pending = Vec::new();
    for _ in 0..100 {
        pending.push(manager.start_job("lab", echo("never")).await.unwrap());
    }
    let last = manager.start_job("lab", Task::Pid).await.unwrap();
    for job in &pending {
        assert!(manager.cancel_job(job.id()).await.unwrap());
        let names: Vec<&str> = events(job).await.iter().map(|event| event.kind.name()).collect();
        assert_eq!(names, ["queued", "cancelled"]);
        assert_eq!(agreed_end(&manager, job).await, JobStatus::Cancelled);
    }
    assert_eq!(running.status(), JobStatus::Running);
    let workers: Vec<Option<u32>> = manager.workers().iter().map(|worker| worker.pid).collect();
    assert_eq!(workers, [Some(pid)]);
    gate.open();
    assert_eq!(agreed_end(&manager, &running).await, JobStatus::Completed);
    assert_eq!(last.output().await.unwrap(), pid.to_string(), "the same process goes on");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_cancel_hits_only_the_job_that_it_is_meant_for() {
    let (gate, directory) = (Gate::new(), scratch());
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let bystander = manager.start_job("lab", gate.task()).await.unwrap();
    let spared = started(&bystander).await;
    let victim = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    started(&victim).await;
    let queued = manager.start_job("lab", echo("queued")).await.unwrap();
    assert!(victim.cancel().await.unwrap().is_cancelled());
    assert_eq!(queued.output().await.unwrap(), "queued", "the queue behind it is still there");
    assert!(runs(spared));
    gate.open();
    assert_eq!(agreed_end(&manager, &bystander).await, JobStatus::Completed);
    assert_eq!(bystander.finished().await.worker_pid, Some(spared));
    manager.shutdown().await.unwrap();
}

/// All of them have asked before this thread hears of the death.
#[tokio::test]
async fn guarantee_4_concurrent_cancels_share_one_outcome() {
    let directory = scratch();
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let worker = started(&job).await;
    let mut calls: Vec<_> = (0..20).map(|_| Box::pin(manager.cancel_job(job.id()))).collect();
    for call in &mut calls {
        assert!(is_pending(call.as_mut()));
    }
    for call in calls {
        assert_eq!(call.await, Ok(true));
        assert!(group(worker).is_empty());
    }
    assert_eq!(
        job.cancel().await,
        Ok(CancelOutcome::AlreadyCancelled),
        "a later one hears that it had ended before"
    );
    manager.shutdown().await.unwrap();
}

/// Looks once.
fn is_pending(future: Pin<&mut impl Future>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn guarantee_4_a_cancel_goes_on_when_nobody_waits_for_it() {
    let directory = scratch();
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let worker = started(&job).await;
    assert!(is_pending(std::pin::pin!(job.cancel())), "and is dropped");
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Cancelled);
    assert!(group(worker).is_empty());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_4_a_cancel_of_an_ended_or_unknown_job_is_false() {
    let manager = launch().await;
    let job = manager.start_job("lab", echo("done")).await.unwrap();
    job.output().await.unwrap();
    let before = manager.workers();
    assert_eq!(job.cancel().await, Ok(CancelOutcome::AlreadyEnded));
    assert_eq!(manager.cancel_job(JobId::from_uuid(Uuid::now_v7())).await, Ok(false));
    assert_eq!(manager.workers(), before, "and harms nobody");
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Completed);
    manager.shutdown().await.unwrap();
}
