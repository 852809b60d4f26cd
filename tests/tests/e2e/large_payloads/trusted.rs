#![expect(unsafe_code, reason = "a promise about workers is made here")]

use ostler::{TrustedPeer, WorkerConfig};
use ostler_tests::lab::Task;

use super::{MIB, attachments, filled, forgetful, is_filled, only_worker, segments};
use crate::support::lab;

/// Red if the host hands out memory to which the worker can write.
#[tokio::test]
async fn a_worker_that_writes_to_what_it_gave_changes_nothing_of_a_result() {
    let manager = lab().config(forgetful()).launch().await.unwrap();
    let back = attachments(manager.start_job("lab", Task::Scribble(MIB, 7)).await.unwrap()).await;
    let bytes = &back[0].bytes;
    // It may have begun to write before they were copied; then they are whatever they are, and stay it.
    let first = bytes.to_vec();
    for value in 0..20 {
        assert!(is_filled(&filled(&manager, MIB, value).await[0], MIB, value), "job {value}");
        assert!(first == bytes[..], "the bytes changed before job {value} was done");
    }
    manager.shutdown().await.unwrap();
}

/// By default the memory is free again at once, whoever holds a result; with results in place it is held with them.
#[tokio::test]
async fn results_in_place_are_held_in_the_memory_of_their_worker() {
    // SAFETY: the code of these workers is safe Rust; the task that is none is not asked for.
    let trusted = Some(unsafe { TrustedPeer::promise() });
    for (results_in_place, expected) in [(None, 1), (trusted, 5)] {
        let config = WorkerConfig { results_in_place, ..forgetful() };
        let manager = lab().config(config).launch().await.unwrap();
        let pid = only_worker(&manager);
        let mut held = Vec::new();
        for value in 0..5 {
            held.extend(filled(&manager, MIB, value).await);
        }
        assert_eq!(segments(pid).len(), expected, "{results_in_place:?}");
        let job = manager.start_job("lab", Task::Exit(3)).await.unwrap();
        job.output().await.unwrap_err();
        filled(&manager, MIB, 9).await;
        for (value, attachment) in held.iter().enumerate() {
            assert!(
                is_filled(attachment, MIB, value as u8),
                "{results_in_place:?}: result {value} has changed"
            );
        }
        manager.shutdown().await.unwrap();
    }
}
