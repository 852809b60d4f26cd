use ostler::{Category, FailureKind, WorkerConfig, WorkerLimits};
use ostler_tests::lab::Task;

use super::{MIB, attachments, filled, forgetful, is_filled, only_worker, segments};
use crate::support::{at_once, failed, lab, says};

#[tokio::test]
async fn nothing_is_shared_where_that_is_not_wanted() {
    let config = WorkerConfig { shared_memory_bytes: 0, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    assert!(!manager.buffer(MIB).is_shared());
    assert!(is_filled(&filled(&manager, MIB, 1).await[0], MIB, 1));
    assert!(segments(only_worker(&manager)).is_empty());
    manager.shutdown().await.unwrap();
}

/// Records of ended jobs hold their results, so soon nothing is left to share: then payloads go the slow way.
#[tokio::test]
async fn a_thousand_large_payloads_take_no_more_than_their_bound() {
    let bound = 4 * MIB;
    let config = WorkerConfig { shared_memory_bytes: bound, finished_jobs_kept: 30, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let pid = only_worker(&manager);
    for number in 0..1000 {
        let len = (number * 7919) % (MIB / 2);
        let request = manager.job("lab", Task::Attachments).attach("a", "", vec![number as u8; len]);
        let back = attachments(request.start().await.unwrap()).await;
        assert!(is_filled(&back[0], len, number as u8), "job {number}");
        if number % 100 == 99 {
            assert!(segments(pid).len() <= 2 * bound / (64 * 1024), "{:?}", segments(pid));
        }
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_payload_larger_than_all_that_may_be_shared_goes_the_slow_way() {
    let config = WorkerConfig { shared_memory_bytes: MIB, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    assert!(is_filled(&filled(&manager, 8 * MIB, 1).await[0], 8 * MIB, 1));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_frame_limit_counts_what_is_shared() {
    let config = WorkerConfig { max_frame_bytes: MIB, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let job = manager.start_job("lab", Task::Fill(2 * MIB, 1)).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Resource));
    says(failure, &["is over the limit of 1048576; raise max_frame_bytes"]);
    let error = manager.job("lab", Task::Attachments).attach("a", "", vec![0; 2 * MIB]).start().await;
    says(error.unwrap_err(), &["1048"]);
    assert!(is_filled(&filled(&manager, MIB / 2, 1).await[0], MIB / 2, 1), "and what fits is shared");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_worker_that_can_open_no_file_fails_one_job_and_then_takes_the_slow_way() {
    let limits = WorkerLimits { open_files: Some(64), ..WorkerLimits::default() };
    let config = WorkerConfig { limits, ..forgetful() };
    let manager = lab().config(config).launch().await.unwrap();
    manager.start_job("lab", Task::HoardFiles).await.unwrap().output().await.unwrap();
    let send = async || {
        let request = manager.job("lab", Task::Attachments).attach("a", "", vec![3; MIB]);
        request.start().await.unwrap()
    };
    let pid = only_worker(&manager);
    let failure = failed(&send().await).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Resource));
    says(failure, &["a part of the request could not be taken over", "too many open files"]);
    for _ in 0..3 {
        assert!(is_filled(&attachments(send().await).await[0], MIB, 3));
        // It cannot make memory to share either.
        assert!(is_filled(&filled(&manager, MIB, 4).await[0], MIB, 4));
    }
    assert_eq!(only_worker(&manager), pid, "it is the same worker");
    assert!(segments(pid).is_empty());
    manager.shutdown().await.unwrap();
}
