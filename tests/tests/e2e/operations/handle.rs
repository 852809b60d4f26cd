//! A job's handle: awaited, cloned, found again by the job's id; events as a stream, and from a number on.

use std::pin::Pin;

use futures_util::Stream;
use ostler::{BroadcastChannel, JobEventKind, JobId, JobStatus, ManagerEventKind, WorkerConfig};
use ostler_tests::lab::Task;
use serde_json::Value;

use crate::support::{echo, lab, launch};

/// What `StreamExt::next` does.
async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

#[tokio::test]
async fn a_handle_is_awaited_for_its_output() {
    let manager = launch().await;
    let job = manager.start_job("lab", echo("hello")).await.unwrap();
    let same = job.clone();
    assert_eq!(job.await.unwrap(), "hello");
    assert_eq!(same.await.unwrap(), "hello");
    let wrong = manager.start_job("lab", Task::Exit(3)).await.unwrap();
    assert!(wrong.await.unwrap_err().failure().is_some());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_handle_is_found_by_the_id_of_a_job_that_runs_or_has_ended() {
    let manager =
        lab().config(WorkerConfig { finished_jobs_kept: 1, ..Default::default() }).launch().await.unwrap();
    let ended = manager.start_job("lab", echo("first")).await.unwrap();
    ended.output().await.unwrap();
    let again = manager.handle(ended.id()).unwrap();
    assert_eq!((again.id(), again.plugin_id().as_str()), (ended.id(), "lab"));
    assert_eq!((again.status(), again.output().await.unwrap()), (JobStatus::Completed, "first".to_owned()));
    assert_eq!(again.events().next().await.unwrap().unwrap().kind, JobEventKind::Queued);
    assert!(!again.cancel().await.unwrap().is_cancelled());

    let running = manager.start_job("lab", Task::TidyUp).await.unwrap();
    assert!(manager.handle(running.id()).unwrap().cancel().await.unwrap().is_cancelled());
    assert_eq!(running.status(), JobStatus::Cancelled);
    assert!(manager.handle(ended.id()).is_none(), "its record had to go");
    assert!(manager.handle(JobId::from_uuid(uuid::Uuid::now_v7())).is_none());
    assert_eq!(again.output().await.unwrap(), "first", "who has a handle has the job");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_events_of_a_job_are_a_stream() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Emit(3, 1)).await.unwrap();
    let (mut events, mut names) = (job.events(), Vec::new());
    while let Some(event) = next(&mut events).await {
        names.push(event.unwrap().kind.name());
    }
    assert_eq!(names, ["queued", "started", "chunk", "chunk", "chunk", "chunk", "completed"]);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn events_begin_at_a_number() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Emit(3, 1)).await.unwrap();
    // It has not happened yet.
    let mut last = job.events().starting_at(7);
    assert_eq!(last.next().await.unwrap().unwrap().kind, JobEventKind::Completed);
    assert!(last.next().await.is_none());
    let from = async |seq| manager.job_events(job.id()).unwrap().starting_at(seq).next().await;
    assert_eq!(from(0).await.unwrap().unwrap().seq, 1);
    assert_eq!(from(5).await.unwrap().unwrap().seq, 5);
    assert!(from(8).await.is_none(), "there is none after the end");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_events_of_a_manager_and_of_a_broadcaster_are_streams() {
    let channel = BroadcastChannel::default();
    let mut broadcasts = channel.subscribe();
    let manager = lab().event_broadcaster(channel).launch().await.unwrap();
    let mut events = manager.events();
    let job = manager.start_job("lab", echo("hello")).await.unwrap();
    job.output().await.unwrap();
    manager.shutdown().await.unwrap();
    let mut jobs = Vec::new();
    // Awaited and polled by turns: it is one reader.
    while let Some(event) = match jobs.len() % 2 {
        0 => next(&mut events).await,
        _ => events.next().await,
    } {
        let event = event.unwrap();
        let json: Value = serde_json::to_value(&event).unwrap();
        if let ManagerEventKind::Job { event, .. } = event.kind {
            assert_eq!(
                (&json["type"], &json["data"]["event"]["event"]),
                (&"job".into(), &event.kind.name().into())
            );
            jobs.push(event.kind.name());
        }
    }
    assert_eq!(jobs, ["queued", "started", "completed"]);
    drop(manager);
    let mut told = Vec::new();
    while let Some(broadcast) = next(&mut broadcasts).await {
        told.push(broadcast);
    }
    assert!(told.len() > 3, "{told:?}");
}
