//! Plugin returns an error, panics, or never returns.

use std::time::Duration;

use ostler::{Category, FailureKind, JobManager, WorkerConfig};
use ostler_tests::lab::Task;

use crate::support::{any, at_once, echo, failed, group, lab_worker, launch, says};

async fn pid(manager: &JobManager<Task>) -> u32 {
    let job = manager.start_job("lab", Task::Pid).await.unwrap();
    job.output().await.unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_error_of_the_plugin_keeps_its_message_and_category_and_the_worker_lives_on() {
    let manager = launch().await;
    let before = pid(&manager).await;
    let categories = [Category::Input, Category::Transient, Category::Resource, Category::Fatal];
    for category in categories {
        let job = manager.start_job("lab", Task::Fail("no such page".into(), category)).await.unwrap();
        let failure = failed(&job).await;
        assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, category));
        assert_eq!(failure.message, "no such page");
        assert_eq!(failure.forensics, None);
    }
    assert_eq!(pid(&manager).await, before);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_panic_is_told_with_its_place_and_the_plugin_is_loaded_afresh() {
    let manager = launch().await;
    let before = pid(&manager).await;
    let job = manager.start_job("lab", Task::Panic("the pages are wet".into())).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Panicked, Category::Fatal));
    says(failure, &["plugin `lab` panicked at ", "src/lab/plugin.rs:", "the pages are wet"]);

    let next = manager.start_job("lab", Task::Config).await.unwrap();
    assert_eq!(next.output().await.unwrap().trim(), "2", "loaded twice");
    assert_eq!(pid(&manager).await, before, "in the same worker");
    manager.shutdown().await.unwrap();
}

/// The words are shortened, and what it is stays: whether it is tried again depends on that.
#[tokio::test]
async fn an_error_a_panic_and_words_that_are_larger_than_a_frame_are_told_shortened() {
    let config = WorkerConfig { max_frame_bytes: 64 * 1024, ..at_once() };
    let manager = any::<Task>(lab_worker()).config(config).launch().await.unwrap();
    let torn = Task::FailAtLength("the page is torn".into(), 100_000, Category::Input);
    let panics = Task::PanicAtLength("the page is torn".into(), 100_000);
    for (task, kind, category) in
        [(torn, FailureKind::Plugin, Category::Input), (panics, FailureKind::Panicked, Category::Fatal)]
    {
        let job = manager.start_job("lab", task).await.unwrap();
        let failure = failed(&job).await;
        assert_eq!((failure.kind, failure.category), (kind, category));
        says(&failure.message, &["the page is torn", "bytes are left out here"]);
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_plugin_that_never_returns_is_killed_after_the_timeout_and_the_next_job_runs() {
    let manager = any::<Task>(lab_worker()).launch().await.unwrap();
    let before = pid(&manager).await;
    let job = manager.job("lab", Task::Spin).timeout(Duration::from_millis(400)).start().await.unwrap();
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::TimedOut, Category::Transient));
    assert_eq!(failure.message, "the job ran longer than its timeout of 400ms");
    let forensics = failure.forensics.unwrap();
    assert_eq!(forensics.pid, Some(before));
    assert_eq!(forensics.signal.as_deref(), Some("SIGKILL"));
    assert!(forensics.cpu_time > Duration::from_millis(10), "it was busy: {:?}", forensics.cpu_time);
    assert_eq!(group(before), [0; 0]);

    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert_eq!(next.output().await.unwrap(), "next");
    assert_ne!(pid(&manager).await, before);
    manager.shutdown().await.unwrap();
}
