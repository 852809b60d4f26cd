//! A subscriber that does not read.

use ostler::{JobEventKind, ManagerEventKind, Missed};
use ostler_tests::lab::Task;

use crate::support::{any, lab_worker};

#[tokio::test]
async fn a_subscriber_of_a_job_that_does_not_read_is_told_how_many_events_it_missed() {
    let manager = any(lab_worker()).launch().await.unwrap();
    let job = manager.start_job("lab", Task::Emit(5_000, 10)).await.unwrap();
    let mut idle = job.events();
    let mut eager = job.events();
    let mut read = 0;
    while let Some(event) = eager.next().await {
        read += 1;
        assert_eq!(event.unwrap().seq, read, "the other one misses nothing");
    }
    assert_eq!(read, 5_004);

    let Some(Err(Missed { count })) = idle.next().await else { panic!("it missed nothing") };
    assert!(count >= 5_004 - 1_024, "{count}");
    let mut last = count;
    let mut kind = None;
    while let Some(event) = idle.next().await {
        let event = event.unwrap();
        last += 1;
        assert_eq!(event.seq, last);
        kind = Some(event.kind);
    }
    assert_eq!((last, kind), (5_004, Some(JobEventKind::Completed)));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_subscriber_of_a_manager_that_does_not_read_is_told_how_many_events_it_missed() {
    let manager = any(lab_worker()).launch().await.unwrap();
    let mut events = manager.events();
    let job = manager.start_job("lab", Task::Emit(5_000, 10)).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "done", "nobody waits for the subscriber");
    manager.shutdown().await.unwrap();

    let Some(Err(Missed { count })) = events.next().await else { panic!("it missed nothing") };
    let mut numbers = Vec::new();
    while let Some(event) = events.next().await {
        if let ManagerEventKind::Job { job: id, event, .. } = event.unwrap().kind {
            assert_eq!(id, job.id());
            numbers.push(event.seq);
        }
    }
    let first = numbers[0];
    assert!(numbers.iter().copied().eq(first..=5_004), "no gap behind the missed ones: {numbers:?}");
    // Among the missed ones is, beside the job's, that its worker became busy.
    assert_eq!(count, first - 1 + 1);
}
