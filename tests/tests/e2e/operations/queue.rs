//! What waits: pause and resume, limits by plugin, priorities that age, and counts.

use std::collections::BTreeMap;
use std::time::Duration;

use ostler::{
    BlockReason, FailureKind, JobCounts, JobStatus, LaunchError, ManagerEventKind, Priority, RerunError,
    WorkerConfig,
};
use ostler_tests::lab::Task;

use super::PATIENCE;
use crate::support::{Gate, echo, failed, lab, launch, started, within, workers};

fn of_lab(limit: u32, max_workers: u32) -> WorkerConfig {
    WorkerConfig { plugin_limits: BTreeMap::from([("lab".to_owned(), limit)]), ..workers(max_workers) }
}

#[tokio::test]
async fn a_paused_manager_starts_nothing_and_lets_active_jobs_finish() {
    let manager = launch().await;
    let mut events = manager.events();
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    started(&running).await;
    manager.pause();
    assert!(manager.is_paused());
    let waiting = manager.start_job("lab", echo("later")).await.unwrap();
    assert_eq!(manager.why_waits(waiting.id()), Some(BlockReason::Paused));
    assert_eq!(manager.why_waits(running.id()), None);
    gate.open();
    running.output().await.unwrap();
    // The worker is free now, and was when this one came.
    let impatient =
        manager.job("lab", echo("never")).queue_timeout(Duration::from_millis(50)).start().await.unwrap();
    assert_eq!(failed(&impatient).await.kind, FailureKind::TimedOut);
    assert_eq!(waiting.status(), JobStatus::Pending);
    manager.resume();
    assert_eq!(waiting.output().await.unwrap(), "later");
    let mut told = Vec::new();
    while told.len() < 2 {
        match events.next().await.unwrap().unwrap().kind {
            ManagerEventKind::Paused => told.push("paused"),
            ManagerEventKind::Resumed => told.push("resumed"),
            _ => {}
        }
    }
    assert_eq!(told, ["paused", "resumed"]);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_of_a_paused_manager_interrupts_what_waits() {
    let manager = launch().await;
    manager.pause();
    let waiting = manager.start_job("lab", echo("never")).await.unwrap();
    manager.shutdown_within(Duration::ZERO).await.unwrap();
    assert_eq!(failed(&waiting).await.kind, FailureKind::Interrupted);
}

#[tokio::test]
async fn no_more_jobs_of_a_plugin_run_than_its_limit_and_others_pass() {
    let manager = lab().config(of_lab(1, 2)).launch().await.unwrap();
    let (gate, others_gate) = (Gate::new(), Gate::new());
    let first = manager.start_job("lab", gate.task()).await.unwrap();
    started(&first).await;
    let second = manager.start_job("lab", others_gate.task()).await.unwrap();
    let other = manager.start_job("other", echo("passes")).await.unwrap();
    // It ends beside the worker that the second one would have had.
    other.finished().await;
    assert_eq!(second.status(), JobStatus::Pending);
    assert_eq!(manager.why_waits(second.id()), Some(BlockReason::PluginLimit { limit: 1 }));
    gate.open();
    first.output().await.unwrap();
    started(&second).await;
    others_gate.open();
    second.output().await.unwrap();
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_job_of_a_limited_plugin_makes_room_for_the_next() {
    let manager = lab().config(of_lab(1, 2)).launch().await.unwrap();
    let first = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&first).await;
    let second = manager.start_job("lab", echo("next")).await.unwrap();
    assert!(manager.cancel_job(first.id()).await.unwrap());
    assert_eq!(second.output().await.unwrap(), "next");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_limit_of_nothing_is_refused() {
    match lab().config(of_lab(0, 1)).launch().await {
        Err(LaunchError::InvalidConfig { field: "plugin_limits", .. }) => {}
        other => panic!("{other:?}"),
    }
}

/// Jobs of these priorities, in the order in which they run.
async fn order(aging_step: Duration, priorities: &[Priority]) -> Vec<usize> {
    let manager = lab().config(WorkerConfig { aging_step, ..workers(1) }).launch().await.unwrap();
    manager.pause();
    let mut jobs = Vec::new();
    for &priority in priorities {
        jobs.push(manager.job("lab", echo("it")).priority(priority).start().await.unwrap());
    }
    manager.resume();
    let mut begun = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        begun.push((job.finished().await.started_at, number));
    }
    begun.sort_unstable();
    manager.shutdown().await.unwrap();
    begun.into_iter().map(|(_, number)| number).collect()
}

#[tokio::test]
async fn a_low_priority_is_passed_for_ever_or_only_for_a_while() {
    let jobs = [Priority::LOW, Priority::NORMAL, Priority::HIGH];
    assert_eq!(order(Duration::ZERO, &jobs).await, [2, 1, 0]);
    assert_eq!(order(Duration::from_nanos(1_000), &[Priority::LOW; 3]).await, [0, 1, 2]);
    // An hour for each step: nobody came that much later.
    assert_eq!(order(Duration::from_secs(3600), &jobs).await, [2, 1, 0]);
}

#[tokio::test]
async fn jobs_are_counted_where_they_stand() {
    let manager = lab().config(WorkerConfig { finished_jobs_kept: 2, ..workers(1) }).launch().await.unwrap();
    assert_eq!(manager.counts(), JobCounts::default());
    manager.start_job("lab", echo("a")).await.unwrap().output().await.unwrap();
    manager.start_job("lab", Task::Exit(3)).await.unwrap().output().await.unwrap_err();
    let running = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&running).await;
    let waiting = manager.start_job("lab", echo("b")).await.unwrap();
    let counts = JobCounts { pending: 1, running: 1, completed: 1, failed: 1, ..JobCounts::default() };
    assert_eq!(manager.counts(), counts);
    assert!(manager.cancel_job(waiting.id()).await.unwrap());
    let counts = JobCounts { running: 1, failed: 1, cancelled: 1, ..JobCounts::default() };
    assert_eq!(manager.counts(), counts, "two that have ended are kept");
    assert_eq!((counts.unfinished(), counts.finished()), (1, 2));
    assert!(manager.cancel_job(running.id()).await.unwrap());
    assert_eq!(manager.clear_completed_jobs(), 2);
    assert_eq!(manager.counts(), JobCounts::default());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_job_that_has_ended_runs_again_as_a_new_one() {
    let manager = launch().await;
    let old = manager.job("lab", Task::Exit(3)).priority(Priority::HIGH).metadata("file", "a.txt");
    let old = old.timeout(Duration::from_secs(60)).start().await.unwrap();
    old.output().await.unwrap_err();
    let gate = Gate::new();
    let again = manager.rerun(old.id()).unwrap().start().await.unwrap();
    let record = again.finished().await;
    assert_ne!(again.id(), old.id());
    assert_eq!((record.rerun_of, record.status), (Some(old.id()), JobStatus::Failed));
    assert_eq!((record.priority, record.timeout), (Priority::HIGH, Some(Duration::from_secs(60))));
    assert_eq!((record.spec.clone(), record.metadata.get_str("file")), (Task::Exit(3), Some("a.txt")));
    assert_eq!(manager.get_job(old.id()).unwrap().rerun_of, None);

    let running = manager.start_job("lab", gate.task()).await.unwrap();
    started(&running).await;
    let refused = RerunError::NotEnded { job: running.id(), status: JobStatus::Running };
    assert_eq!(manager.rerun(running.id()).unwrap_err(), refused);
    gate.open();
    running.output().await.unwrap();
    manager.clear_completed_jobs();
    let unknown = manager.rerun(old.id()).unwrap_err();
    assert_eq!(unknown, RerunError::Unknown { job: old.id() });
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn metadata_changes_while_a_job_waits_and_after_its_end_as_an_event() {
    let manager = launch().await;
    let mut events = manager.events();
    manager.pause();
    let job = manager.start_job("lab", echo("it")).await.unwrap();
    assert!(manager.set_metadata(job.id(), "owner", "alice"));
    manager.resume();
    job.output().await.unwrap();
    assert!(manager.set_metadata(job.id(), "saved_to_disk", true));
    let record = manager.get_job(job.id()).unwrap();
    assert_eq!(record.metadata.get_str("owner"), Some("alice"));
    assert_eq!(record.metadata.get("saved_to_disk"), Some(&true.into()));

    let (mut own, mut names) = (job.events(), Vec::new());
    while let Some(event) = own.next().await {
        names.push(event.unwrap().kind.name());
    }
    assert_eq!(names, ["queued", "metadata", "started", "completed", "metadata"]);
    let mut seen = 0;
    while seen < 2 {
        if let ManagerEventKind::Job { job: of, event, .. } = events.next().await.unwrap().unwrap().kind
            && event.kind.name() == "metadata"
        {
            assert_eq!((of, event.seq), (job.id(), [2, 5][seen]));
            seen += 1;
        }
    }
    manager.clear_completed_jobs();
    assert!(!manager.set_metadata(job.id(), "saved_to_disk", false), "it is unknown now");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn ended_jobs_are_forgotten_when_they_are_old() {
    let kept_for = Duration::from_millis(50);
    let config = WorkerConfig { finished_jobs_kept_for: Some(kept_for), ..workers(1) };
    let manager = lab().config(config).launch().await.unwrap();
    let gate = Gate::new();
    let ended = manager.start_job("lab", echo("it")).await.unwrap();
    ended.output().await.unwrap();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    started(&running).await;
    assert!(within(PATIENCE, || manager.get_job(ended.id()).is_none()).await);
    assert!(manager.job_events(ended.id()).is_none());
    assert_eq!(manager.counts(), JobCounts { running: 1, ..JobCounts::default() });
    gate.open();
    assert_eq!(running.output().await.unwrap(), "open");
    assert_eq!(ended.output().await.unwrap(), "it", "who has a handle has the job");
    manager.shutdown().await.unwrap();
}
