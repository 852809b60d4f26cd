//! R19, R21: workers are replaced before they leak too much, and the replacement is ready first.

use std::time::Duration;

use ostler::{
    DownReason, JobManager, LaunchError, ManagerEventKind, Recycling, RestartPolicy, WorkerConfig,
    WorkerPhase,
};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::support::{any, config, echo, lab, lab_worker, within};

fn recycle(recycling: Recycling) -> WorkerConfig {
    WorkerConfig { recycling, restart_policy: RestartPolicy::Always, ..WorkerConfig::default() }
}

async fn pid_of_next(manager: &JobManager<Task>) -> String {
    manager.start_job("lab", Task::Pid).await.unwrap().output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_after_its_number_of_jobs_a_worker_goes_when_its_replacement_is_ready() {
    let recycling = Recycling { after_jobs: Some(5), ..Recycling::default() };
    let manager = any(lab_worker())
        .config(recycle(recycling))
        .plugin_config("lab", config(json!({ "load_ms": 200 })))
        .launch()
        .await
        .unwrap();
    let mut events = manager.events();
    let first = pid_of_next(&manager).await;
    let mut ran_by_first = 1;
    while pid_of_next(&manager).await == first {
        // Not so many that the reader of events below misses some.
        let pause = Task::Linger(Duration::from_millis(10));
        manager.start_job("lab", pause).await.unwrap().output().await.unwrap();
        ran_by_first += 2;
    }
    assert!(ran_by_first >= 5, "{ran_by_first}: it goes on until the next one is loaded");
    let mut story = Vec::new();
    let old = loop {
        match events.next().await.unwrap().unwrap().kind {
            ManagerEventKind::Worker(event) if event.state.phase == WorkerPhase::Gone => break event,
            ManagerEventKind::Worker(event) => story.push((event.state.pid, event.state.phase)),
            _ => {}
        }
    };
    assert_eq!(old.state.pid.unwrap().to_string(), first);
    assert!(old.cause.unwrap().contains("recycled after its number of jobs"));
    let ready_before = story.iter().any(|(pid, phase)| *pid != old.state.pid && *phase == WorkerPhase::Idle);
    assert!(ready_before, "{story:?}");
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_a_worker_that_has_grown_is_replaced_and_one_that_was_large_from_the_start_is_not() {
    let recycling = Recycling { after_growth: Some(64 << 20), ..Recycling::default() };
    let manager = lab().config(recycle(recycling)).launch().await.unwrap();
    let first = pid_of_next(&manager).await;
    for _ in 0..5 {
        assert_eq!(pid_of_next(&manager).await, first);
    }
    manager.start_job("lab", Task::Leak(100 << 20)).await.unwrap().output().await.unwrap();
    let gone = || {
        !manager.workers().iter().any(|worker| worker.pid.map(|pid| pid.to_string()) == Some(first.clone()))
    };
    assert!(within(Duration::from_secs(20), gone).await);
    assert_ne!(pid_of_next(&manager).await, first);
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_a_limit_that_every_first_job_exceeds_is_refused_with_the_figures() {
    let recycling = Recycling { after_growth: Some(4 << 20), ..Recycling::default() };
    let manager = lab().config(recycle(recycling)).launch().await.unwrap();
    let mut events = manager.events();
    let leak = async {
        loop {
            manager.start_job("lab", Task::Leak(16 << 20)).await.unwrap().output().await.unwrap();
        }
    };
    let refused = async {
        loop {
            if let ManagerEventKind::RecyclingRefused(figures) = events.next().await.unwrap().unwrap().kind {
                return figures;
            }
        }
    };
    let figures = tokio::select! { figures = refused => figures, () = leak => unreachable!() };
    assert!(figures.contains("4.0 MiB") && figures.contains("every job"), "{figures}");
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_an_age_that_is_shorter_than_loading_is_refused_at_launch() {
    let recycling = Recycling { after_age: Some(Duration::from_millis(50)), ..Recycling::default() };
    let slow = config(json!({ "load_ms": 300 }));
    let launch = any::<Task>(lab_worker()).config(recycle(recycling)).plugin_config("lab", slow).launch();
    let error = launch.await.unwrap_err();
    assert!(matches!(error, LaunchError::Down(DownReason::LimitTooLow { .. })), "{error}");
    assert!(error.to_string().contains("to load its plugins"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_an_idle_worker_is_replaced_for_its_age() {
    let recycling = Recycling { after_age: Some(Duration::from_secs(3)), ..Recycling::default() };
    let manager = lab().config(recycle(recycling)).launch().await.unwrap();
    let first = pid_of_next(&manager).await;
    let gone = || {
        !manager.workers().iter().any(|worker| worker.pid.map(|pid| pid.to_string()) == Some(first.clone()))
    };
    assert!(within(Duration::from_secs(20), gone).await);
    assert_eq!(manager.start_job("lab", echo("go on")).await.unwrap().output().await.unwrap(), "go on");
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_each_job_gets_a_process_that_has_run_no_other() {
    let recycling = Recycling { fresh_process: true, ..Recycling::default() };
    let config = WorkerConfig {
        standby: 1,
        recycling,
        restart_policy: RestartPolicy::Never,
        ..WorkerConfig::default()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10 {
        assert!(seen.insert(pid_of_next(&manager).await), "a process ran two jobs: {seen:?}");
    }
    // Also one that fails, and one that fails again in its next attempt.
    let failing = manager
        .start_job("lab", Task::Fail("no".to_owned(), ostler::Category::Input))
        .await
        .unwrap()
        .output()
        .await;
    assert!(failing.is_err());
    assert!(seen.insert(pid_of_next(&manager).await));
    manager.shutdown().await.unwrap();
}
