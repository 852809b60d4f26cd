//! Plugin floods stdout, stderr, chunks or logs.

use ostler::{JobEvent, JobEventKind, JobHandle, JobManager, Missed};
use ostler_tests::lab::Task;

use crate::support::{any, failed, lab_worker};

/// What a job's log weighs at most.
const LOG_BYTES: usize = 4 * 1024 * 1024;

async fn manager() -> JobManager<Task> {
    any(lab_worker()).launch().await.unwrap()
}

/// How many events are lost, and the rest. Every number is either there or counted where it is missing.
async fn what_is_left(job: &JobHandle<Task>) -> (u64, Vec<JobEvent>) {
    let mut events = job.events();
    let (mut missed, mut left) = (0, Vec::new());
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                left.push(event);
                assert_eq!(left[left.len() - 1].seq, missed + left.len() as u64);
            }
            Err(Missed { count }) => missed += count,
        }
    }
    (missed, left)
}

#[tokio::test]
async fn a_flood_on_stdout_and_stderr_is_swallowed_and_the_job_completes() {
    let manager = manager().await;
    let job = manager.start_job("lab", Task::Flood(16 * 1024 * 1024)).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "done");
    let next = manager.start_job("lab", Task::Pid).await.unwrap();
    assert_eq!(next.output().await.unwrap(), job.finished().await.worker_pid.unwrap().to_string());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn of_many_lines_on_stderr_the_last_are_kept_and_the_rest_is_counted() {
    let manager = manager().await;
    let lines: String = (0..20_000).map(|number| format!("line {number:05}\n")).collect();
    let job = manager.start_job("lab", Task::Abort(lines.clone())).await.unwrap();
    let tail = failed(&job).await.forensics.unwrap().stderr_tail;
    let (note, kept) = tail.split_once('\n').unwrap();
    assert!(kept.starts_with("line 19980\n") && kept.ends_with("line 19999"), "{tail}");
    let left_out = lines.len() - (kept.len() + 1);
    assert_eq!(note, format!("[{left_out} bytes before this are left out]"));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn of_an_endless_line_on_stderr_the_end_is_kept_and_the_rest_is_counted() {
    let manager = manager().await;
    let line = format!("{} the end", "x".repeat(1_000_000));
    let job = manager.start_job("lab", Task::Abort(line.clone())).await.unwrap();
    let tail = failed(&job).await.forensics.unwrap().stderr_tail;
    let (note, kept) = tail.split_once('\n').unwrap();
    assert!(kept.ends_with("x the end") && kept.len() < 10_000, "{} bytes", kept.len());
    assert_eq!(note, format!("[{} bytes before this are left out]", line.len() - kept.len()));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn of_a_flood_of_chunks_a_bounded_log_keeps_the_last_and_counts_the_rest() {
    let manager = manager().await;
    let job = manager.start_job("lab", Task::Emit(300, 100_000)).await.unwrap();
    job.output().await.unwrap();
    let (missed, left) = what_is_left(&job).await;
    // Queued, started, the chunks, the one that closes the stream, and the end.
    assert_eq!(missed + left.len() as u64, 304);
    let bytes: usize = left.iter().map(chunk_bytes).sum();
    assert!((LOG_BYTES / 2..=LOG_BYTES).contains(&bytes), "{bytes}");
    assert_eq!(left.last().unwrap().kind, JobEventKind::Completed);
    manager.shutdown().await.unwrap();
}

fn chunk_bytes(event: &JobEvent) -> usize {
    match &event.kind {
        JobEventKind::Chunk { payload, .. } => payload.len(),
        _ => 0,
    }
}

#[tokio::test]
async fn of_a_flood_of_logs_and_progress_a_bounded_log_keeps_the_last_and_counts_the_rest() {
    let manager = manager().await;
    let job = manager.start_job("lab", Task::Mixed(5_000)).await.unwrap();
    job.output().await.unwrap();
    let (missed, left) = what_is_left(&job).await;
    // Queued, started, the chunks, the one that closes the stream, the end, the reports, and of the lines a burst at
    // least; all of them if the machine is so slow that they come no faster than is kept.
    let all = missed + left.len() as u64;
    assert!((10_004 + 2_000..=15_004).contains(&all), "{all}");
    let is_keeper = |event: &&JobEvent| !matches!(event.kind.name(), "progress" | "log" | "output_dropped");
    let keepers = left.iter().filter(is_keeper).count();
    assert_eq!(keepers, 1_024);
    assert!((4_096..4_200).contains(&(left.len() - keepers)), "{}", left.len());
    assert_eq!(left.last().unwrap().kind, JobEventKind::Completed);
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_holds_up_the_worker_and_misses_nothing() {
    let manager = manager().await;
    let job = manager.start_job("lab", Task::Emit(5_000, 1_000)).await.unwrap();
    let mut events = job.events();
    let (mut last, mut letters) = (0, 0);
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        last += 1;
        assert_eq!(event.seq, last);
        if let Some(chunk) = event.chunk::<String>() {
            letters += slowly_counted(&chunk.unwrap());
        }
    }
    assert_eq!((last, letters), (5_004, 5_000_000));
    manager.shutdown().await.unwrap();
}

/// Takes longer than it takes to make a chunk: a worker that was not held up would be done long before.
fn slowly_counted(chunk: &str) -> usize {
    let count = || chunk.chars().filter(|letter| std::hint::black_box(*letter) == 'x').count();
    (0..10).map(|_| count()).max().unwrap()
}
