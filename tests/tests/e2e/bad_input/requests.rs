//! Unknown plugin, oversized payload.

use ostler::{Category, FailureKind, StartError, WorkerConfig};
use ostler_tests::lab::Task;

use super::nothing_was_queued;
use crate::support::{at_once, echo, failed, lab, launch, says};

const LIMIT: usize = 64 * 1024;

fn small_frames() -> WorkerConfig {
    WorkerConfig { max_frame_bytes: LIMIT, ..at_once() }
}

#[tokio::test]
async fn an_unknown_plugin_is_refused_with_the_names_of_those_that_there_are() {
    let manager = launch().await;
    let error = manager.start_job("labb", echo("")).await.unwrap_err();
    assert!(matches!(&error, StartError::UnknownPlugin { plugin, .. } if plugin.as_str() == "labb"));
    assert_eq!(error.to_string(), "there is no plugin \"labb\"; there are: lab, other");
    nothing_was_queued(&manager);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_unknown_plugin_of_a_lazy_manager_fails_in_the_worker_with_the_names_too() {
    let manager = lab().lazy().launch().await.unwrap();
    let job = manager.start_job("labb", echo("")).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Input));
    says(failure, &["`labb`", "lab, other"]);
    // The worker has told its plugins by now.
    manager.start_job("labb", echo("")).await.unwrap_err();
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_oversized_request_is_refused_and_the_largest_that_fits_runs() {
    let manager = lab().config(small_frames()).launch().await.unwrap();
    let error = manager.start_job("lab", echo(&"x".repeat(LIMIT))).await.unwrap_err();
    says(&error, &["plugin lab", "max_frame_bytes"]);
    let StartError::PayloadTooLarge { size, limit, .. } = error else { panic!("{error}") };
    says(&error, &[&size.to_string(), &limit.to_string()]);
    nothing_was_queued(&manager);

    let largest = "x".repeat(limit - (size - LIMIT));
    manager.start_job("lab", echo(&format!("{largest}x"))).await.unwrap_err();
    let job = manager.start_job("lab", echo(&largest)).await.unwrap();
    assert!(job.output().await.unwrap() == largest);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn oversized_attachments_are_refused_and_the_largest_that_fit_travel() {
    let manager = lab().config(small_frames()).launch().await.unwrap();
    let attached = |bytes: usize| {
        manager.job("lab", Task::Attachments).attach("photo", "image/png", vec![1; bytes]).start()
    };
    let error = attached(LIMIT).await.unwrap_err();
    says(&error, &["plugin lab", "max_frame_bytes"]);
    let StartError::PayloadTooLarge { limit, .. } = error else { panic!("{error}") };
    // They would fit alone, and not with the request itself.
    let error = attached(limit).await.unwrap_err();
    let StartError::PayloadTooLarge { size, .. } = error else { panic!("{error}") };
    nothing_was_queued(&manager);

    let largest = limit - (size - limit);
    attached(largest + 1).await.unwrap_err();
    let job = attached(largest).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "photo");
    assert_eq!(job.finished().await.attachment("photo").unwrap().bytes.len(), largest);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_oversized_response_or_chunk_costs_its_job_and_not_its_worker() {
    let manager = lab().config(small_frames()).launch().await.unwrap();
    let job = manager.start_job("lab", Task::Answer(LIMIT)).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Resource));
    says(failure, &["the response cannot be sent", "65536", "max_frame_bytes"]);
    let chunk = manager.start_job("lab", Task::Emit(1, LIMIT)).await.unwrap();
    let failure = failed(&chunk).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Resource));
    says(failure, &["cannot send a chunk", "65536", "max_frame_bytes"]);

    let next = manager.start_job("lab", Task::Pid).await.unwrap();
    assert_eq!(next.output().await.unwrap(), job.finished().await.worker_pid.unwrap().to_string());
    manager.shutdown().await.unwrap();
}
