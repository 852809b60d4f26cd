//! Seed 003, the hook methods, with what its examples do in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ostler::{Admission, BaseJobManager, PluginConfig, WorkerPhase};
use serde_json::json;

use crate::operations::{Hooked, PATIENCE};
use crate::support::{Gate, LabJobs, config, echo, lab, scratch, started, within};

#[test]
fn seed_003_hooks_extract_plugin_resource_identifier_tries_the_common_keys_in_order() {
    let identifier = |value| LabJobs.extract_plugin_resource_identifier(&config(value));
    let all = json!({ "resource_id": "a", "model_id": "b", "model": "c", "model_name": "d" });
    assert_eq!(identifier(all), "a");
    assert_eq!(identifier(json!({ "model_id": "b", "model": "c", "model_name": "d" })), "b");
    assert_eq!(identifier(json!({ "model": "c", "model_name": "d" })), "c");
    assert_eq!(identifier(json!({ "model": null, "model_name": "d" })), "d");
    assert_eq!(identifier(json!({ "path": "/x" })), "unknown");
    assert_eq!(LabJobs.extract_plugin_resource_identifier(&PluginConfig::new()), "unknown");
}

#[tokio::test]
async fn seed_003_hooks_the_resource_identifier_is_shown_with_the_worker() {
    let manager = lab().plugin_config("lab", config(json!({ "model": "base" }))).launch().await.unwrap();
    let gate = Gate::new();
    started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    assert_eq!(manager.workers()[0].resource.as_deref(), Some("base"));
    gate.open();
}

/// The example of the text: "Another job is already running".
#[tokio::test]
async fn seed_003_hooks_validate_resources_sees_who_runs_and_may_refuse() {
    let busy = |worker: &ostler::WorkerState| worker.phase == WorkerPhase::Busy && worker.plugin.is_some();
    let hooked = Hooked::new().admission(move |_, _, workers| match workers.iter().any(busy) {
        true => Admission::Refuse { reason: "Another job is already running".to_owned() },
        false => Admission::Proceed,
    });
    let manager = hooked.start().await;
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    started(&job).await;
    let error = manager.start_job("lab", echo("")).await.unwrap_err();
    assert_eq!(error.to_string(), "Resource validation failed: Another job is already running");
    gate.open();
    job.output().await.unwrap();
    assert_eq!(manager.start_job("lab", echo("now")).await.unwrap().output().await.unwrap(), "now");
}

/// The example of the text: the result is saved to a file, and completions are counted.
#[tokio::test]
async fn seed_003_hooks_on_job_completed_can_save_the_result() {
    let (directory, count) = (scratch(), Arc::new(AtomicUsize::new(0)));
    let (results, counter) = (directory.path().to_owned(), Arc::clone(&count));
    let hooked = Hooked::new().completed(move |manager, job| {
        let (path, counter) = (results.join(format!("{}.json", job.id)), Arc::clone(&counter));
        async move {
            let result = manager.get_job_result(job.id).unwrap();
            std::fs::write(path, serde_json::to_vec(&result).unwrap()).unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let manager = hooked.start().await;
    let job = manager.start_job("lab", echo("saved")).await.unwrap();
    job.output().await.unwrap();
    assert!(within(PATIENCE, || count.load(Ordering::Relaxed) == 1).await);
    let saved = std::fs::read(directory.path().join(format!("{}.json", job.id()))).unwrap();
    let saved: serde_json::Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!(saved, json!({ "status": "success", "data": "saved" }));
}
