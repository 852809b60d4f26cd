//! Seed 003, the operations, one by one.

use ostler::{BroadcastChannel, JobResult, JobStatus, StaticRegistry};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::support::{Gate, config, echo, lab, launch, runs, started};

#[tokio::test]
async fn seed_003_operations_start_job() {
    let manager = launch().await;
    let job = manager.start_job("lab", echo("Hello World")).await.unwrap();
    assert_eq!((job.plugin_id(), job.status()), (&"lab".into(), JobStatus::Pending));
    assert_eq!(job.output().await.unwrap(), "Hello World");
}

#[tokio::test]
async fn seed_003_operations_cancel_job() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    let pid = started(&job).await;
    assert!(manager.cancel_job(job.id()).await.unwrap());
    assert!(!runs(pid), "true cancellation: the process is gone");
    assert_eq!(manager.get_job(job.id()).unwrap().status, JobStatus::Cancelled);
    // The policy brought another worker.
    assert_eq!(manager.start_job("lab", echo("next")).await.unwrap().output().await.unwrap(), "next");
}

#[tokio::test]
async fn seed_003_operations_get_job() {
    let manager = launch().await;
    let job = manager.start_job("lab", echo("")).await.unwrap();
    assert_eq!(manager.get_job(job.id()).unwrap().id, job.id());
    let stranger = launch().await;
    assert!(stranger.get_job(job.id()).is_none());
}

#[tokio::test]
async fn seed_003_operations_get_all_jobs() {
    let manager = launch().await;
    assert!(manager.get_all_jobs().is_empty());
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(manager.start_job("lab", echo("")).await.unwrap().id());
    }
    let all: Vec<_> = manager.get_all_jobs().iter().map(|job| job.id).collect();
    assert_eq!(all, ids, "oldest first");
}

#[tokio::test]
async fn seed_003_operations_get_job_result() {
    let manager = launch().await;
    let job = manager.start_job("lab", echo("data")).await.unwrap();
    assert_eq!(manager.get_job_result(job.id()), None);
    job.output().await.unwrap();
    assert_eq!(manager.get_job_result(job.id()), Some(JobResult::Success { data: "data".to_owned() }));
}

#[tokio::test]
async fn seed_003_operations_clear_completed_jobs() {
    let manager = launch().await;
    let done = manager.start_job("lab", echo("")).await.unwrap();
    done.output().await.unwrap();
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    assert_eq!(manager.clear_completed_jobs(), 1);
    assert!(manager.get_job(done.id()).is_none() && manager.get_job(running.id()).is_some());
    gate.open();
}

#[tokio::test]
async fn seed_003_operations_unload_plugin() {
    let manager = launch().await;
    manager.unload_plugin("lab").await.unwrap();
    assert_eq!(manager.get_worker_state().await.unwrap()[0].loaded, ["other"]);
    assert!(manager.unload_plugin("nobody").await.is_err());
}

#[tokio::test]
async fn seed_003_operations_reload_plugin() {
    let manager = launch().await;
    manager.reload_plugin("lab", config(json!({ "model": "large" }))).await.unwrap();
    let job = manager.start_job("lab", Task::Config).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "large 2");
    assert!(manager.reload_plugin("lab", config(json!({ "load": "fail" }))).await.is_err());
}

#[tokio::test]
async fn seed_003_operations_get_plugin_name() {
    let registry = StaticRegistry::new().plugin("acme-lab", "lab", "lab", config(json!({})));
    let manager = lab().registry(registry).launch().await.unwrap();
    assert_eq!(manager.get_plugin_name("acme-lab").as_deref(), Some("lab"));
    assert_eq!(manager.get_plugin_name("nobody"), None);
}

#[tokio::test]
async fn seed_003_operations_check_streaming_support() {
    let manager = launch().await;
    assert!(manager.check_streaming_support("lab"));
    assert!(!manager.check_streaming_support("other"), "the plugin cannot");
    assert!(!manager.check_streaming_support("nobody"));
    let manager = crate::operations::Hooked::new().start().await;
    assert!(!manager.check_streaming_support("lab"), "the manager does not want it");
    let job = manager.start_job("lab", Task::Emit(2, 1)).await.unwrap();
    job.output().await.unwrap();
    let mut events = job.events();
    while let Some(event) = events.next().await {
        assert_ne!(event.unwrap().kind.name(), "chunk");
    }
}

#[tokio::test]
async fn seed_003_operations_broadcast_event() {
    let broadcast = BroadcastChannel::default();
    let manager = lab().event_broadcaster(broadcast.clone()).launch().await.unwrap();
    let mut clients = [broadcast.subscribe(), broadcast.subscribe()];
    manager.broadcast_event("model_downloaded", json!({ "model": "base" }));
    for client in &mut clients {
        let Some(ostler::Broadcast::Event(event)) = client.recv().await else { panic!("nothing came") };
        assert_eq!(
            (event.event_type.as_str(), &event.data),
            ("model_downloaded", &json!({ "model": "base" }))
        );
    }
}

#[tokio::test]
async fn seed_003_operations_shutdown() {
    let manager = launch().await;
    let pid = manager.workers()[0].pid.unwrap();
    manager.shutdown().await.unwrap();
    assert!(!runs(pid) && manager.workers().is_empty());
    assert!(manager.start_job("lab", echo("")).await.is_err());
}
