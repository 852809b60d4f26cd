use std::collections::BTreeSet;
use std::time::Duration;

use ostler::{ControlError, JobManager, LaunchError, Recycling, WorkerConfig, WorkerPhase};
use ostler_tests::lab::Task;
use serde_json::json;

use super::PATIENCE;
use crate::support::{Gate, config, kill, lab, launch, runs, started, within, workers};

/// What a job of the plugin says it was loaded with, and how often its process has loaded it.
pub(super) async fn loaded_with(manager: &JobManager<Task>) -> String {
    manager.start_job("lab", Task::Config).await.unwrap().output().await.unwrap()
}

/// A worker that comes back soon, and a reload that is not given long.
fn impatient() -> WorkerConfig {
    WorkerConfig {
        restart_backoff_base: Duration::from_millis(1),
        reload_timeout: Duration::from_secs(2),
        ..WorkerConfig::default()
    }
}

#[tokio::test]
async fn reload_plugin_loads_the_new_config_and_it_survives_a_restart() {
    let configured = lab().plugin_config("lab", config(json!({ "model": "base" }))).config(impatient());
    let manager = configured.launch().await.unwrap();
    assert_eq!(loaded_with(&manager).await, "base 1");
    manager.reload_plugin("lab", config(json!({ "model": "large" }))).await.unwrap();
    assert_eq!(loaded_with(&manager).await, "large 2");

    let pid = manager.workers()[0].pid.unwrap();
    kill(pid);
    assert!(within(PATIENCE, || manager.workers().iter().any(|worker| worker.pid != Some(pid))).await);
    assert_eq!(loaded_with(&manager).await, "large 1");
}

#[tokio::test]
async fn reload_plugin_reaches_every_worker() {
    let manager = lab().config(workers(3)).launch().await.unwrap();
    let all_idle =
        || manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count() == 3;
    assert!(within(PATIENCE, all_idle).await);
    manager.reload_plugin("lab", config(json!({ "model": "large" }))).await.unwrap();

    let gates = [Gate::new(), Gate::new(), Gate::new()];
    let mut pids = BTreeSet::new();
    for gate in &gates {
        pids.insert(started(&manager.start_job("lab", gate.task()).await.unwrap()).await);
    }
    assert_eq!(pids.len(), 3);
    for gate in &gates {
        let job = manager.start_job("lab", Task::Config).await.unwrap();
        gate.open();
        assert_eq!(job.output().await.unwrap(), "large 2");
    }
}

#[tokio::test]
async fn reload_plugin_waits_until_a_busy_worker_is_idle_and_goes_before_the_next_job() {
    let manager = launch().await;
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&running).await;
    let next = manager.start_job("lab", Task::Config).await.unwrap();
    let reloader = manager.clone();
    let reload =
        tokio::spawn(async move { reloader.reload_plugin("lab", config(json!({ "model": "large" }))).await });
    tokio::task::yield_now().await;
    assert!(!reload.is_finished());
    gate.open();
    reload.await.unwrap().unwrap();
    assert_eq!(running.output().await.unwrap(), "open");
    assert_eq!(next.output().await.unwrap(), "large 2");
    assert_eq!(manager.workers()[0].pid, Some(pid));
}

#[tokio::test]
async fn a_reload_that_the_plugin_refuses_says_why_and_the_old_config_stays() {
    let configured = lab().plugin_config("lab", config(json!({ "model": "base" })));
    let manager = configured.launch().await.unwrap();
    for (bad, why) in [("fail", "the model does not fit"), ("panic", "the model is cursed")] {
        let error = manager.reload_plugin("lab", config(json!({ "load": bad }))).await.unwrap_err();
        assert!(matches!(&error, ControlError::Plugin(message) if message.contains(why)), "{error}");
    }
    assert!(loaded_with(&manager).await.starts_with("base "));
    let not_a_config = config(json!({ "model": 7 }));
    let error = manager.reload_plugin("lab", not_a_config).await.unwrap_err();
    assert!(matches!(error, ControlError::Plugin(_)), "{error}");
    assert!(loaded_with(&manager).await.starts_with("base "));
}

