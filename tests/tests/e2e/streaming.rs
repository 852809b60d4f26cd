//! Streaming and progress: what a job says on its way reaches everybody who listens, and holds up nobody but the job.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ostler::{Category, FailureKind, JobEventKind, JobStatus, RestartPolicy, WorkerConfig};
use ostler_tests::lab::Task;

use crate::support::{Gate, echo, group, lab, launch, scratch, started};

#[tokio::test]
async fn what_a_job_says_arrives_in_order_and_before_its_end() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Mixed(100)).await.unwrap();
    let mut events = job.events();
    let (mut numbers, mut said) = (Vec::new(), Vec::new());
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        numbers.push(event.seq);
        said.push(match &event.kind {
            JobEventKind::Chunk { seq, is_final: false, .. } => {
                format!("chunk {seq} {}", event.chunk::<String>().unwrap().unwrap())
            }
            JobEventKind::Chunk { seq, payload, .. } => {
                assert!(payload.is_empty() && event.chunk::<String>().is_none());
                format!("last chunk {seq}")
            }
            JobEventKind::Progress { fraction, message, .. } => format!("progress {fraction} {message}"),
            JobEventKind::Log { message, .. } => format!("log {message}"),
            other => other.name().to_owned(),
        });
    }
    let mut expected = vec!["queued".to_owned(), "started".to_owned()];
    for number in 0..100 {
        expected.push(format!("chunk {number} {number}"));
        expected.push(format!("progress 0.5 {number}"));
        expected.push(format!("log {number}"));
    }
    expected.extend(["last chunk 100".to_owned(), "completed".to_owned()]);
    assert_eq!(said, expected);
    assert_eq!(numbers, (1..=expected.len() as u64).collect::<Vec<_>>(), "numbered without a gap");
    manager.shutdown().await.unwrap();
}

/// The exit is heard on another way than what was said before it, and must not overtake it.
#[tokio::test]
async fn what_a_job_said_before_it_died_is_not_lost() {
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 1_000,
        ..WorkerConfig::default()
    };
    let manager = lab().config(config).launch().await.unwrap();
    for death in [Task::Abort(String::new()), Task::Exit(0), Task::Segfault] {
        for _ in 0..5 {
            let task = Task::Steps(vec![Task::Mixed(200), death.clone()]);
            let job = manager.start_job("lab", task).await.unwrap();
            let names = names(&job, usize::MAX).await;
            assert_eq!(names.len(), 603, "{names:?}");
            assert_eq!(names.last(), Some(&"failed"));
        }
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn chunks_arrive_while_the_job_runs() {
    let gate = Gate::new();
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Steps(vec![Task::Emit(1, 0), gate.task()])).await.unwrap();
    let mut events = job.events();
    let chunk = loop {
        if let Some(chunk) = events.next().await.unwrap().unwrap().chunk::<String>() {
            break chunk.unwrap();
        }
    };
    assert_eq!(chunk, "0 ");
    assert_eq!(job.status(), JobStatus::Running);
    gate.open();
    assert_eq!(job.output().await.unwrap(), "open");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_late_reader_begins_with_the_first_event() {
    let gate = Gate::new();
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Steps(vec![Task::Mixed(50), gate.task()])).await.unwrap();
    let early = names(&job, 150).await;
    assert_eq!(names(&job, 150).await, early, "in the middle");
    gate.open();
    job.output().await.unwrap();
    assert_eq!(names(&job, 150).await, early, "after the end");
    assert_eq!(names(&job, usize::MAX).await.last(), Some(&"completed"));
    manager.shutdown().await.unwrap();
}

/// The names of a job's first events, so many at most.
async fn names(job: &ostler::JobHandle<Task>, count: usize) -> Vec<&'static str> {
    let mut events = job.events();
    let mut names = Vec::new();
    while names.len() < count
        && let Some(event) = events.next().await
    {
        names.push(event.unwrap().kind.name());
    }
    names
}

/// 64 MiB pass through a host that reads slower than the worker emits.
#[test]
fn a_slow_reader_misses_nothing_and_the_hosts_memory_stays_bounded() {
    let task = serde_json::to_string(&Task::Emit(1_024, 64 * 1024)).unwrap();
    let mut host = Command::new(env!("CARGO_BIN_EXE_lab-host"))
        .args(["slow-reader", &task])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    host.kill().unwrap();
    host.wait().unwrap();
    println!("missed, chunks, growth in bytes: {}", line.trim());
    let numbers: Vec<u64> = line.split_ascii_whitespace().map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers[..2], [0, 1_024]);
    assert!(numbers[2] < 24 * 1024 * 1024, "it grew by {} bytes", numbers[2]);
}

