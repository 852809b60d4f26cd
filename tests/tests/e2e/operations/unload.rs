//! `unload_plugin` and `get_worker_state`.

use ostler::{ControlError, WorkerConfig};
use serde_json::json;

use super::reload::loaded_with;
use crate::support::{Gate, config, echo, lab, launch, started, workers};

#[tokio::test]
async fn a_job_for_an_unloaded_plugin_loads_it_again_with_its_config() {
    let configured = lab().plugin_config("lab", config(json!({ "model": "base" })));
    let manager = configured.launch().await.unwrap();
    assert_eq!(loaded_with(&manager).await, "base 1");
    manager.unload_plugin("lab").await.unwrap();
    assert_eq!(manager.get_worker_state().await.unwrap()[0].loaded, ["other"]);
    assert_eq!(loaded_with(&manager).await, "base 2");
    assert_eq!(manager.get_worker_state().await.unwrap()[0].loaded, ["lab", "other"]);

    manager.reload_plugin("lab", config(json!({ "model": "large" }))).await.unwrap();
    manager.unload_plugin("lab").await.unwrap();
    assert_eq!(loaded_with(&manager).await, "large 4", "the config of the reload holds");
}

#[tokio::test]
async fn to_unload_twice_is_no_error() {
    let manager = launch().await;
    manager.unload_plugin("lab").await.unwrap();
    manager.unload_plugin("lab").await.unwrap();
    assert_eq!(loaded_with(&manager).await, " 2");
}

#[tokio::test]
async fn an_unload_that_waits_for_a_busy_worker_too_long_says_so_and_kills_nothing() {
    let unload_timeout = std::time::Duration::from_millis(50);
    let config = WorkerConfig { unload_timeout, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&job).await;
    assert_eq!(manager.unload_plugin("lab").await, Err(ControlError::TimedOut));
    gate.open();
    assert_eq!(job.output().await.unwrap(), "open");
    assert_eq!(job.finished().await.worker_pid, Some(pid));
    assert_eq!(loaded_with(&manager).await, " 1", "what timed out is not done later");
}

#[tokio::test]
async fn get_worker_state_asks_every_worker_also_a_busy_one() {
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let gates = [Gate::new(), Gate::new()];
    let mut busy = Vec::new();
    for gate in &gates {
        let job = manager.start_job("lab", gate.task()).await.unwrap();
        busy.push((started(&job).await, job));
    }
    let mut reports = manager.get_worker_state().await.unwrap();
    reports.sort_by_key(|report| report.pid);
    busy.sort_by_key(|(pid, _)| *pid);
    assert_eq!(reports.len(), 2);
    for (report, (pid, job)) in reports.iter().zip(&busy) {
        assert_eq!((report.pid, report.current_job), (*pid, Some(job.id())));
        assert_eq!((report.loaded.join(" "), report.jobs_done), ("lab other".to_owned(), 0));
    }
    gates.iter().for_each(Gate::open);
    for (_, job) in busy {
        job.output().await.unwrap();
    }
    manager.start_job("lab", echo("")).await.unwrap().output().await.unwrap();
    let reports = manager.get_worker_state().await.unwrap();
    assert_eq!(reports.iter().map(|report| report.jobs_done).sum::<u64>(), 3);
    assert!(reports.iter().all(|report| report.current_job.is_none()), "{reports:?}");
}
