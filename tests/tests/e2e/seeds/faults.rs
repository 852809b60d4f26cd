//! The measured faults of the seeds' own code, none of which may come back.

use std::time::Duration;

use ostler::{Category, FailureKind, JobError, JobStatus, RestartPolicy, StartError, WorkerConfig};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::support::{Gate, config, echo, kill, lab, launch, runs, started, workers};

#[tokio::test]
async fn seed_fault_a_queued_job_is_not_running() {
    let manager = launch().await;
    let gate = Gate::new();
    let first = manager.start_job("lab", gate.task()).await.unwrap();
    assert_eq!((first.status(), manager.get_running_jobs().len()), (JobStatus::Pending, 0));
    started(&first).await;
    let second = manager.start_job("lab", echo("")).await.unwrap();
    let running: Vec<_> = manager.get_running_jobs().iter().map(|job| job.id).collect();
    assert_eq!(running, [first.id()]);
    let queued = manager.get_job(second.id()).unwrap();
    assert_eq!((queued.status, queued.started_at), (JobStatus::Pending, None));
    gate.open();
    second.output().await.unwrap();
    assert!(second.finished().await.started_at >= first.finished().await.completed_at);
}

#[tokio::test]
async fn seed_fault_a_cancel_keeps_the_queue_behind_it_however_long() {
    let manager = launch().await;
    let running = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&running).await;
    let mut queue = Vec::new();
    for number in 0..2000 {
        queue.push(manager.start_job("lab", echo(&number.to_string())).await.unwrap());
    }
    let cancel = tokio::time::timeout(Duration::from_secs(5), running.cancel()).await;
    assert_eq!(cancel, Ok(Ok(ostler::CancelOutcome::Cancelled)));
    for (number, job) in queue.iter().enumerate() {
        assert_eq!(job.output().await.unwrap(), number.to_string());
    }
}

#[tokio::test]
async fn seed_fault_to_cancel_a_waiting_job_does_not_kill_the_running_one() {
    let manager = launch().await;
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&running).await;
    let [one, two, three] = [
        manager.start_job("lab", echo("one")).await.unwrap(),
        manager.start_job("lab", echo("two")).await.unwrap(),
        manager.start_job("lab", Task::Pid).await.unwrap(),
    ];
    assert!(two.cancel().await.unwrap().is_cancelled());
    assert!(runs(pid));
    gate.open();
    assert_eq!(running.output().await.unwrap(), "open");
    assert_eq!(one.output().await.unwrap(), "one");
    assert_eq!(two.output().await, Err(JobError::Cancelled));
    assert_eq!(three.output().await.unwrap(), pid.to_string());
}

#[tokio::test]
async fn seed_fault_a_worker_that_died_of_a_signal_is_noticed_and_its_job_fails() {
    let config = WorkerConfig { restart_backoff_base: Duration::from_millis(1), ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    let pid = started(&job).await;
    let next = manager.start_job("lab", Task::Pid).await.unwrap();
    kill(pid);
    let Err(JobError::Failed(failure)) = job.output().await else { panic!("nobody can finish it") };
    assert_eq!(failure.kind, FailureKind::Crashed);
    let forensics = failure.forensics.unwrap();
    assert_eq!((forensics.pid, forensics.status.to_string()), (Some(pid), "SIGKILL".to_owned()));
    assert_ne!(next.output().await.unwrap(), pid.to_string());
}

/// Crashes so many workers, one after the other.
async fn crash(restart_window: Duration, count: usize) -> Result<(), StartError> {
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 1,
        restart_window,
        ..WorkerConfig::default()
    };
    let manager = lab().config(config).launch().await.unwrap();
    for _ in 0..count {
        let job = manager.start_job("lab", Task::Exit(1)).await?;
        let Err(JobError::Failed(failure)) = job.output().await else { panic!("it crashed") };
        assert_eq!(failure.kind, FailureKind::Crashed);
    }
    manager.start_job("lab", echo("")).await?.output().await.unwrap();
    Ok(())
}

#[tokio::test]
async fn seed_fault_the_restart_count_falls_again() {
    // The start of a process takes longer than this window.
    crash(Duration::from_micros(1), 5).await.unwrap();
    let error = crash(Duration::from_secs(60), 5).await.unwrap_err();
    assert!(matches!(error, StartError::WorkerUnavailable(_)), "{error}");
}

#[tokio::test]
async fn seed_fault_a_cancel_does_not_count_as_a_restart() {
    let config = WorkerConfig { max_restart_attempts: 0, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    for _ in 0..5 {
        let job = manager.start_job("lab", Task::Spin).await.unwrap();
        started(&job).await;
        assert!(job.cancel().await.unwrap().is_cancelled());
    }
    assert_eq!(manager.start_job("lab", echo("alive")).await.unwrap().output().await.unwrap(), "alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_fault_replies_are_not_mixed_up() {
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let mut jobs = Vec::new();
    for number in 0..300 {
        let task = match number % 3 {
            0 => Task::Fail(number.to_string(), Category::Input),
            1 => Task::Panic(number.to_string()),
            _ => echo(&number.to_string()),
        };
        jobs.push(manager.start_job("lab", task).await.unwrap());
    }
    // Answers of other kinds come in between, on the same connections.
    for round in 0..10 {
        let bad = config(json!({ "load": "fail" }));
        let (reload, unload, state) = tokio::join!(
            manager.reload_plugin("other", config(json!({ "model": round.to_string() }))),
            manager.reload_plugin("other", bad),
            manager.get_worker_state(),
        );
        assert_eq!((reload, unload.is_err()), (Ok(()), true));
        assert!(state.is_ok_and(|reports| !reports.is_empty()));
    }
    for (number, job) in jobs.iter().enumerate() {
        let number = number.to_string();
        match job.output().await {
            Ok(output) => assert_eq!(output, number),
            Err(JobError::Failed(failure)) => {
                assert!(failure.message.ends_with(&number), "job {number} failed with: {failure}");
            }
            Err(JobError::Cancelled) => panic!("nobody cancelled it"),
        }
    }
}
