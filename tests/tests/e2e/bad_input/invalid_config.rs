//! Invalid configuration, of the manager or of a plugin.

use std::time::Duration;

use ostler::{LaunchError, WorkerConfig};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::support::{Roll, any, config, lab, runs, says};

#[tokio::test]
async fn a_value_out_of_bounds_names_field_and_bound_and_starts_nothing() {
    let roll = Roll::new();
    let good = WorkerConfig::default;
    let bad = [
        (WorkerConfig { max_workers: 0, ..good() }, "max_workers must be 1 to 4096"),
        (WorkerConfig { max_frame_bytes: 1, ..good() }, "max_frame_bytes must be 4096 (4 KiB) to"),
        (
            WorkerConfig { restart_backoff_max: Duration::ZERO, ..good() },
            "restart_backoff_max must be at least restart_backoff_base",
        ),
        (
            WorkerConfig { worker_start_timeout: Duration::ZERO, ..good() },
            "worker_start_timeout must be more",
        ),
        (WorkerConfig { cancel_grace: Duration::MAX, ..good() }, "cancel_grace must be at most a year"),
    ];
    for (config, words) in bad {
        let error = any::<Task>(roll.worker()).config(config).launch().await.unwrap_err();
        assert!(matches!(error, LaunchError::InvalidConfig { .. }), "{error}");
        says(error, &["invalid worker config: ", words]);
    }
    assert!(roll.pids().is_empty());
}

#[tokio::test]
async fn a_config_that_a_plugin_cannot_read_names_plugin_and_field() {
    let error = lab().plugin_config("lab", config(json!({"model": 5}))).launch().await.unwrap_err();
    let LaunchError::WorkerStart(start) = &error else { panic!("{error}") };
    assert!(!runs(start.pid.unwrap()));
    says(error, &["`lab`", "invalid config at `model`", "expected a string"]);

    let error = lab().plugin_config("other", config(json!({"load": "explode"}))).launch().await.unwrap_err();
    says(error, &["`other`", "invalid config at `load`", "`explode`", "`hang`"]);
}

#[tokio::test]
async fn a_config_for_an_unknown_plugin_names_it_and_those_that_there_are() {
    let error = lab().plugin_config("labb", config(json!({}))).launch().await.unwrap_err();
    assert!(matches!(error, LaunchError::WorkerStart(_)), "{error}");
    says(error, &["could not load its plugins", "`labb`", "lab, other"]);
}

#[tokio::test]
async fn a_config_that_a_reloaded_plugin_cannot_read_names_plugin_and_field_and_the_old_one_stays() {
    let manager = lab().plugin_config("lab", config(json!({"model": "small"}))).launch().await.unwrap();
    let error = manager.reload_plugin("lab", config(json!({"model": [1]}))).await.unwrap_err();
    says(error, &["`lab`", "invalid config at `model`"]);
    let job = manager.start_job("lab", Task::Config).await.unwrap();
    says(job.output().await.unwrap(), &["small"]);
    manager.shutdown().await.unwrap();
}
