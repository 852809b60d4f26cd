//! `digest`: known answers, files that change or are not there, progress and cancel.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::host::Host;
use common::{Scratch, assert_says, input_error, json, run};
use ostler_plugins::{Digest, DigestRequest, DigestResponse};
use ostler_wire::{Category, FromWorker};
use ostler_worker::{Encoding, Payload};
use serde_json::json;

const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const EMPTY_BLAKE3: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC_BLAKE3: &str = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
/// SHA-256 of a million times "a", from FIPS 180.
const MILLION_SHA256: &str = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

/// From the test vectors of BLAKE3: the input counts 0 to 250, again and again.
const BLAKE3_VECTORS: [(usize, &str); 5] = [
    (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
    (1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
    (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
    (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
    (102_400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
];

fn digest(path: &std::path::Path) -> DigestResponse {
    run("digest", json(&json!({ "path": path }))).unwrap().decode().unwrap()
}

fn digest_attached(bytes: Vec<u8>) -> DigestResponse {
    let request = json(&json!({})).attach(Digest::ATTACHMENT, "text/plain", bytes);
    run("digest", request).unwrap().decode().unwrap()
}

#[test]
fn files_have_their_known_digests() {
    let scratch = Scratch::new();
    for (name, text, sha256, blake3) in
        [("empty", "", EMPTY_SHA256, EMPTY_BLAKE3), ("abc", "abc", ABC_SHA256, ABC_BLAKE3)]
    {
        let path = scratch.file(name, text);
        let (bytes, sha256, blake3) = (text.len() as u64, sha256.to_owned(), blake3.to_owned());
        let path = Some(path);
        let expected = DigestResponse { path: path.clone(), bytes, sha256, blake3 };
        assert_eq!(digest(path.as_deref().unwrap()), expected);
    }
}

#[test]
fn a_file_of_many_buffers_has_its_known_digest() {
    let scratch = Scratch::new();
    let response = digest(&scratch.file("million", "a".repeat(1_000_000)));
    assert_eq!((response.bytes, response.sha256.as_str()), (1_000_000, MILLION_SHA256));
}

#[test]
fn attachments_have_the_digests_of_the_blake3_test_vectors() {
    for (length, blake3) in BLAKE3_VECTORS {
        let response = digest_attached((0..length).map(|at| u8::try_from(at % 251).unwrap()).collect());
        assert_eq!((response.bytes, response.blake3.as_str()), (length as u64, blake3));
        assert_eq!(response.path, None);
    }
}

#[test]
fn the_fields_of_a_response_keep_their_order() {
    let response = run("digest", json(&json!({})).attach("file", "", "abc")).unwrap();
    let expected = format!(r#"{{"path":null,"bytes":3,"sha256":"{ABC_SHA256}","blake3":"{ABC_BLAKE3}"}}"#);
    assert_eq!(response.body(), expected.as_bytes());
}

#[test]
fn a_typed_request_is_answered_in_bincode() {
    let scratch = Scratch::new();
    let path = Some(scratch.file("abc", "abc"));
    let request = DigestRequest { path: path.clone() };
    let response = run("digest", Payload::encode(Encoding::Bincode, &request).unwrap()).unwrap();
    assert_eq!(response.encoding(), Encoding::Bincode);
    let response: DigestResponse = response.decode().unwrap();
    assert_eq!((response.path, response.sha256.as_str()), (path, ABC_SHA256));
}

#[test]
fn a_file_that_was_changed_in_between_has_a_new_digest() {
    let scratch = Scratch::new();
    let path = scratch.file("changing", "abc");
    assert_eq!(digest(&path).sha256, ABC_SHA256);
    scratch.file("changing", "");
    assert_eq!(digest(&path).sha256, EMPTY_SHA256);
}

/// More than can be read before a test has done its part, and nothing on disk.
fn endless(scratch: &Scratch) -> PathBuf {
    let path = scratch.path("endless");
    File::create(&path).unwrap().set_len(1 << 34).unwrap();
    path
}

#[test]
fn a_file_that_changes_while_it_is_read_is_a_transient_error() {
    let (scratch, mut host) = (Scratch::new(), Host::ready());
    let path = endless(&scratch);
    host.start("digest", json(&json!({ "path": path })));
    assert!(matches!(host.receive(), FromWorker::Progress { .. }));
    // It is being read now, and this is how it comes to its end.
    OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    let failure = host.finish().1.unwrap_err();
    assert_eq!(failure.category, Category::Transient);
    assert_says(&failure.message, &[path.to_str().unwrap(), "was changed while it was read"]);
    host.stop();
}

#[test]
fn a_digest_tells_its_progress_and_stops_when_it_is_asked_to() {
    let (scratch, mut host) = (Scratch::new(), Host::ready());
    let begin = Instant::now();
    let job = host.start("digest", json(&json!({ "path": endless(&scratch) })));
    let mut last = 0.0;
    for _ in 0..3 {
        let FromWorker::Progress { fraction, message, .. } = host.receive() else { panic!("no progress") };
        assert!(fraction > last && fraction < 1.0, "{fraction} after {last}");
        assert_says(&message, &["of 16384 MiB"]);
        last = fraction;
    }
    assert!(begin.elapsed() >= Duration::from_millis(200), "more often than anybody can read");
    host.cancel(job);
    assert_says(&host.finish().1.unwrap_err().message, &["cancelled"]);
    host.stop();
}

#[test]
fn a_file_of_one_buffer_says_nothing_on_the_way() {
    let (scratch, mut host) = (Scratch::new(), Host::ready());
    host.start("digest", json(&json!({ "path": scratch.file("abc", "abc") })));
    let (said, outcome) = host.finish();
    assert_eq!(said, []);
    outcome.unwrap();
    host.stop();
}

#[test]
fn a_missing_file_is_an_input_error_that_names_the_path() {
    let scratch = Scratch::new();
    let path = scratch.path("nobody.txt");
    let message = input_error("digest", json(&json!({ "path": path })));
    assert_says(&message, &["cannot open", path.to_str().unwrap(), "No such file"]);
    assert!(!message.contains("the worker looks in"), "{message}");

    let message = input_error("digest", json(&json!({ "path": "no/body.txt" })));
    let directory = std::env::current_dir().unwrap();
    assert_says(&message, &["`no/body.txt`", "the worker looks in", directory.to_str().unwrap()]);
}

#[test]
fn a_directory_is_an_input_error() {
    let scratch = Scratch::new();
    let message = input_error("digest", json(&json!({ "path": scratch.directory() })));
    assert_says(&message, &["cannot read", scratch.directory().to_str().unwrap(), "directory"]);
}

#[test]
fn it_must_be_clear_what_to_read() {
    assert_says(&input_error("digest", json(&json!({}))), &["`path`", "attachment `file`"]);
    let both = json(&json!({"path": "a"})).attach("file", "", "abc");
    assert_says(&input_error("digest", both), &["`path`", "attachment `file`", "give one of them"]);
    let misnamed = json(&json!({})).attach("picture", "", "abc");
    assert_says(&input_error("digest", misnamed), &["nothing to read"]);
}

#[test]
fn an_unknown_field_is_an_input_error_that_names_the_known_ones() {
    let message = input_error("digest", json(&json!({"file": "a"})));
    assert_says(&message, &["unknown field `file`", "expected `path`"]);
}
