//! Seed 003, what can be injected: all four at once, and none.

use std::time::Duration;

use ostler::{BroadcastChannel, RestartPolicy, StaticRegistry, WorkerConfig, WorkerTable};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::operations::{Calls, PATIENCE};
use crate::support::{Gate, config, echo, lab, launch, started, within};

#[tokio::test]
async fn seed_003_integrations_work_together() {
    let (table, broadcast) = (WorkerTable::new(), BroadcastChannel::default());
    let mut events = broadcast.subscribe();
    let registry = StaticRegistry::new().plugin("acme", "lab", "lab", config(json!({ "model": "base" })));
    let worker_config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 5,
        shutdown_timeout: Duration::from_secs(20),
        ..WorkerConfig::default()
    };
    let builder = lab().registry(registry).resource_manager(table.clone());
    let manager = builder.event_broadcaster(broadcast).config(worker_config).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("acme", gate.task()).await.unwrap();
    let pid = started(&job).await;
    assert!(within(PATIENCE, || table.using("base").iter().any(|worker| worker.pid == Some(pid))).await);
    gate.open();
    job.output().await.unwrap();
    manager.shutdown().await.unwrap();
    drop(manager);
    assert!(table.workers().is_empty());

    let told = Calls::default();
    while let Some(ostler::Broadcast::Event(event)) = events.recv().await {
        if event.data["plugin_id"] == json!("acme") {
            told.note(event.event_type.as_str());
        }
    }
    assert_eq!(told.all(), ["lab:queued", "lab:started", "lab:completed"]);
}

#[tokio::test]
async fn seed_003_integrations_are_all_optional() {
    let manager = launch().await;
    manager.broadcast_event("nobody", json!({}));
    assert_eq!(manager.get_plugin_name("lab").as_deref(), Some("lab"));
    let job = manager.start_job("lab", Task::Config).await.unwrap();
    assert_eq!(job.output().await.unwrap(), " 1");
    assert_eq!(manager.start_job("other", echo("ok")).await.unwrap().output().await.unwrap(), "ok");
}
