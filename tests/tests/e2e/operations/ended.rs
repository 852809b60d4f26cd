//! `on_job_failed` and `on_job_cancelled`.

use std::time::Duration;

use ostler::{Category, Job, JobManager, JobResult, RetryPolicy, WorkerConfig};
use ostler_tests::lab::Task;

use super::{Calls, Hooked};
use crate::support::{Gate, echo, started};

/// A host whose three hooks for ended jobs note what they see.
fn noting(calls: &Calls) -> Hooked {
    let note = |hook: &'static str| {
        let calls = calls.clone();
        move |manager: JobManager<Task>, job: Job<Task>| {
            let record = manager.get_job(job.id).unwrap();
            assert_eq!((record.status, &record.error), (job.status, &job.error));
            let why = match manager.get_job_result(job.id).unwrap() {
                JobResult::Error(failure) => format!("{:?}", failure.kind),
                JobResult::Success { data } => data,
                JobResult::Cancelled => format!("{}", job.cancellation.is_some()),
            };
            calls.note(format!("{hook} {} {why}", job.id));
            async {}
        }
    };
    Hooked::new().completed(note("completed")).failed(note("failed")).cancelled(note("cancelled"))
}

#[tokio::test]
async fn the_hook_for_how_a_job_ended_runs_once_when_the_end_is_visible() {
    let calls = Calls::default();
    let manager = noting(&calls).start().await;
    let failing = manager.start_job("lab", Task::Fail("no".to_owned(), Category::Input)).await.unwrap();
    failing.output().await.unwrap_err();
    let timed_out = manager.job("lab", Task::Spin).timeout(Duration::from_millis(1)).start().await.unwrap();
    timed_out.output().await.unwrap_err();
    let running = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&running).await;
    let pending = manager.start_job("lab", echo("")).await.unwrap();
    assert!(pending.cancel().await.unwrap().is_cancelled());
    assert!(running.cancel().await.unwrap().is_cancelled());
    let good = manager.start_job("lab", echo("good")).await.unwrap();
    good.output().await.unwrap();
    manager.shutdown().await.unwrap();
    let mut told = calls.all();
    let mut expected = vec![
        format!("failed {} Plugin", failing.id()),
        format!("failed {} TimedOut", timed_out.id()),
        format!("cancelled {} true", pending.id()),
        format!("cancelled {} true", running.id()),
        format!("completed {} good", good.id()),
    ];
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_run_that_is_tried_again_is_no_failed_job() {
    let calls = Calls::default();
    let manager = noting(&calls).start().await;
    let once = Gate::new();
    let retry = RetryPolicy { backoff_base: Duration::ZERO, ..RetryPolicy::attempts(2) };
    let task = Task::Steps(vec![Task::HangOnce(once.path()), echo("second")]);
    let job = manager.job("lab", task).stall_timeout(Duration::from_secs(1)).retry(retry).start();
    let job = job.await.unwrap();
    job.output().await.unwrap();
    assert_eq!(job.finished().await.attempt, 2);
    manager.shutdown().await.unwrap();
    assert_eq!(calls.all(), [format!("completed {} second", job.id())]);
}

#[tokio::test]
async fn a_panic_in_a_hook_for_an_ended_job_changes_nothing() {
    let calls = Calls::default();
    let (failed, cancelled) = (calls.clone(), calls.clone());
    let manager = Hooked::new()
        .failed(move |_, _| {
            failed.note("failed");
            async { panic!("the disk is full") }
        })
        // Before there is a future.
        .cancelled(move |_, _| -> std::future::Ready<()> {
            cancelled.note("cancelled");
            panic!("the disk is full")
        })
        .start()
        .await;
    manager.start_job("lab", Task::Panic("no".to_owned())).await.unwrap().output().await.unwrap_err();
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert_eq!(calls.reach(2).await.len(), 2);
    assert_eq!(manager.start_job("lab", echo("next")).await.unwrap().output().await.unwrap(), "next");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_waits_for_the_hooks_of_the_jobs_that_it_interrupts() {
    let calls = Calls::default();
    let note = calls.clone();
    let hooked = Hooked::new().failed(move |_, job| {
        let note = note.clone();
        async move {
            tokio::task::yield_now().await;
            note.note(format!("{:?}", job.error.unwrap().kind));
        }
    });
    let config = WorkerConfig { shutdown_timeout: Duration::from_millis(10), ..WorkerConfig::default() };
    let manager = hooked.builder().config(config).launch().await.unwrap();
    let running = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&running).await;
    manager.start_job("lab", echo("")).await.unwrap();
    manager.shutdown().await.unwrap();
    assert_eq!(calls.all(), ["Interrupted", "Interrupted"]);
}
