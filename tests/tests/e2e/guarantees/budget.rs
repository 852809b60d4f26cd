//! 7. No more restarts than the policy allows, however the workers fail, loading failures included.

use std::time::Duration;

use ostler::{
    DownReason, FailureKind, JobStatus, LaunchError, ManagerEventKind, RestartPolicy, StartError,
    WorkerConfig, WorkerPhase,
};
use ostler_tests::lab::Task;
use serde_json::json;

use super::agreement::agreed_end;
use crate::support::{Roll, config, echo, group, kill, lab, scratch, started, within};

fn at_most(max_restart_attempts: u32, restart_policy: RestartPolicy) -> WorkerConfig {
    WorkerConfig {
        restart_policy,
        max_restart_attempts,
        max_start_attempts: max_restart_attempts,
        restart_backoff_base: Duration::from_millis(10),
        restart_backoff_max: Duration::from_millis(50),
        ..WorkerConfig::default()
    }
}

const POLICIES: [RestartPolicy; 4] =
    [RestartPolicy::Never, RestartPolicy::OnCancellation, RestartPolicy::Always, RestartPolicy::Backoff];

#[tokio::test]
async fn guarantee_7_a_crash_loop_spends_the_budget_and_no_more() {
    for policy in POLICIES {
        let roll = Roll::new();
        let manager = roll.lab().config(at_most(3, policy)).launch().await.unwrap();
        let mut events = manager.events();
        let mut jobs = Vec::new();
        for _ in 0..10 {
            jobs.push(manager.start_job("lab", Task::Exit(9)).await.unwrap());
        }
        let mut kinds = Vec::new();
        for job in &jobs {
            assert_eq!(agreed_end(&manager, job).await, JobStatus::Failed);
            kinds.push(job.finished().await.error.as_ref().unwrap().kind);
        }
        let mut expected = vec![FailureKind::Crashed; 4];
        expected.resize(10, FailureKind::WorkerUnavailable);
        assert_eq!(kinds, expected, "{policy:?}");
        assert_eq!(roll.pids().len(), 4, "{policy:?}: the first and three restarts");
        let reason = loop {
            if let ManagerEventKind::Down(reason) = events.next().await.unwrap().unwrap().kind {
                break reason;
            }
        };
        assert!(matches!(reason, DownReason::Crashes { restarts: 3, .. }), "{reason}");
        assert!(reason.last_end().unwrap().contains("code 9"), "{reason}");

        match manager.start_job("lab", echo("at once")).await {
            Err(StartError::WorkerUnavailable(said)) => assert_eq!(said, reason),
            other => panic!("{policy:?}: {other:?}"),
        }
        assert!(manager.workers().is_empty());
        assert_eq!(roll.pids().len(), 4, "{policy:?}: it stays down");

        manager.restart_worker().await.unwrap();
        assert_eq!(manager.start_job("lab", echo("again")).await.unwrap().output().await.unwrap(), "again");
        assert_eq!(roll.pids().len(), 5);
        manager.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn guarantee_7_failing_loads_spend_the_budget_and_no_more() {
    for (load, word) in [("fail", "does not fit"), ("panic", "cursed"), ("exit", "code 3")] {
        let roll = Roll::new();
        let builder = roll.lab().config(at_most(2, RestartPolicy::Always));
        let manager =
            builder.plugin_config("lab", config(json!({ "load": load }))).lazy().launch().await.unwrap();
        let jobs = [
            manager.start_job("lab", echo("never")).await.unwrap(),
            manager.start_job("lab", echo("never")).await.unwrap(),
        ];
        for job in &jobs {
            assert_eq!(agreed_end(&manager, job).await, JobStatus::Failed);
            let failure = job.finished().await.error.clone().unwrap();
            assert_eq!(failure.kind, FailureKind::WorkerUnavailable);
            assert!(failure.message.contains(word), "{load}: {}", failure.message);
        }
        assert_eq!(roll.pids().len(), 3, "{load}: the first and two restarts");
        assert!(matches!(
            manager.start_job("lab", echo("never")).await,
            Err(StartError::WorkerUnavailable(_))
        ));
        // What was wrong is still wrong.
        assert!(matches!(manager.restart_worker().await, Err(LaunchError::WorkerStart(_))), "{load}");
        manager.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn guarantee_7_a_launch_that_fails_is_an_error_and_leaves_nothing_behind() {
    let roll = Roll::new();
    let builder = roll.lab().config(at_most(3, RestartPolicy::Always));
    let launched = builder.plugin_config("lab", config(json!({ "load": "fail" }))).launch().await;
    assert!(matches!(launched, Err(LaunchError::WorkerStart(_))), "{launched:?}");
    let pids = roll.pids();
    assert!((1..=4).contains(&pids.len()), "{pids:?}");
    assert!(pids.iter().all(|pid| group(*pid).is_empty()));
}

#[tokio::test]
async fn guarantee_7_the_budget_is_that_of_the_whole_pool() {
    let roll = Roll::new();
    let config = WorkerConfig { max_workers: 3, ..at_most(4, RestartPolicy::Always) };
    let manager = roll.lab().config(config).launch().await.unwrap();
    let mut jobs = Vec::new();
    for _ in 0..30 {
        jobs.push(manager.start_job("lab", Task::Abort(String::new())).await.unwrap());
    }
    let mut crashed = 0;
    for job in &jobs {
        assert_eq!(agreed_end(&manager, job).await, JobStatus::Failed);
        crashed += usize::from(job.finished().await.error.as_ref().unwrap().kind == FailureKind::Crashed);
    }
    assert!(crashed <= 7, "{crashed}");
    assert!(roll.pids().len() <= 7, "three and four restarts: {:?}", roll.pids());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_7_cancels_and_timeouts_never_use_the_budget() {
    for policy in POLICIES {
        let directory = scratch();
        let roll = Roll::new();
        let manager = roll.lab().config(at_most(0, policy)).launch().await.unwrap();
        for round in 0..4 {
            let job =
                manager.start_job("lab", Task::Hang(directory.path().join(round.to_string()))).await.unwrap();
            started(&job).await;
            assert!(job.cancel().await.unwrap().is_cancelled());
            let late =
                manager.job("lab", Task::Spin).timeout(Duration::from_millis(5)).start().await.unwrap();
            assert_eq!(agreed_end(&manager, &late).await, JobStatus::Failed);
            assert_eq!(late.finished().await.error.as_ref().unwrap().kind, FailureKind::TimedOut);
        }
        let next = manager.start_job("lab", echo("next")).await.unwrap();
        assert_eq!(next.output().await.unwrap(), "next", "{policy:?}");
        assert_eq!(roll.pids().len(), 9);
        manager.shutdown().await.unwrap();
    }
}

/// The seeds' restart count never fell again.
#[tokio::test]
async fn guarantee_7_restarts_are_forgotten_when_they_are_older_than_the_window() {
    let window = Duration::from_millis(500);
    let manager = lab()
        .config(WorkerConfig { restart_window: window, ..at_most(1, RestartPolicy::Always) })
        .launch()
        .await
        .unwrap();
    for _ in 0..3 {
        let job = manager.start_job("lab", Task::Exit(1)).await.unwrap();
        assert_eq!(agreed_end(&manager, &job).await, JobStatus::Failed);
        // A job that lasts longer than the window, also if the host is late and some of that time does not count: the restart
        // before it no longer counts.
        let long = manager.start_job("lab", Task::Linger(window * 4)).await.unwrap();
        assert_eq!(agreed_end(&manager, &long).await, JobStatus::Completed);
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_7_several_workers_that_die_while_idle_are_not_restarted_without_end() {
    let roll = Roll::new();
    let config = WorkerConfig { max_workers: 2, ..at_most(3, RestartPolicy::Always) };
    let manager = roll.lab().config(config).launch().await.unwrap();
    let mut events = manager.events();
    let idle = || manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count();
    assert!(within(Duration::from_secs(20), || idle() == 2).await);
    let first: Vec<u32> = manager.workers().into_iter().filter_map(|worker| worker.pid).collect();
    first.iter().copied().for_each(kill);
    let reason = loop {
        match events.next().await.unwrap().unwrap().kind {
            ManagerEventKind::Down(reason) => break reason,
            ManagerEventKind::Worker(worker) if worker.state.phase == WorkerPhase::Idle => {
                worker.state.pid.into_iter().filter(|pid| !first.contains(pid)).for_each(kill);
            }
            _ => {}
        }
    };
    assert!(reason.last_end().unwrap().contains("SIGKILL"));
    assert!(roll.pids().len() <= 5, "two and three restarts: {:?}", roll.pids());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_7_pending_jobs_do_not_wait_for_ever_for_a_pool_that_is_down() {
    let manager = lab().config(at_most(0, RestartPolicy::Backoff)).launch().await.unwrap();
    let crash = manager.start_job("lab", Task::Segfault).await.unwrap();
    let pending = manager.start_job("lab", echo("never")).await.unwrap();
    assert_eq!(agreed_end(&manager, &crash).await, JobStatus::Failed);
    assert_eq!(agreed_end(&manager, &pending).await, JobStatus::Failed);
    let failure = pending.finished().await.error.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::WorkerUnavailable);
    assert!(failure.message.contains("SIGSEGV"), "{}", failure.message);
    assert!(manager.workers().is_empty());
    manager.shutdown().await.unwrap();
}
