//! 2. A job runs on at most one worker at a time, and again only if it is certain that it never began.

use std::time::Duration;

use ostler::{JobStatus, RestartPolicy, WorkerConfig};
use ostler_tests::lab::Task;

use super::agreement::agreed_end;
use crate::support::{echo, lab, runs, scratch, signal, started, workers};

#[tokio::test]
async fn guarantee_2_many_jobs_in_many_workers_begin_once_each() {
    let directory = scratch();
    let manager = lab().config(workers(4)).launch().await.unwrap();
    let mut jobs = Vec::new();
    for number in 0..200 {
        let task = Task::Sign(directory.path().join("roll"), number.to_string());
        jobs.push(manager.start_job("lab", task).await.unwrap());
    }
    for job in &jobs {
        assert_eq!(agreed_end(&manager, job).await, JobStatus::Completed);
        let record = job.finished().await;
        assert_eq!(record.result, record.worker_pid.map(|pid| pid.to_string()), "by whom it was asked of");
        assert_eq!(record.attempt, 1);
    }
    let text = std::fs::read_to_string(directory.path().join("roll")).unwrap();
    let mut numbers: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_2_a_job_that_began_does_not_run_again_when_its_worker_dies() {
    let directory = scratch();
    let path = directory.path().join("roll");
    let config = WorkerConfig { restart_policy: RestartPolicy::Always, ..workers(2) };
    let manager = lab().config(config).launch().await.unwrap();
    let task = Task::Steps(vec![Task::Sign(path.clone(), "begins".into()), Task::Abort(String::new())]);
    let job = manager.start_job("lab", task).await.unwrap();
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Failed);
    // Whatever is queued behind it has had its turn by then.
    assert_eq!(manager.start_job("lab", echo("next")).await.unwrap().output().await.unwrap(), "next");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "begins\n");
    manager.shutdown().await.unwrap();
}

/// A worker that does not begin is killed before the job is given to another: stopped and continued, it could still
/// run it.
#[tokio::test]
async fn guarantee_2_a_worker_that_sleeps_over_its_job_cannot_wake_and_run_it_too() {
    let directory = scratch();
    let path = directory.path().join("roll");
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        worker_start_timeout: Duration::from_secs(2),
        ..WorkerConfig::default()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let sleeper = manager.workers()[0].pid.unwrap();
    signal(sleeper, "STOP");
    let job = manager.start_job("lab", Task::Sign(path.clone(), "begins".into())).await.unwrap();
    let runner = started(&job).await;
    assert_ne!(runner, sleeper);
    assert!(!runs(sleeper), "dead before the job began elsewhere");
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Completed);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "begins\n");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_2_a_result_counts_only_from_the_worker_that_was_asked() {
    let directory = scratch();
    let manager = lab().config(workers(1)).launch().await.unwrap();
    // The first job's worker dies over it, and the second job's must not take its place in any record.
    let first = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let old = started(&first).await;
    assert!(first.cancel().await.unwrap().is_cancelled());
    let second = manager.start_job("lab", Task::Pid).await.unwrap();
    let answer = second.output().await.unwrap();
    assert_ne!(answer, old.to_string());
    assert_eq!(second.finished().await.worker_pid.map(|pid| pid.to_string()), Some(answer));
    assert_eq!(first.finished().await.worker_pid, Some(old));
    assert_eq!(agreed_end(&manager, &first).await, JobStatus::Cancelled);
    manager.shutdown().await.unwrap();
}
