use std::time::Duration;

use ostler::{JobEventKind, RetryPolicy, WorkerConfig, WorkerPhase};
use ostler_tests::lab::Task;

use super::{MIB, SHARED_FROM, attachments, filled, forgetful, is_filled, only_worker, segments};
use crate::support::{at_once, lab, scratch, within, workers};

#[tokio::test]
async fn parts_of_every_size_come_back_as_they_went() {
    let manager = lab().config(forgetful()).launch().await.unwrap();
    let page = 4096;
    for len in [0, 1, page, SHARED_FROM - 1, SHARED_FROM, SHARED_FROM + 1, MIB + page, 20 * MIB] {
        let sent: Vec<u8> = (0..len).map(|at| (at / page + at) as u8).collect();
        let request = manager.job("lab", Task::Attachments).attach("a", "b/c", sent.clone());
        let job = request.attach("d", "", vec![7; len / 2]).start().await.unwrap();
        let back = attachments(job).await;
        assert!(back[0].bytes == sent, "{len} bytes");
        assert!(is_filled(&back[1], len / 2, 7), "{len} bytes");
        assert_eq!(back[0].media_type, "b/c");
    }
    // Bodies as well: this one is decoded.
    let text = "x".repeat(MIB);
    let job = manager.start_job("lab", Task::Echo(text.clone())).await.unwrap();
    assert!(job.output().await.unwrap() == text);
    manager.shutdown().await.unwrap();
}

/// Red if a segment is used again while somebody has bytes in it.
#[tokio::test]
async fn what_is_held_outlives_later_jobs_and_its_worker() {
    let manager = lab().config(forgetful()).launch().await.unwrap();
    let mut held = Vec::new();
    for value in 0..6 {
        held.extend(filled(&manager, MIB, value).await);
        // In between some that nobody holds.
        filled(&manager, MIB, 99).await;
    }
    let job = manager.start_job("lab", Task::Exit(3)).await.unwrap();
    job.output().await.unwrap_err();
    for value in 100..104 {
        filled(&manager, MIB, value).await;
    }
    manager.shutdown().await.unwrap();
    drop(manager);
    for (value, attachment) in held.iter().enumerate() {
        assert!(is_filled(attachment, MIB, value as u8), "result {value} was overwritten");
    }
}

#[tokio::test]
async fn a_busy_worker_makes_no_new_segments() {
    let manager = lab().config(forgetful()).launch().await.unwrap();
    let pid = only_worker(&manager);
    let round = async || {
        let job = manager.job("lab", Task::Attachments).attach("a", "", vec![1; MIB]).start().await.unwrap();
        drop(attachments(job).await);
        drop(filled(&manager, 2 * MIB, 2).await);
    };
    for _ in 0..3 {
        round().await;
    }
    let warm = segments(pid);
    assert!((2..=4).contains(&warm.len()), "{warm:?}");
    for _ in 0..30 {
        round().await;
    }
    assert_eq!(segments(pid), warm);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_written_in_place_is_not_copied() {
    let manager = lab().config(forgetful()).launch().await.unwrap();
    let pid = only_worker(&manager);
    for value in 0..10 {
        let mut buffer = manager.buffer(MIB);
        assert!(buffer.is_shared());
        buffer.fill(value);
        let bytes = buffer.freeze();
        let begin = bytes.as_ptr();
        let job = manager.job("lab", Task::Attachments).attach("a", "", bytes).start().await.unwrap();
        let back = attachments(job).await;
        assert!(is_filled(&back[0], MIB, value));
        assert_eq!(back[0].bytes.as_ptr(), begin, "an echo is the same memory");
    }
    assert!(segments(pid).len() <= 2, "{:?}", segments(pid));
    assert!(!manager.buffer(SHARED_FROM - 1).is_shared());
    manager.shutdown().await.unwrap();
    assert!(!manager.buffer(MIB).is_shared(), "there is no worker to share it with");
}

#[tokio::test]
async fn workers_have_no_memory_in_common() {
    let config = WorkerConfig { finished_jobs_kept: 1, ..workers(2) };
    let manager = lab().config(config).launch().await.unwrap();
    let idle = || manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count();
    assert!(within(Duration::from_secs(20), || idle() == 2).await, "else one of them does all");
    let shared = manager.buffer(MIB).freeze();
    for _ in 0..10 {
        let jobs = [(); 4].map(|()| manager.job("lab", Task::Attachments).attach("a", "", shared.clone()));
        let mut started = Vec::new();
        for job in jobs {
            started.push(job.start().await.unwrap());
        }
        for job in started {
            assert!(attachments(job).await[0].bytes == shared);
        }
    }
    let pids: Vec<u32> = manager.workers().iter().filter_map(|worker| worker.pid).collect();
    let [one, other] = [segments(pids[0]), segments(pids[1])];
    assert!(!one.is_empty() && !other.is_empty(), "{one:?} {other:?}");
    assert!(one.is_disjoint(&other), "{one:?} {other:?}");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn another_worker_gets_the_same_bytes() {
    let directory = scratch();
    let gate = directory.path().join("gate");
    let manager = lab().config(at_once()).launch().await.unwrap();
    let mut buffer = manager.buffer(MIB);
    buffer.fill(5);
    let task = Task::Steps(vec![Task::DieUnless(gate.clone()), Task::Attachments]);
    let request = manager.job("lab", task).retry(RetryPolicy::attempts(2));
    let job = request.attach("a", "", buffer.freeze()).attach("b", "", vec![6; MIB]).start().await.unwrap();
    let mut events = job.events();
    while let Some(event) = events.next().await {
        if let JobEventKind::Blocked(_) = event.unwrap().kind {
            std::fs::write(&gate, "").unwrap();
        }
    }
    let back = attachments(job).await;
    assert!(is_filled(&back[0], MIB, 5) && is_filled(&back[1], MIB, 6));
    manager.shutdown().await.unwrap();
}
