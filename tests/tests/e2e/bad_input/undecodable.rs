//! Payloads that cannot be encoded, types that break silently in bincode, requests that a plugin cannot decode.

use std::collections::BTreeMap;

use ostler::{Category, Encoding, FailureKind, JobType, StartError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::nothing_was_queued;
use crate::support::{any, failed, lab_worker, says};

/// Flattening needs a map whose length is not known beforehand.
#[derive(Clone, Serialize, Deserialize)]
struct Flattened {
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}
impl JobType for Flattened {
    type Output = String;
}

/// A key in JSON is text.
#[derive(Clone, Serialize, Deserialize)]
struct OddKeys(BTreeMap<(u8, u8), u8>);
impl JobType for OddKeys {
    type Output = String;
    const ENCODING: Encoding = Encoding::Json;
}

/// Without its first field it can be read as something else.
#[derive(Clone, Serialize, Deserialize)]
struct Skipping {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<u8>,
    chapter: u8,
    title: String,
}
impl JobType for Skipping {
    type Output = String;
}

#[derive(Clone, Serialize, Deserialize)]
struct Free(Value);
impl JobType for Free {
    type Output = String;
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Page(u8),
    Title(String),
}
impl JobType for Untagged {
    type Output = String;
}

/// What [`Free`] should have been.
#[derive(Clone, Serialize, Deserialize)]
struct FreeJson(Value);
impl JobType for FreeJson {
    type Output = String;
    const ENCODING: Encoding = Encoding::Json;
}

/// Not what the lab expects.
#[derive(Clone, Serialize, Deserialize)]
struct Number(u8);
impl JobType for Number {
    type Output = String;
}

async fn refused<J: JobType>(spec: J) -> StartError {
    let manager = any::<J>(lab_worker()).launch().await.unwrap();
    let error = manager.start_job("lab", spec).await.unwrap_err();
    nothing_was_queued(&manager);
    manager.shutdown().await.unwrap();
    error
}

#[tokio::test]
async fn a_type_that_bincode_cannot_encode_is_named_and_json_suggested() {
    let error = refused(Flattened { rest: BTreeMap::new() }).await;
    assert!(matches!(error, StartError::NotEncodable { .. }), "{error}");
    says(error, &["plugin lab", "undecodable::Flattened`", "flatten", "Encoding::Json"]);
}

#[tokio::test]
async fn a_value_that_json_cannot_encode_is_refused_with_the_reason() {
    let error = refused(OddKeys(BTreeMap::from([((1, 2), 3)]))).await;
    assert!(matches!(error, StartError::NotEncodable { .. }), "{error}");
    says(error, &["plugin lab", "undecodable::OddKeys`", "as JSON", "key must be a string"]);
}

#[tokio::test]
async fn a_type_that_breaks_silently_in_bincode_is_named_and_json_suggested() {
    // It reads back as chapter 1 with an empty title.
    let error = refused(Skipping { page: None, chapter: 0, title: "\0".into() }).await;
    assert!(matches!(error, StartError::DoesNotRoundTrip { .. }), "{error}");
    says(error, &["plugin lab", "undecodable::Skipping`", "10 bytes came back as 9", "Encoding::Json"]);
}

#[tokio::test]
async fn a_type_that_cannot_be_read_back_from_bincode_is_named_and_json_suggested() {
    let parts = ["plugin lab", "does not survive its own encoding", "Encoding::Json"];
    let error = refused(Free(json!({"page": 1}))).await;
    says(&error, &parts);
    says(error, &["undecodable::Free`"]);
    let error = refused(Untagged::Title("Dune".into())).await;
    says(&error, &parts);
    says(error, &["undecodable::Untagged`"]);
}

#[tokio::test]
async fn the_same_type_runs_with_json_in_the_same_plugin() {
    let manager = any::<FreeJson>(lab_worker()).launch().await.unwrap();
    let job = manager.start_job("lab", FreeJson(json!({"Echo": "hello"}))).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "hello");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_request_that_the_plugin_cannot_decode_fails_with_what_was_expected() {
    let manager = any::<Number>(lab_worker()).launch().await.unwrap();
    let job = manager.start_job("lab", Number(7)).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Input));
    says(failure, &["plugin `lab` cannot read the request", "task::Task`", "1 bytes of bincode"]);

    let next = manager.start_job("lab", Number(8)).await.unwrap();
    failed(&next).await;
    let pid = |job: &ostler::Job<Number>| job.worker_pid;
    assert_eq!(pid(&*next.finished().await), pid(&*job.finished().await), "the worker lives on");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn json_that_the_plugin_cannot_decode_fails_with_the_place_and_what_was_expected() {
    let manager = any::<FreeJson>(lab_worker()).launch().await.unwrap();
    let job = manager.start_job("lab", FreeJson(json!({"Answer": "many"}))).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Input));
    says(failure, &["task::Task`", "invalid type: string \"many\", expected usize", "column"]);
    manager.shutdown().await.unwrap();
}