/// The job notes what it has emitted: it cannot be further ahead of its reader than what the buffers hold.
#[tokio::test]
async fn a_worker_is_held_up_while_its_reader_is_behind() {
    const CHUNKS: usize = 512;
    const AHEAD: usize = 128;
    let directory = scratch();
    let roll = directory.path().join("emitted");
    let step = |_| [Task::Emit(1, 64 * 1024), Task::Sign(roll.clone(), "x".into())];
    let manager = launch().await;
    let task = Task::Steps((0..CHUNKS).flat_map(step).collect());
    let job = manager.start_job("lab", task).await.unwrap();
    let mut events = job.events();
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    let (mut read, mut furthest) = (0, 0);
    while let Some(event) = events.next().await {
        read += usize::from(event.unwrap().chunk::<String>().is_some());
        pace.tick().await;
        let emitted = std::fs::read(&roll).unwrap_or_default().len() / 2;
        furthest = furthest.max(emitted.saturating_sub(read));
    }
    println!("the worker was at most {furthest} chunks ahead");
    assert_eq!(read, CHUNKS);
    assert!(furthest <= AHEAD, "{furthest} chunks ahead of the reader");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_reader_that_stops_reading_does_not_stop_the_job_and_is_told_what_it_missed() {
    const CHUNKS: usize = 3_000;
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Emit(CHUNKS, 10)).await.unwrap();
    let mut events = job.events();
    assert_eq!(events.next().await.unwrap().unwrap().seq, 1);
    assert_eq!(job.output().await.unwrap(), "done");

    let (mut missed, mut last) = (0, 1);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                assert_eq!(event.seq, last + 1);
                last = event.seq;
            }
            Err(error) => {
                missed += error.count;
                last += error.count;
            }
        }
    }
    // Besides the chunks: queued, started, the empty chunk that closes the stream, completed.
    assert_eq!(last, CHUNKS as u64 + 4);
    assert!(missed > 0);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_reader_that_is_dropped_holds_up_nobody() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Emit(20_000, 10)).await.unwrap();
    let mut events = job.events();
    assert_eq!(events.next().await.unwrap().unwrap().seq, 1);
    drop(events);
    assert_eq!(job.output().await.unwrap(), "done");
    manager.shutdown().await.unwrap();
}

/// With a reader that does not read the same would take a second for every 512 chunks.
#[tokio::test]
async fn without_a_reader_a_job_runs_at_full_speed() {
    let manager = launch().await;
    let begin = Instant::now();
    let job = manager.start_job("lab", Task::Emit(20_000, 3_000)).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "done");
    println!("60 MB in chunks that nobody read: {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(20));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn of_two_readers_neither_misses_anything() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Emit(2_000, 10)).await.unwrap();
    let (mut fast, mut slow) = (job.events(), job.events());
    let quickly = async {
        let mut count = 0;
        while let Some(event) = fast.next().await {
            assert!(event.is_ok());
            count += 1;
        }
        count
    };
    let slowly = async {
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        let mut count = 0;
        while let Some(event) = slow.next().await {
            assert!(event.is_ok());
            count += 1;
            if count % 4 == 0 {
                pace.tick().await;
            }
        }
        count
    };
    assert_eq!(tokio::join!(quickly, slowly), (2_004, 2_004));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_job_that_is_held_up_by_its_reader_can_be_cancelled() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Emit(1_000_000, 1_000)).await.unwrap();
    let mut unread = job.events();
    let worker = started(&job).await;
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert!(group(worker).is_empty());
    assert!(unread.next().await.is_some());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn results_and_requests_far_larger_than_a_socket_arrive_whole() {
    let manager = launch().await;
    let bytes: Vec<u8> = (0..24_000_000_u32).map(|number| (number % 251) as u8).collect();
    let request = manager.job("lab", Task::Attachments);
    let request = request.attach("one", "x/y", bytes.clone()).attach("two", "", "small");
    let job = request.attach("none", "text/plain", "").start().await.unwrap();
    assert_eq!(job.output().await.unwrap(), "one two none");
    let record = job.finished().await;
    let names: Vec<&str> = record.attachments.iter().map(|attachment| attachment.name.as_str()).collect();
    assert_eq!(names, ["one", "two", "none"]);
    assert!(record.attachments[0].bytes == bytes);
    assert_eq!(record.attachments[0].media_type, "x/y");
    assert_eq!(record.attachments[1].bytes, "small");

    let job = manager.start_job("lab", Task::Answer(24_000_000)).await.unwrap();
    let answer = job.output().await.unwrap();
    assert!(answer.len() == 24_000_000 && answer.bytes().all(|byte| byte == b'a'));
    let job = manager.start_job("lab", Task::Echo(answer.clone())).await.unwrap();
    assert!(job.output().await.unwrap() == answer);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_result_may_fill_a_frame_and_one_that_does_not_fit_fails_only_its_job() {
    const LIMIT: usize = 1024 * 1024;
    let config = WorkerConfig { max_frame_bytes: LIMIT, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let pid = manager.workers()[0].pid;
    let fits = manager.start_job("lab", Task::Answer(LIMIT - 512)).await.unwrap();
    assert_eq!(fits.output().await.unwrap().len(), LIMIT - 512);
    for task in [Task::Answer(LIMIT), Task::Emit(1, LIMIT)] {
        let job = manager.start_job("lab", task).await.unwrap();
        let failure = job.output().await.unwrap_err().failure().cloned().unwrap();
        assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Resource));
        assert!(failure.message.contains(&LIMIT.to_string()), "{}", failure.message);
    }
    assert_eq!(manager.start_job("lab", echo("next")).await.unwrap().output().await.unwrap(), "next");
    assert_eq!(manager.workers()[0].pid, pid, "in the same worker");
    manager.shutdown().await.unwrap();
}
