//! `manager.job(…)`: priority, timeout, metadata, attachments.

use std::time::Duration;

use ostler::{Category, FailureKind, JobError, JobHandle, JobManager, Priority};
use ostler_tests::lab::Task;

use crate::support::{Gate, echo, launch, runs, started, within};

use super::PATIENCE;

/// Starts jobs of these priorities behind one that holds the worker, and returns in which order they began.
async fn order(manager: &JobManager<Task>, priorities: &[Priority]) -> Vec<usize> {
    let gate = Gate::new();
    started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    let mut jobs: Vec<(usize, JobHandle<Task>)> = Vec::new();
    for (number, &priority) in priorities.iter().enumerate() {
        let request = manager.job("lab", echo("")).priority(priority);
        jobs.push((number, request.start().await.unwrap()));
    }
    gate.open();
    let mut begun = Vec::new();
    for (number, job) in jobs {
        begun.push((job.finished().await.started_at.unwrap(), number));
    }
    begun.sort();
    begun.into_iter().map(|(_, number)| number).collect()
}

#[tokio::test]
async fn a_higher_priority_goes_first_and_equal_ones_by_arrival() {
    let manager = launch().await;
    let (low, normal, high) = (Priority::LOW, Priority::NORMAL, Priority::HIGH);
    assert_eq!(order(&manager, &[low, normal, high, low, normal, high]).await, [2, 5, 1, 4, 0, 3]);
    assert_eq!(order(&manager, &[normal; 5]).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_job_that_runs_longer_than_its_timeout_is_killed_and_the_next_runs() {
    let manager = launch().await;
    let request = manager.job("lab", Task::Spin).timeout(Duration::from_millis(50));
    let job = request.start().await.unwrap();
    let pid = started(&job).await;
    let next = manager.start_job("lab", Task::Pid).await.unwrap();

    let Err(JobError::Failed(failure)) = job.output().await else { panic!("it has no end of its own") };
    assert_eq!((failure.kind, failure.category), (FailureKind::TimedOut, Category::Transient));
    assert!(failure.message.contains("50ms"), "{failure}");
    assert!(!runs(pid), "the timeout is told when the process is dead");
    assert_ne!(next.output().await.unwrap(), pid.to_string());
    let record = job.finished().await;
    assert_eq!(record.timeout, Some(Duration::from_millis(50)));
    let ran = record.completed_at.unwrap().duration_since(record.started_at.unwrap());
    assert!(ran.as_millis() >= 50, "it was killed after {ran}");
}

#[tokio::test]
async fn a_timeout_counts_from_the_start_and_not_from_the_queue() {
    let manager = launch().await;
    let gate = Gate::new();
    started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    let timeout = Duration::from_secs(1);
    let job = manager.job("lab", echo("late")).timeout(timeout).start().await.unwrap();
    let queued_at = std::time::Instant::now();
    assert!(within(PATIENCE, || queued_at.elapsed() > timeout).await);
    gate.open();
    assert_eq!(job.output().await.unwrap(), "late");
}

#[tokio::test]
async fn metadata_stays_with_the_job() {
    let manager = launch().await;
    let request = manager.job("lab", echo("")).metadata("file_name", "talk.mp3").metadata("pages", 3);
    let job = request.start().await.unwrap();
    job.output().await.unwrap();
    let record = manager.get_job(job.id()).unwrap();
    assert_eq!(record.metadata.get_str("file_name"), Some("talk.mp3"));
    assert_eq!(record.metadata.get("pages"), Some(&3.into()));
    assert_eq!(record.metadata.len(), 2);
}

#[tokio::test]
async fn attachments_travel_both_ways() {
    let manager = launch().await;
    // More than a socket buffer holds, and bytes that are no text.
    let image: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    let request = manager.job("lab", Task::Attachments).attach("image", "image/png", image.clone()).attach(
        "nothing",
        "text/plain",
        Vec::new(),
    );
    let job = request.start().await.unwrap();
    assert_eq!(job.output().await.unwrap(), "image nothing");
    let record = job.finished().await;
    let back = record.attachment("image").unwrap();
    assert_eq!(back.media_type, "image/png");
    assert!(back.bytes == image, "{} bytes came back changed", back.bytes.len());
    assert!(record.attachment("nothing").unwrap().bytes.is_empty());
    assert_eq!(record.attachments.len(), 2);
}
