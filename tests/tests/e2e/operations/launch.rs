use std::time::Duration;

use ostler::{
    FailureKind, JobError, JobStatus, LaunchError, PluginConfig, RestartPolicy, StartError, WorkerConfig,
    WorkerPhase,
};
use ostler_tests::lab::Task;
use serde_json::{Value, json};

use super::PATIENCE;
use crate::support::{config, echo, lab, launch, runs, within};

fn broken(how: &str) -> PluginConfig {
    config(json!({ "load": how }))
}

#[tokio::test]
async fn launch_returns_when_a_worker_is_ready_and_its_manifest_is_the_list_of_plugins() {
    let manager = launch().await;
    let [worker] = &manager.workers()[..] else { panic!("one slot, one worker") };
    assert_eq!(worker.phase, WorkerPhase::Idle);
    assert!(runs(worker.pid.unwrap()));
    let plugins = manager.plugins();
    let lab = plugins.iter().find(|plugin| plugin.name == "lab").unwrap();
    assert_eq!((lab.version.as_str(), lab.category.as_str(), lab.streaming), ("1.2.3", "lab", true));
    assert_eq!(plugins.len(), 2);
}

#[tokio::test]
async fn what_is_wrong_with_a_plugin_shows_at_the_launch() {
    for (how, why) in [("fail", "the model does not fit"), ("panic", "the model is cursed")] {
        let error = lab().plugin_config("other", broken(how)).launch().await.unwrap_err();
        let LaunchError::WorkerStart(error) = error else { panic!("{error}") };
        assert!(error.cause.contains("other") && error.cause.contains(why), "{error}");
        assert!(!runs(error.pid.unwrap()), "nothing stays behind");
    }
    let error = lab().plugin_config("other", broken("exit")).launch().await.unwrap_err();
    let LaunchError::WorkerStart(error) = error else { panic!("{error}") };
    assert!(error.stderr_tail.contains("cannot find the driver"), "{error}");
    assert!(error.to_string().contains("exited with code 3"), "{error}");
}

#[tokio::test]
async fn a_plugin_that_takes_too_long_to_load_shows_at_the_launch() {
    let config = WorkerConfig { load_timeout: Duration::from_millis(200), ..WorkerConfig::default() };
    let error = lab().plugin_config("lab", broken("hang")).config(config).launch().await.unwrap_err();
    let LaunchError::WorkerStart(error) = error else { panic!("{error}") };
    assert!(error.cause.contains("load_timeout"), "{error}");
    assert!(!runs(error.pid.unwrap()));
}

#[tokio::test]
async fn a_launch_that_nobody_waits_for_leaves_no_worker() {
    let table = ostler::WorkerTable::new();
    let launch = lab().plugin_config("lab", broken("hang")).resource_manager(table.clone()).launch();
    let mut launch = Box::pin(launch);
    tokio::select! {
        _ = &mut launch => panic!("a plugin that hangs is not loaded"),
        made = within(PATIENCE, || !table.workers().is_empty()) => assert!(made),
    }
    let pid = table.workers()[0].pid.unwrap();
    assert!(runs(pid));
    drop(launch);
    assert!(within(Duration::from_secs(1), || !runs(pid)).await);
}

#[tokio::test]
async fn a_lazy_manager_starts_its_worker_with_the_first_job() {
    let manager = lab().lazy().launch().await.unwrap();
    assert!(manager.workers().is_empty() && manager.plugins().is_empty());
    let job = manager.start_job("lab", echo("woken")).await.unwrap();
    assert_eq!(job.status(), JobStatus::Pending);
    assert_eq!(job.output().await.unwrap(), "woken");
    assert_eq!((manager.workers().len(), manager.plugins().len()), (1, 2));
    let error = manager.start_job("labb", echo("")).await.unwrap_err();
    assert!(matches!(error, StartError::UnknownPlugin { .. }), "{error}");
}

#[tokio::test]
async fn a_lazy_manager_does_not_know_a_plugin_before_its_worker_and_then_the_job_fails() {
    let manager = lab().lazy().launch().await.unwrap();
    let job = manager.start_job("labb", echo("")).await.unwrap();
    let Err(JobError::Failed(failure)) = job.output().await else { panic!("there is no such plugin") };
    assert_eq!(failure.kind, FailureKind::Plugin);
    assert!(failure.message.contains("labb") && failure.message.contains("lab, other"), "{failure}");
}

#[tokio::test]
async fn with_a_worker_that_cannot_load_a_lazy_managers_job_fails_and_restart_worker_says_why() {
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 1,
        ..WorkerConfig::default()
    };
    let builder = lab().plugin_config("lab", broken("fail")).config(config).lazy();
    let manager = builder.launch().await.unwrap();
    let job = manager.start_job("lab", Task::Pid).await.unwrap();
    let Err(JobError::Failed(failure)) = job.output().await else { panic!("nobody could run it") };
    assert_eq!(failure.kind, FailureKind::WorkerUnavailable);
    assert!(failure.message.contains("the model does not fit"), "{failure}");
    let error = manager.start_job("lab", Task::Pid).await.unwrap_err();
    assert!(matches!(error, StartError::WorkerUnavailable(_)), "{error}");
    let error = manager.restart_worker().await.unwrap_err();
    assert!(matches!(error, LaunchError::WorkerStart(_)), "{error}");
}

#[tokio::test]
async fn a_bad_config_is_an_error_that_names_field_and_bound() {
    let config = WorkerConfig { max_workers: 0, ..WorkerConfig::default() };
    let error = lab().config(config).launch().await.unwrap_err();
    assert_eq!(error.to_string(), "invalid worker config: max_workers must be 1 to 4096");
}

#[tokio::test]
async fn without_a_config_a_plugin_gets_none() {
    let manager =
        lab().plugin_config("other", config(json!({ "model": Value::from("small") }))).launch().await;
    let manager = manager.unwrap();
    for (plugin, expected) in [("lab", " 1"), ("other", "small 1")] {
        let job = manager.start_job(plugin, Task::Config).await.unwrap();
        assert_eq!(job.output().await.unwrap(), expected);
    }
}
