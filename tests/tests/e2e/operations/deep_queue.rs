//! Many jobs that wait behind a busy worker.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use ostler::{CancelRequest, FailureKind, JobHandle, JobManager, JobStatus, WorkerConfig, WorkerPhase};
use ostler_tests::lab::Task;

use crate::support::{echo, failed, lab, runs, started, within};

/// More than are ended or cancelled in one go.
const MANY: usize = 3_000;
const HOUR: Duration = Duration::from_secs(3_600);

/// A worker that is busy, and so many jobs behind it.
async fn queue(manager: &JobManager<Task>, jobs: usize) -> (JobHandle<Task>, u32, Vec<JobHandle<Task>>) {
    let busy = manager.start_job("lab", Task::Linger(HOUR)).await.unwrap();
    let pid = started(&busy).await;
    let mut waiting = Vec::new();
    for _ in 0..jobs {
        waiting.push(manager.start_job("lab", echo("hello")).await.unwrap());
    }
    (busy, pid, waiting)
}

/// One goes through all jobs, again and again, while another one cancels an early job and then starts one that names
/// it. If nobody could come in between, a list with the new job would show the early one as cancelled.
#[tokio::test]
async fn whoever_lists_many_jobs_does_not_hold_up_those_who_start_and_cancel() {
    let config = WorkerConfig { finished_jobs_kept: 10_000, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let (_busy, _, waiting) = queue(&manager, 20_000).await;
    let came_in_between = Arc::new(AtomicBool::new(false));
    let (tell, lists) = std::sync::mpsc::channel();
    let lister = {
        let (manager, came_in_between) = (manager.clone(), Arc::clone(&came_in_between));
        std::thread::spawn(move || {
            // The other one has so many changes to make.
            while !came_in_between.load(Relaxed) && manager.get_running_jobs().len() == 1 {
                let jobs = manager.get_all_jobs();
                let statuses: HashMap<_, _> =
                    jobs.iter().map(|job| (job.id.to_string(), job.status)).collect();
                let names_a_pending_one = jobs.iter().any(|job| match &job.spec {
                    Task::Echo(text) => statuses.get(text) == Some(&JobStatus::Pending),
                    _ => false,
                });
                came_in_between.store(names_a_pending_one, Relaxed);
                // Nobody hears more than the first one.
                let _ = tell.send(());
            }
        })
    };
    lists.recv().unwrap();
    for early in &waiting {
        if came_in_between.load(Relaxed) {
            break;
        }
        assert!(early.cancel().await.unwrap().is_cancelled());
        manager.start_job("lab", echo(&early.id().to_string())).await.unwrap();
    }
    manager.cancel_all(CancelRequest::new()).await;
    // It may still be at a list.
    lister.join().unwrap();
    assert!(came_in_between.load(Relaxed));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn all_jobs_of_a_manager_that_is_dropped_end() {
    let manager = lab().launch().await.unwrap();
    let (busy, pid, waiting) = queue(&manager, MANY).await;
    drop(manager);
    for job in waiting.iter().chain([&busy]) {
        assert_eq!(failed(job).await.kind, FailureKind::Interrupted);
    }
    assert!(within(Duration::from_secs(1), || !runs(pid)).await);
}

#[tokio::test]
async fn whoever_cancels_all_lets_none_begin_in_between() {
    let config = WorkerConfig { standby: 1, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let (busy, _, waiting) = queue(&manager, MANY).await;
    // It would take a job as soon as the busy one is killed.
    let standby_is_there = || manager.workers().iter().any(|worker| worker.phase == WorkerPhase::Idle);
    assert!(within(Duration::from_secs(10), standby_is_there).await);
    let summary = manager.cancel_all(CancelRequest::new()).await;
    assert_eq!(summary.cancelled.len(), MANY + 1);
    assert!(busy.finished().await.started_at.is_some());
    for job in waiting {
        let record = job.finished().await;
        let proof = record.cancellation.as_ref().and_then(|cancellation| cancellation.forensics.as_ref());
        assert!(proof.is_none(), "it was sent to a worker: {proof:?}");
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn clearing_forgets_all_that_have_ended_and_their_events() {
    let config = WorkerConfig { finished_jobs_kept: 2 * MANY, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let (busy, _, waiting) = queue(&manager, MANY).await;
    for job in &waiting[..MANY - 1] {
        assert!(job.cancel().await.unwrap().is_cancelled());
    }
    assert_eq!(manager.get_all_jobs().len(), MANY + 1);
    assert_eq!(manager.clear_completed_jobs(), MANY - 1);
    let left: Vec<_> = manager.get_all_jobs().iter().map(|job| job.id).collect();
    assert_eq!(left, [busy.id(), waiting[MANY - 1].id()]);
    assert!(manager.job_events(waiting[0].id()).is_none());
    manager.shutdown_within(Duration::ZERO).await.unwrap();
}
