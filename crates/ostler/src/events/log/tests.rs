#![expect(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::{JobEvents, Missed, OutputStream};

fn chunk(seq: u64, bytes: usize) -> JobEventKind {
    JobEventKind::Chunk { seq, is_final: false, payload: ostler_wire::Payload::raw(vec![0; bytes]) }
}

fn line(text: &str) -> JobEventKind {
    JobEventKind::Output { stream: OutputStream::Stdout, text: text.to_owned() }
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
    assert!(log.weight() < 2 * BYTES_KEPT, "one of two is held");
}

#[tokio::test]
async fn r27_a_flood_of_chatter_evicts_no_chunk_and_no_state_and_what_is_missed_is_counted_where_it_is_missing()
 {
    let log = Arc::new(EventLog::default());
    let mut events = JobEvents::new(Arc::clone(&log));
    log.push(at(), JobEventKind::Queued);
    for number in 0..5 {
        for _ in 0..CHATTER_KEPT {
            log.push(at(), line("x"));
        }
        log.push(at(), chunk(number, 10));
    }
    log.push(at(), JobEventKind::Completed);
    log.close();
    let mut story = Vec::new();
    let mut next = 1;
    let mut lines = 0;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                assert_eq!(event.seq, next);
                next += 1;
                match event.kind {
                    JobEventKind::Output { .. } => lines += 1,
                    kind => story.push(kind.name().to_owned()),
                }
            }
            Err(Missed { count }) => {
                next += count;
                story.push(format!("{count} missed"));
            }
        }
    }
    let missed = format!("{CHATTER_KEPT} missed");
    let mut expected = vec!["queued"];
    (0..4).for_each(|_| expected.extend([&*missed, "chunk"]));
    expected.extend(["chunk", "completed"]);
    assert_eq!(story, expected);
    assert_eq!(lines, CHATTER_KEPT);
}

#[tokio::test]
async fn r27_chatter_is_bounded_in_bytes_of_its_own() {
    let log = Arc::new(EventLog::default());
    log.push(at(), chunk(0, BYTES_KEPT));
    let text = "x".repeat(4_096);
    for _ in 0..CHATTER_KEPT {
        log.push(at(), line(&text));
    }
    assert!(
        (BYTES_KEPT + CHATTER_BYTES_KEPT / 2..BYTES_KEPT + 2 * CHATTER_BYTES_KEPT).contains(&log.weight())
    );
    let mut events = JobEvents::new(log);
    assert_eq!(events.next().await.unwrap().unwrap().kind.name(), "chunk");
}

/// As at the end of a job that printed: nobody can be held up for a reader any more.
#[tokio::test(start_paused = true)]
async fn r31_a_reader_that_keeps_up_misses_nothing_of_a_last_burst() {
    let log = Arc::new(EventLog::default());
    let mut events = JobEvents::new(Arc::clone(&log));
    let mut printed = 0;
    // All that may be pushed before the worker is held up.
    while tokio::time::timeout(Duration::ZERO, log.pace()).await.is_ok() {
        log.push(at(), line("x"));
        printed += 1;
        assert!(printed < CHATTER_KEPT, "it was never held up");
    }
    for _ in 0..2_000 {
        log.push(at(), line("x"));
        printed += 1;
    }
    for _ in 0..printed {
        events.next().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_was_dropped_is_told_once() {
    let log = EventLog::default();
    assert_eq!(log.take_dropped(), None);
    log.count_dropped(Dropped { lines: 2, bytes: 10 });
    log.count_dropped(Dropped { lines: 1, bytes: 0 });
    assert_eq!(log.take_dropped(), Some(Dropped { lines: 3, bytes: 10 }));
    assert_eq!(log.take_dropped(), None);
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

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_reader_that_wants_none_of_it() {
    let log = Arc::new(EventLog::default());
    let mut events = JobEvents::new(Arc::clone(&log)).unpaced();
    for seq in 0..EVENTS_KEPT as u64 + 5 {
        log.push(at(), chunk(seq, 1));
    }
    assert!(!log.is_crowded());
    assert_eq!(events.next().await.unwrap(), Err(Missed { count: 5 }));
    assert_eq!(events.next().await.unwrap().unwrap().seq, 6);
    assert!(!log.is_crowded(), "nor when it has read");
    let _other = JobEvents::new(Arc::clone(&log));
    assert!(log.is_crowded(), "another reader is waited for");
}
