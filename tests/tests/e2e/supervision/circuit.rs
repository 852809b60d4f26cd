//! R2, R12, R13: deaths are known at once, restarts are bounded, and no corpse is given a job.

use std::time::{Duration, Instant};

use ostler::{
    DownReason, FailureKind, JobStatus, LaunchError, ManagerEventKind, RestartPolicy, StartError,
    WorkerConfig,
};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::support::{Roll, at_once, config, echo, failed, kill, lab, scratch, started, within};

#[tokio::test]
async fn r2_a_death_is_known_within_100_ms() {
    let config = WorkerConfig { max_restart_attempts: 100, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let directory = scratch();
    let mut times = Vec::new();
    for round in 0..9 {
        let task = Task::Hang(directory.path().join(round.to_string()));
        let job = manager.start_job("lab", task).await.unwrap();
        let pid = started(&job).await;
        let killed = Instant::now();
        kill(pid);
        assert_eq!(failed(&job).await.kind, FailureKind::Crashed);
        times.push(killed.elapsed());
    }
    times.sort();
    println!("from the kill to the failure: {times:?}");
    assert!(times[0] < Duration::from_millis(100), "none of nine: {times:?}");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r12_a_plugin_that_never_loads_gets_the_allowed_restarts_and_then_all_is_told() {
    let roll = Roll::new();
    let directory = scratch();
    let gate = directory.path().join("gate");
    let bad = |load: &str| config(json!({ "load": load, "gate": gate }));
    let settings = WorkerConfig {
        restart_policy: RestartPolicy::Backoff,
        restart_backoff_base: Duration::from_millis(1),
        restart_backoff_max: Duration::from_millis(5),
        ..WorkerConfig::default()
    };
    let manager =
        roll.lab().config(settings).plugin_config("lab", bad("fail")).lazy().launch().await.unwrap();
    let mut events = manager.events();
    let waits = manager.start_job("lab", echo("never")).await.unwrap();
    std::fs::write(&gate, "").unwrap();
    assert_eq!(failed(&waits).await.kind, FailureKind::WorkerUnavailable);
    assert_eq!(roll.pids().len(), 4, "the first, and three restarts");
    let reason = loop {
        if let ManagerEventKind::Down(reason) = events.next().await.unwrap().unwrap().kind {
            break reason;
        }
    };
    assert!(matches!(reason, DownReason::LoadFailures { restarts: 3, .. }), "{reason}");
    assert!(reason.to_string().contains("the model does not fit"), "{reason}");
    let asked = Instant::now();
    let refused = manager.start_job("lab", echo("at once")).await;
    assert!(matches!(refused, Err(StartError::WorkerUnavailable(_))), "{refused:?}");
    assert!(asked.elapsed() < Duration::from_secs(1));

    let error = manager.restart_worker().await.unwrap_err();
    assert!(matches!(error, LaunchError::WorkerStart(_)), "{error}");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r12_restart_worker_brings_back_a_pool_whose_jobs_have_all_crashed() {
    let roll = Roll::new();
    let settings = WorkerConfig { max_restart_attempts: 2, ..at_once() };
    let manager = roll.lab().config(settings).launch().await.unwrap();
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let job = manager.start_job("lab", Task::Segfault).await.unwrap();
        kinds.push(failed(&job).await.kind);
    }
    assert_eq!(kinds, [FailureKind::Crashed; 3]);
    assert!(matches!(manager.start_job("lab", echo("no")).await, Err(StartError::WorkerUnavailable(_))));
    assert_eq!(roll.pids().len(), 3, "the first, and two restarts");
    manager.restart_worker().await.unwrap();
    let job = manager.start_job("lab", echo("back")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "back");
    assert_eq!(roll.pids().len(), 4);
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r13_a_job_that_is_handed_to_a_corpse_runs_elsewhere_unblamed() {
    let config = WorkerConfig { max_restart_attempts: 1000, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    for _ in 0..50 {
        let ready = || manager.workers().iter().any(|worker| worker.phase == ostler::WorkerPhase::Idle);
        assert!(within(Duration::from_secs(20), ready).await);
        // It is idle, and dead before anybody can have told the manager.
        manager.workers().iter().filter_map(|worker| worker.pid).for_each(kill);
        let job = manager.start_job("lab", echo("unharmed")).await.unwrap().finished().await;
        assert_eq!((job.status, job.attempt), (JobStatus::Completed, 1), "{job:?}");
    }
    manager.shutdown().await.unwrap();
}
