//! Workers that do not get as far as a job.

use std::time::Duration;

use ostler::{ExitStatus, LaunchError, WorkerConfig, WorkerStartError};

use super::{Echo, Once, ROGUE, echo, rogue};
use crate::support::{any, at_once, failed, group, says};

fn impatient() -> WorkerConfig {
    let (worker_start_timeout, load_timeout) = (Duration::from_millis(500), Duration::from_millis(500));
    WorkerConfig { worker_start_timeout, load_timeout, ..at_once() }
}

/// How the launch fails with such a worker. Nothing of it is left.
async fn refused(mode: &str, config: WorkerConfig) -> Box<WorkerStartError> {
    let error = any::<Echo>(rogue(mode)).config(config).launch().await.unwrap_err();
    let LaunchError::WorkerStart(start) = error else { panic!("{error}") };
    assert_eq!(start.command, format!("{ROGUE} {mode}"));
    assert_eq!(group(start.pid.unwrap()), [0; 0]);
    start
}

/// A job that waits for such a worker gets the next one.
async fn is_replaced(mode: &'static str, config: WorkerConfig) {
    let once = Once::new(mode);
    let manager = any(once.command()).config(config).lazy().launch().await.unwrap();
    let job = manager.start_job("echo", echo("patience")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "patience");
    assert_eq!(job.finished().await.attempt, 1);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_that_exits_before_hello_is_told_by_its_code_and_its_stderr() {
    let start = refused("exit-before-hello", at_once()).await;
    assert_eq!(start.status, ExitStatus::Code(3));
    says(
        start,
        &[
            "did not become ready: it exited with code 3; the end of its stderr:\nrogue: not in the mood for work today",
        ],
    );
    is_replaced("exit-before-hello", at_once()).await;
}

#[tokio::test]
async fn one_that_is_silent_at_start_is_killed() {
    let start = refused("silent", impatient()).await;
    says(start, &["it was killed because it did not say hello within worker_start_timeout"]);
    let patient_enough = WorkerConfig { worker_start_timeout: Duration::from_secs(3), ..at_once() };
    is_replaced("silent", patient_enough).await;
}

#[tokio::test]
async fn one_that_has_no_version_in_common_with_its_host_is_told_the_versions_of_both() {
    for (mode, theirs) in [("wrong-version", "versions 98 to 99"), ("old-version", "version 3")] {
        let start = refused(mode, at_once()).await;
        let both = format!("the worker speaks {theirs} of the protocol, this host version 4: build both");
        says(start, &[&both, "releases of Ostler that have one in common"]);
        is_replaced(mode, at_once()).await;
    }
}

#[tokio::test]
async fn one_that_also_speaks_later_versions_is_told_which_one_its_host_has_chosen() {
    let manager = any(rogue("newer-version")).config(at_once()).launch().await.unwrap();
    let job = manager.start_job("echo", echo("as of old")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "as of old");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_with_a_bad_token_is_killed() {
    let start = refused("bad-token", at_once()).await;
    says(start, &["it was killed because it broke the protocol: it showed a wrong token"]);
    is_replaced("bad-token", at_once()).await;
}

#[tokio::test]
async fn one_that_never_loads_its_plugins_is_killed() {
    let config = WorkerConfig { load_timeout: Duration::from_millis(500), ..at_once() };
    let start = refused("mute", config).await;
    says(start, &["it was killed because it did not load its plugins within load_timeout"]);
    is_replaced("mute", WorkerConfig { load_timeout: Duration::from_secs(3), ..at_once() }).await;
}

#[tokio::test]
async fn one_whose_plugin_fails_is_told_by_plugin_and_reason() {
    let start = refused("load-failure", at_once()).await;
    says(start, &["it could not load its plugins: echo: the echo was lost in the hills"]);
    is_replaced("load-failure", at_once()).await;
}

#[tokio::test]
async fn one_that_never_gets_ready_uses_up_the_restarts_and_then_no_job_waits() {
    let manager = any(rogue("exit-before-hello")).lazy().launch().await.unwrap();
    let job = manager.start_job("echo", echo("")).await.unwrap();
    says(
        failed(&job).await,
        &[
            "gave up after 3 restarts within 60s of workers that did not become ready; the last worker exited with code 3",
        ],
    );
    manager.shutdown().await.unwrap();
}
