#![expect(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::JobEvents;

fn chunk(seq: u64, bytes: usize) -> JobEventKind {
    JobEventKind::Chunk { seq, is_final: false, payload: ostler_wire::Payload::raw(vec![0; bytes]) }
}

fn at() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

#[tokio::test]
async fn a_cursor_sees_everything_in_order_and_then_the_end() {
    let log = Arc::new(EventLog::default());
    log.push(at(), JobEventKind::Queued);
    let mut events = JobEvents::new(Arc::clone(&log));
    log.push(at(), JobEventKind::Completed);
    log.close();
    assert_eq!(events.next().await.unwrap().unwrap().seq, 1);
    assert_eq!(events.next().await.unwrap().unwrap().kind, JobEventKind::Completed);
    assert!(events.next().await.is_none());
    assert!(events.next().await.is_none(), "the end stays the end");
}

#[tokio::test]
async fn a_cursor_that_does_not_read_is_told_what_it_missed() {
    let log = Arc::new(EventLog::default());
    let mut events = JobEvents::new(Arc::clone(&log));
    for seq in 0..EVENTS_KEPT as u64 + 10 {
        log.push(at(), chunk(seq, 1));
    }
    assert_eq!(events.next().await.unwrap(), Err(Missed { count: 10 }));
    assert_eq!(events.next().await.unwrap().unwrap().seq, 11);
}

#[tokio::test]
async fn the_log_is_bounded_in_bytes_and_keeps_the_newest() {
    let log = Arc::new(EventLog::default());
    log.push(at(), chunk(0, BYTES_KEPT));
    log.push(at(), chunk(1, BYTES_KEPT + 1));
    let mut events = JobEvents::new(Arc::clone(&log));
    assert_eq!(events.next().await.unwrap(), Err(Missed { count: 1 }));
    assert_eq!(events.next().await.unwrap().unwrap().seq, 2);
    assert_eq!(log.lock().events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_worker_is_held_up_for_a_reader_but_not_for_a_sleeper() {
    let log = Arc::new(EventLog::default());
    log.pace().await;
    let mut events = JobEvents::new(Arc::clone(&log));
    for seq in 0..EVENTS_KEPT as u64 {
        log.push(at(), chunk(seq, 1));
    }
    let pacing = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.pace().await }
    });
    tokio::task::yield_now().await;
    assert!(!pacing.is_finished(), "the log is full of news");
    for _ in 0..EVENTS_KEPT {
        events.next().await.unwrap().unwrap();
    }
    pacing.await.unwrap();

    for seq in 0..EVENTS_KEPT as u64 {
        log.push(at(), chunk(seq, 1));
    }
    let before = tokio::time::Instant::now();
    log.pace().await;
    assert_eq!(before.elapsed(), PATIENCE, "nobody reads");
    log.pace().await;
    assert_eq!(before.elapsed(), PATIENCE, "and it is not waited for again");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_looks_in_vain_does_not_make_the_worker_wait_for_a_sleeper() {
    let log = Arc::new(EventLog::default());
    let _sleeper = JobEvents::new(Arc::clone(&log));
    let mut awake = JobEvents::new(Arc::clone(&log));
    for seq in 0..EVENTS_KEPT as u64 {
        log.push(at(), chunk(seq, 1));
        awake.next().await.unwrap().unwrap();
    }
    let begin = Instant::now();
    let looks = async {
        loop {
            // Like a connection that sends a heartbeat when nothing comes.
            let _ = tokio::time::timeout(PATIENCE / 2, awake.next()).await;
        }
    };
    tokio::select! {
        () = log.pace() => {}
        () = looks => unreachable!(),
    }
    assert_eq!(begin.elapsed(), PATIENCE);
}
