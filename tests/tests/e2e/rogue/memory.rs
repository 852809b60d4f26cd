//! Workers that share memory by `docs/wire.md` alone, well or badly.

use ostler::{Category, FailureKind};

use super::{Echo, echo, fails_once, rogue};
use crate::support::{any, failed, says};

async fn breaks_the_protocol(mode: &'static str, parts: &[&str]) {
    let failure = fails_once(mode).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Protocol, Category::Fatal));
    says(&failure, &["the worker broke the protocol: "]);
    says(failure, parts);
}

#[tokio::test]
async fn a_result_in_a_segment_is_taken_and_taken_again() {
    let manager = any::<Echo>(rogue("share-result")).launch().await.unwrap();
    for _ in 0..5 {
        let job = manager.start_job("echo", echo("from afar")).await.unwrap();
        assert_eq!(job.output().await.unwrap(), "from afar");
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_descriptor_that_does_not_come_costs_its_job_and_nothing_else() {
    let manager = any::<Echo>(rogue("missing-descriptor")).launch().await.unwrap();
    let job = manager.start_job("echo", echo("lost")).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Resource));
    says(failure, &["a part of the result could not be taken over"]);
    let next = manager.start_job("echo", echo("next")).await.unwrap();
    assert_eq!(next.output().await.unwrap(), "next");
    assert_eq!(next.finished().await.worker_pid, job.finished().await.worker_pid);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_segment_that_was_never_sent_is_a_fault() {
    breaks_the_protocol("unknown-segment", &["segment 0 was never sent"]).await;
}

#[tokio::test]
async fn bytes_outside_of_a_segment_are_a_fault() {
    breaks_the_protocol("out-of-range", &["bytes at 1048576 are not in segment 0"]).await;
}

#[tokio::test]
async fn a_segment_that_could_be_cut_short_is_a_fault() {
    breaks_the_protocol("unsealed", &["not sealed against shrinking"]).await;
}

#[tokio::test]
async fn a_descriptor_without_a_message_is_a_fault() {
    breaks_the_protocol("stray-descriptor", &["descriptors came that belong to no message"]).await;
}

#[tokio::test]
async fn a_flood_of_descriptors_is_a_fault() {
    breaks_the_protocol("flood-descriptors", &["more descriptors came than belong to any message"]).await;
}

#[tokio::test]
async fn to_give_back_what_was_never_given_is_a_fault() {
    breaks_the_protocol("release-nothing", &["segment 0 is given back and was not given"]).await;
}
