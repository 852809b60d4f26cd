//! A job that prints or logs too much is no trouble to anybody, and what is left out is counted.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ostler::{JobEventKind, JobStatus, RetryPolicy};
use ostler_tests::lab::Task;

use super::PATIENCE;
use super::story::told;
use crate::support::{any, group, lab_worker, launch, started};

const MIB: usize = 1024 * 1024;

/// A thousand lines a second are kept, and twice that at once. Who is slower than that loses none.
#[track_caller]
fn assert_within_the_rate(kept: u64, begun: Instant) {
    let most = 2_000 + 1_000 * (begun.elapsed().as_secs() + 1);
    assert!(kept <= most, "{kept} lines were kept of a time that allows {most}");
}

/// 200 MB between chunks, for a reader that reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r27_in_a_flood_every_chunk_is_there_and_what_was_dropped_is_counted() {
    const PARTS: usize = 200;
    const LINES: usize = 1_000;
    let manager = launch().await;
    let steps = (0..PARTS).flat_map(|_| [Task::Pour(LINES, 1_000), Task::Emit(1, 10)]).collect();
    let begin = Instant::now();
    let job = manager.start_job("lab", Task::Steps(steps)).await.unwrap();
    let story = told(&job).await;
    println!("200 MB: {:?}, {} lines kept", begin.elapsed(), story.printed.len());
    assert_eq!(story.chunks, (0..PARTS as u64).collect::<Vec<_>>());
    assert_eq!((story.missed, story.last), (0, "completed"));
    assert_eq!(story.printed.len() as u64 + story.dropped_lines, (PARTS * LINES) as u64);
    assert_eq!(story.dropped_bytes, story.dropped_lines * 1_000);
    assert!(story.printed.len() >= 1_000 && story.dropped_lines > 0);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r27_after_a_flood_that_nobody_read_chunks_states_and_the_count_are_still_there() {
    let manager = launch().await;
    let steps = vec![
        Task::Emit(100, 10),
        Task::Pour(50_000, 100),
        Task::Steps(vec![Task::Emit(100, 10), Task::Pour(50_000, 0)]),
    ];
    let job = manager.start_job("lab", Task::Steps(steps)).await.unwrap();
    job.output().await.unwrap();
    let mut events = manager.job_events(job.id()).unwrap();
    for name in ["queued", "started"] {
        assert_eq!(events.next().await.unwrap().unwrap().kind.name(), name);
    }
    let story = told(&job).await;
    assert_eq!(story.chunks, (0..200).collect::<Vec<_>>());
    assert_eq!(story.last, "completed");
    // If it took long enough to fill the log, a count had to make room as well.
    let counted = story.printed.len() as u64 + story.missed + story.dropped_lines;
    assert!(
        counted == 100_000 || (story.missed > 0 && counted < 100_000),
        "{counted}, {} missed",
        story.missed
    );
    manager.shutdown().await.unwrap();
}