#[tokio::test]
async fn a_reload_that_takes_too_long_says_so_and_its_worker_is_replaced() {
    let configured = lab().plugin_config("lab", config(json!({ "model": "base" }))).config(impatient());
    let manager = configured.launch().await.unwrap();
    let pid = manager.workers()[0].pid.unwrap();
    let error = manager.reload_plugin("lab", config(json!({ "load": "hang" }))).await.unwrap_err();
    assert_eq!(error, ControlError::TimedOut);
    assert_eq!(loaded_with(&manager).await, "base 1");
    assert!(!runs(pid));
}

#[tokio::test]
async fn a_worker_that_dies_of_a_reload_is_no_success() {
    let configured = lab().plugin_config("lab", config(json!({ "model": "base" }))).config(impatient());
    let manager = configured.launch().await.unwrap();
    let error = manager.reload_plugin("lab", config(json!({ "load": "exit" }))).await.unwrap_err();
    assert_eq!(error, ControlError::NoLiveWorker);
    assert_eq!(loaded_with(&manager).await, "base 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_waits_for_the_next_process_where_each_job_gets_its_own() {
    let recycling = Recycling { fresh_process: true, ..Recycling::default() };
    let configured = lab().plugin_config("lab", config(json!({ "model": "base" })));
    let manager =
        configured.config(WorkerConfig { recycling, ..WorkerConfig::default() }).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    started(&job).await;
    let (reloaded, ()) =
        tokio::join!(manager.reload_plugin("lab", config(json!({ "model": "large" }))), async {
            gate.open()
        });
    reloaded.unwrap();
    assert_eq!(loaded_with(&manager).await, "large 2");
    assert_eq!(loaded_with(&manager).await, "large 1");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn reload_and_unload_say_when_there_is_no_worker_or_no_such_plugin() {
    let manager = lab().lazy().launch().await.unwrap();
    let none = Err(ControlError::NoLiveWorker);
    assert_eq!(manager.reload_plugin("lab", config(json!({}))).await, none);
    assert_eq!(manager.unload_plugin("lab").await, none);
    assert_eq!(manager.get_worker_state().await.unwrap_err(), ControlError::NoLiveWorker);

    loaded_with(&manager).await;
    let unknown = Err(ControlError::UnknownPlugin { plugin: "labb".to_owned() });
    assert_eq!(manager.reload_plugin("labb", config(json!({}))).await, unknown);
    assert_eq!(manager.unload_plugin("labb").await, unknown);
    manager.shutdown().await.unwrap();
    assert_eq!(manager.unload_plugin("lab").await, Err(ControlError::ShutDown));
}

#[tokio::test]
async fn a_reload_while_the_first_worker_loads_loses_nothing_of_what_it_says() {
    let gate = Gate::new();
    let gated = config(json!({ "model": "base", "gate": gate.path() }));
    let manager = lab().plugin_config("lab", gated).lazy().launch().await.unwrap();
    let job = manager.start_job("lab", Task::Config).await.unwrap();
    let is_loading = || manager.workers().iter().any(|worker| worker.phase == WorkerPhase::Loading);
    assert!(within(PATIENCE, is_loading).await);
    let reload = manager.reload_plugin("lab", config(json!({ "model": "large" })));
    let open = async { gate.open() };
    let (reloaded, ()) = tokio::join!(reload, open);
    reloaded.unwrap();
    assert_eq!(job.output().await.unwrap(), "large 2");
    assert!(manager.check_streaming_support("lab"));
    assert_eq!(manager.plugins().len(), 2);
}

#[tokio::test]
async fn a_config_that_fits_in_no_frame_is_an_error_and_kills_nobody() {
    let small = WorkerConfig { max_frame_bytes: 8192, ..WorkerConfig::default() };
    let manager = lab().config(small.clone()).launch().await.unwrap();
    let pid = manager.workers()[0].pid;
    let huge = config(json!({ "model": "x".repeat(9000) }));
    let error = manager.reload_plugin("lab", huge.clone()).await.unwrap_err();
    assert!(matches!(&error, ControlError::ConfigTooLarge { plugin, .. } if plugin == "lab"), "{error}");
    assert_eq!(manager.workers()[0].pid, pid);
    let error = lab().config(small).plugin_config("lab", huge).launch().await.unwrap_err();
    assert!(matches!(&error, LaunchError::PluginConfigTooLarge { plugin, .. } if plugin == "lab"), "{error}");
}
