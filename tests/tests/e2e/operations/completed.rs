//! `on_job_completed`.

use std::sync::Arc;

use ostler::{Category, FailureKind, JobManager, JobResult, JobStatus};
use ostler_tests::lab::Task;
use tokio::sync::{Semaphore, mpsc};

use super::{Calls, Hooked, PATIENCE};
use crate::support::{echo, failed, runs, started, within};

#[tokio::test]
async fn on_job_completed_runs_once_when_job_and_result_are_visible() {
    let seen = Calls::default();
    let note = seen.clone();
    let manager = Hooked::new()
        .completed(move |manager, job| {
            let note = note.clone();
            async move {
                let record = manager.get_job(job.id).unwrap();
                let result = manager.get_job_result(job.id).unwrap();
                assert_eq!(result, JobResult::Success { data: record.result.clone().unwrap() });
                assert!(manager.get_running_jobs().is_empty());
                note.note(format!("{} {} {:?}", job.id, record.status, job.result));
            }
        })
        .start()
        .await;
    let first = manager.start_job("lab", echo("one")).await.unwrap();
    first.output().await.unwrap();
    let second = manager.start_job("lab", echo("two")).await.unwrap();
    second.output().await.unwrap();
    let expected = [
        format!(r#"{} completed Some("one")"#, first.id()),
        format!(r#"{} completed Some("two")"#, second.id()),
    ];
    assert_eq!(seen.reach(2).await, expected);
}

#[tokio::test]
async fn on_job_completed_is_not_for_the_failed_and_the_cancelled() {
    let seen = Calls::default();
    let note = seen.clone();
    let manager = Hooked::new()
        .completed(move |_, job| {
            note.note(job.id.to_string());
            async {}
        })
        .start()
        .await;
    let failing = [Task::Fail("no".to_owned(), Category::Input), Task::Panic("no".to_owned())];
    for task in failing {
        manager.start_job("lab", task).await.unwrap().output().await.unwrap_err();
    }
    let cancelled = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&cancelled).await;
    assert!(cancelled.cancel().await.unwrap().is_cancelled());
    let good = manager.start_job("lab", echo("")).await.unwrap();
    good.output().await.unwrap();
    assert_eq!(seen.reach(1).await, [good.id().to_string()]);
}

#[tokio::test]
async fn on_job_completed_may_use_the_manager() {
    let (sender, mut followers) = mpsc::unbounded_channel();
    let manager: JobManager<Task> = Hooked::new()
        .completed(move |manager, job| {
            let sender = sender.clone();
            async move {
                if job.result.as_deref() == Some("first") {
                    let follower = manager.start_job("lab", echo("follower")).await.unwrap();
                    assert!(!manager.cancel_job(job.id).await.unwrap());
                    sender.send((manager.clear_completed_jobs(), follower)).unwrap();
                }
            }
        })
        .start()
        .await;
    let first = manager.start_job("lab", echo("first")).await.unwrap();
    let told = tokio::time::timeout(PATIENCE, followers.recv()).await;
    let (cleared, follower) = told.unwrap().unwrap();
    assert_eq!(cleared, 1);
    assert_eq!(follower.output().await.unwrap(), "follower");
    assert_eq!(first.status(), JobStatus::Completed, "its handle remembers what the manager forgot");
    assert!(manager.get_job(first.id()).is_none());
}

#[tokio::test]
async fn a_slow_on_job_completed_holds_up_nobody() {
    let seen = Calls::default();
    let (note, gate) = (seen.clone(), Arc::new(Semaphore::new(0)));
    let closed = Arc::clone(&gate);
    let manager = Hooked::new()
        .completed(move |_, job| {
            let (note, gate) = (note.clone(), Arc::clone(&closed));
            async move {
                note.note(format!("began {}", job.result.as_deref().unwrap()));
                if job.result.as_deref() == Some("one") {
                    gate.acquire().await.unwrap().forget();
                    note.note("ended one");
                }
            }
        })
        .start()
        .await;
    for text in ["one", "two", "three"] {
        assert_eq!(manager.start_job("lab", echo(text)).await.unwrap().output().await.unwrap(), text);
    }
    assert_eq!(seen.reach(3).await, ["began one", "began two", "began three"]);
    gate.add_permits(1);
    assert_eq!(seen.reach(4).await[3], "ended one");
}

#[tokio::test]
async fn a_panic_in_on_job_completed_changes_nothing() {
    let seen = Calls::default();
    let note = seen.clone();
    let manager = Hooked::new()
        .completed(move |_, job| {
            note.note(job.result.clone().unwrap());
            async { panic!("the disk is full") }
        })
        .start()
        .await;
    for (number, text) in ["one", "two"].into_iter().enumerate() {
        let job = manager.start_job("lab", echo(text)).await.unwrap();
        assert_eq!(job.output().await.unwrap(), text);
        assert_eq!(seen.reach(number + 1).await[number], text);
        let record = manager.get_job(job.id()).unwrap();
        assert_eq!((record.status, record.error.as_ref()), (JobStatus::Completed, None));
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_hook_that_still_runs_does_not_keep_a_dropped_manager_alive() {
    let runs_hook = Arc::new(Semaphore::new(0));
    let tell = Arc::clone(&runs_hook);
    let manager = Hooked::new()
        .completed(move |manager, _| {
            tell.add_permits(1);
            async move {
                std::future::pending::<()>().await;
                drop(manager);
            }
        })
        .start()
        .await;
    manager.start_job("lab", echo("")).await.unwrap().output().await.unwrap();
    let _ = runs_hook.acquire().await.unwrap();
    let endless = manager.start_job("lab", Task::Spin).await.unwrap();
    let pid = started(&endless).await;
    drop(manager);
    assert!(within(PATIENCE, || !runs(pid)).await, "the worker outlives its manager");
    assert_eq!(failed(&endless).await.kind, FailureKind::Interrupted);
}