/// The count does not wait for the next line.
#[tokio::test]
async fn r27_what_was_dropped_is_told_when_the_flood_lets_up() {
    let manager = launch().await;
    let steps = vec![Task::Pour(10_000, 10), Task::TidyUp];
    let begun = Instant::now();
    let job = manager.start_job("lab", Task::Steps(steps)).await.unwrap();
    let mut events = job.events();
    let (mut printed, mut dropped) = (0, 0);
    let count = async {
        while printed + dropped < 10_000 {
            match events.next().await.unwrap().unwrap().kind {
                JobEventKind::Output { .. } => printed += 1,
                JobEventKind::OutputDropped { lines, .. } => dropped += lines,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, count).await.unwrap();
    assert_eq!((job.status(), printed + dropped), (JobStatus::Running, 10_000));
    assert_within_the_rate(printed, begun);
    assert!(job.cancel().await.unwrap().is_cancelled());
}

#[tokio::test]
async fn r27_log_lines_are_limited_like_printed_ones_and_neither_takes_from_the_other() {
    let manager = launch().await;
    let steps = vec![Task::Pour(20_000, 10), Task::Mixed(300)];
    let job = manager.start_job("lab", Task::Steps(steps)).await.unwrap();
    let mut events = job.events();
    let mut count = HashMap::new();
    while let Some(event) = events.next().await {
        *count.entry(event.unwrap().kind.name()).or_insert(0) += 1;
    }
    assert_eq!((count["log"], count["progress"], count["chunk"]), (300, 300, 301));
    let begun = Instant::now();
    let job = manager.start_job("lab", Task::Mixed(10_000)).await.unwrap();
    let mut events = job.events();
    let (mut logged, mut progress, mut dropped) = (0, 0, 0);
    while let Some(event) = events.next().await {
        match event.unwrap().kind {
            JobEventKind::Log { .. } => logged += 1,
            JobEventKind::Progress { .. } => progress += 1,
            JobEventKind::OutputDropped { lines, .. } => dropped += lines,
            _ => {}
        }
    }
    assert_eq!((logged + dropped, progress), (10_000, 10_000));
    assert_within_the_rate(logged, begun);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r27_in_a_flood_a_worker_answers_and_a_cancel_is_as_fast_as_without() {
    let manager = any(lab_worker()).launch().await.unwrap();
    let cancel = async |task| {
        let job = manager.start_job("lab", task).await.unwrap();
        let worker = started(&job).await;
        let begin = Instant::now();
        let report = manager.get_worker_state().await.unwrap();
        let answered = begin.elapsed();
        assert_eq!(report.len(), 1);
        let begin = Instant::now();
        assert!(job.cancel().await.unwrap().is_cancelled());
        let cancelled = begin.elapsed();
        assert!(group(worker).is_empty());
        assert_eq!(told(&job).await.last, "cancelled");
        (answered, cancelled)
    };
    let (mut calm, mut flood) = ((Duration::MAX, Duration::MAX), (Duration::MAX, Duration::MAX));
    let as_fast = |flood: Duration, calm: Duration| flood < calm.saturating_add(Duration::from_millis(50));
    // The best of each: what else the machine has to do slows down most of them, and not all.
    let deadline = Instant::now() + PATIENCE;
    while !(as_fast(flood.0, calm.0) && as_fast(flood.1, calm.1)) {
        assert!(Instant::now() < deadline, "best answer and cancel: in a flood {flood:?}, without {calm:?}");
        let (answered, cancelled) = cancel(Task::Spin).await;
        calm = (calm.0.min(answered), calm.1.min(cancelled));
        let (answered, cancelled) = cancel(Task::Pour(usize::MAX, 1_000)).await;
        flood = (flood.0.min(answered), flood.1.min(cancelled));
    }
    println!("best answer and cancel: calm {calm:?}, in a flood {flood:?}");
    manager.shutdown().await.unwrap();
}

/// What the host had to leave out is in the events of a job that was cancelled while it printed.
#[tokio::test]
async fn r27_what_was_dropped_before_a_cancel_is_counted() {
    let manager = any(lab_worker()).launch().await.unwrap();
    let job = manager.start_job("lab", Task::Pour(usize::MAX, 1_000)).await.unwrap();
    let mut events = job.events();
    // Sooner or later more is printed than is kept.
    while events.next().await.unwrap().unwrap().kind.name() != "output_dropped" {}
    assert!(job.cancel().await.unwrap().is_cancelled());
    let mut names = Vec::new();
    while let Some(event) = events.next().await {
        names.push(event.unwrap().kind.name());
    }
    // What was printed before the kill is told or counted, and nothing comes behind the end.
    assert!(
        names.iter().all(|name| matches!(*name, "output" | "output_dropped" | "cancelling" | "cancelled")),
        "{names:?}"
    );
    assert_eq!(names.last(), Some(&"cancelled"));
    manager.shutdown().await.unwrap();
}

/// What a run printed is told before the next one begins, however it died.
#[tokio::test]
async fn r27_what_a_failed_run_dropped_is_not_counted_for_the_next() {
    const LINES: usize = 20_000;
    let scratch = tempfile::tempdir().unwrap();
    let mark = scratch.path().join("ran").display().to_string();
    let die_once = format!("[ -e {mark} ] || {{ : > {mark}; kill -9 $PPID; }}");
    let manager = launch().await;
    let steps = vec![Task::Pour(LINES, 10), Task::Shell(die_once)];
    let retry = RetryPolicy { backoff_base: Duration::ZERO, ..RetryPolicy::attempts(2) };
    let job = manager.job("lab", Task::Steps(steps)).retry(retry).start().await.unwrap();
    let (mut events, mut runs) = (job.events(), Vec::new());
    while let Some(event) = events.next().await {
        match event.unwrap().kind {
            JobEventKind::Started { .. } => runs.push((0, 0)),
            JobEventKind::Output { .. } => runs.last_mut().unwrap().0 += 1,
            JobEventKind::OutputDropped { lines, .. } => runs.last_mut().unwrap().1 += lines as usize,
            _ => {}
        }
    }
    assert_eq!((job.status(), runs.len()), (JobStatus::Completed, 2));
    assert!(runs.iter().all(|(told, dropped)| told + dropped == LINES && *dropped > 0), "{runs:?}");
    manager.shutdown().await.unwrap();
}

#[test]
fn r27_in_a_flood_the_hosts_memory_is_bounded() {
    let task = serde_json::to_string(&Task::Pour(200, MIB)).unwrap();
    let many = serde_json::to_string(&Task::Pour(2_000_000, 20)).unwrap();
    for task in [task, many] {
        let mut host = Command::new(env!("CARGO_BIN_EXE_lab-host"))
            .args(["ended", &task])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
        host.kill().unwrap();
        host.wait().unwrap();
        let grown: usize = line.trim().parse().unwrap();
        println!("it grew by {grown} bytes");
        assert!(grown < 12 * MIB, "it grew by {grown} bytes");
    }
}
