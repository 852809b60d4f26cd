//! What holds while host and worker look for each other's words instead of sleeping.

use std::time::Duration;

use ostler::{FailureKind, JobEventKind, JobManager, WorkerConfig};
use ostler_tests::lab::Task;

use crate::operations::{PATIENCE, lines_come_before_their_chunks, told};
use crate::support::{at_once, lab};

/// With so long a look that any small job is met by it, also on a machine that has much else to do.
async fn launch() -> JobManager<Task> {
    let config = WorkerConfig {
        spin: Duration::from_millis(10),
        max_restart_attempts: 1_000,
        // A word that nobody hears shall not be heard with the answer to a ping.
        heartbeat_interval: Duration::ZERO,
        ..at_once()
    };
    lab().config(config).launch().await.unwrap()
}

/// Small jobs make both sides look; what is large, and what comes after a long job, goes through the socket between them.
#[tokio::test]
async fn answers_of_all_sizes_and_after_all_pauses_are_the_right_ones() {
    let manager = launch().await;
    for round in 0..200_usize {
        let text = format!("echo {round}").repeat(1 + (round % 7) * (round % 5) * 100);
        let job = manager.start_job("lab", Task::Echo(text.clone())).await.unwrap();
        assert_eq!(job.output().await.unwrap(), text);
        if round % 50 == 49 {
            let pause = Task::Linger(Duration::from_millis(30));
            let job = manager.start_job("lab", pause).await.unwrap();
            tokio::time::timeout(PATIENCE, job.output()).await.unwrap().unwrap();
        }
    }
    is_still_the_first(&manager);
    manager.shutdown().await.unwrap();
}

/// The one who looks for its answer is the first to see it, and nobody sees it a second time.
#[tokio::test]
async fn a_connection_that_is_closed_while_its_answer_is_looked_for_ends_the_job() {
    let manager = launch().await;
    for _ in 0..8 {
        for _ in 0..20 {
            manager.start_job("lab", Task::Echo("hot".into())).await.unwrap().output().await.unwrap();
        }
        let job = manager.start_job("lab", Task::Steps(vec![Task::CloseAll, Task::Spin])).await.unwrap();
        let error = tokio::time::timeout(PATIENCE, job.output()).await.unwrap().unwrap_err();
        let failure = error.failure().unwrap();
        assert_eq!(failure.kind, FailureKind::Protocol, "{failure}");
    }
    manager.shutdown().await.unwrap();
}

/// Far more than the ring holds, faster than it is read, between jobs that were answered by it.
#[tokio::test]
async fn a_flood_of_chunks_finds_its_way_in_order() {
    const CHUNKS: usize = 5_000;
    let manager = launch().await;
    for _ in 0..3 {
        for _ in 0..20 {
            manager.start_job("lab", Task::Echo("hot".into())).await.unwrap().output().await.unwrap();
        }
        let job = manager.start_job("lab", Task::Emit(CHUNKS, 100)).await.unwrap();
        let (mut events, mut next) = (job.events(), 0);
        while let Some(event) = events.next().await {
            if let JobEventKind::Chunk { seq, is_final, .. } = event.unwrap().kind {
                assert_eq!(seq, next);
                next += 1;
                assert_eq!(is_final, next as usize == CHUNKS + 1);
            }
        }
        assert_eq!(next as usize, CHUNKS + 1);
    }
    is_still_the_first(&manager);
    manager.shutdown().await.unwrap();
}

/// A cancel and a crash hit a worker that was being talked to by the ring a moment ago: only their job is hurt.
#[tokio::test]
async fn deaths_between_small_jobs_take_no_other_job_along() {
    let manager = launch().await;
    for round in 0..20 {
        let mut jobs = Vec::new();
        for _ in 0..20 {
            jobs.push(manager.start_job("lab", Task::Echo("before".into())).await.unwrap());
        }
        let victim =
            manager.start_job("lab", if round % 2 == 0 { Task::Spin } else { Task::Segfault }).await.unwrap();
        for _ in 0..20 {
            jobs.push(manager.start_job("lab", Task::Echo("behind".into())).await.unwrap());
        }
        for job in &jobs[..20] {
            assert_eq!(job.output().await.unwrap(), "before");
        }
        if round % 2 == 0 {
            assert!(victim.cancel().await.unwrap().is_cancelled());
        }
        assert!(victim.output().await.is_err());
        for job in &jobs[20..] {
            assert_eq!(job.output().await.unwrap(), "behind");
        }
    }
    manager.shutdown().await.unwrap();
}

/// One job follows on the other's heels.
#[tokio::test]
async fn r31_what_a_job_prints_is_its_own() {
    let manager = launch().await;
    let mut jobs = Vec::new();
    for number in 0..1_000 {
        let task = match number % 3 {
            0 => Task::Print(number.to_string()),
            1 => Task::PrintInC(number.to_string()),
            _ => Task::Write(format!("{number}\n")),
        };
        jobs.push(manager.start_job("lab", task).await.unwrap());
    }
    for (number, job) in jobs.iter().enumerate() {
        job.output().await.unwrap();
        assert_eq!(told(job).await.printed, [number.to_string()]);
    }
    is_still_the_first(&manager);
    manager.shutdown().await.unwrap();
}

/// Whichever way the chunk goes.
#[tokio::test]
async fn r31_what_is_printed_before_a_chunk_comes_before_it() {
    let manager = launch().await;
    for _ in 0..10 {
        let steps = (0..100).flat_map(|line| [Task::Write(format!("{line}\n")), Task::Emit(1, 1)]).collect();
        let job = manager.start_job("lab", Task::Steps(steps)).await.unwrap();
        lines_come_before_their_chunks(&job, 100).await;
    }
    is_still_the_first(&manager);
    manager.shutdown().await.unwrap();
}

/// A begin that nobody hears ends in a worker that is killed for it, and in a job that runs again elsewhere.
fn is_still_the_first(manager: &JobManager<Task>) {
    assert_eq!(manager.workers()[0].generation.0, 1, "a worker was replaced");
}
