//! The bytes of every message, held still. `OSTLER_BLESS=1 cargo test -p ostler-wire` writes the files
//! anew; a change of one byte needs a new version of the protocol.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::collections::BTreeSet;
use std::fmt::{Debug, Write};
use std::path::PathBuf;

use bytes::BytesMut;
use common::{LIMIT, decoded_placed, encoded, encoded_placed};
use ostler_wire::{FromWorker, Message, PROTOCOL, Place, ToWorker, decode};

fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.hex"))
}

fn parse_hex<'a>(words: impl Iterator<Item = &'a str>) -> Vec<u8> {
    words
        .map(|word| u8::from_str_radix(word, 16).unwrap_or_else(|_| panic!("`{word}` is not a byte")))
        .collect()
}

fn golden(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(golden_path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    parse_hex(text.split_whitespace())
}

fn bless(name: &str, bytes: &[u8]) {
    let mut text = String::new();
    for line in bytes.chunks(16) {
        let words: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{}", words.join(" ")).unwrap();
    }
    std::fs::write(golden_path(name), text).unwrap();
}

fn check<M: Message + PartialEq + Debug>(prefix: &str, samples: Vec<(&str, M)>) {
    let mut tags = BTreeSet::new();
    for (name, message) in samples {
        let name = format!("{prefix}_{name}");
        let bytes = encoded(&message);
        holds_still(&name, &bytes);
        let decoded = decode::<M>(&mut BytesMut::from(&golden(&name)[..]), LIMIT).unwrap();
        assert_eq!(decoded, Some(message), "{name} is not read back");
        tags.insert(bytes[8]);
    }
    // A new variant must come with a golden file.
    assert_eq!(tags.into_iter().map(u32::from).collect::<Vec<_>>(), (0..M::TAGS).collect::<Vec<_>>());
}

fn holds_still(name: &str, bytes: &[u8]) {
    if std::env::var_os("OSTLER_BLESS").is_some() {
        bless(name, bytes);
    }
    assert_eq!(bytes, golden(name), "the bytes of {name} have changed");
}

fn check_shared<M: Message + PartialEq + Debug>(name: &str, (message, places): (M, Vec<Place>)) {
    let sent = (message, places);
    holds_still(name, &encoded_placed(&sent));
    let (message, shared) =
        decoded_placed::<M>(&mut BytesMut::from(&golden(name)[..]), LIMIT).unwrap().unwrap();
    assert_eq!(message, sent.0, "{name} is not read back");
    assert_eq!(shared, sent.1.into_iter().filter(|place| !place.is_inline()).collect::<Vec<_>>());
}

#[test]
fn bytes_of_payloads_in_shared_memory_hold_still() {
    check_shared("to_worker_execute_shared", common::shared_execute());
    check_shared("from_worker_result_shared", common::shared_result());
}

#[test]
fn host_to_worker_bytes_hold_still() {
    check::<ToWorker>("to_worker", common::to_worker());
}

#[test]
fn worker_to_host_bytes_hold_still() {
    check::<FromWorker>("from_worker", common::from_worker());
}

/// The examples in the page for writers in other languages are the golden files.
#[test]
fn the_documented_examples_are_the_golden_bytes() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/wire.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut checked = 0;
    for block in page.split("```hex ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let (lines, _) = rest.split_once("```").unwrap();
        let bytes = lines.lines().flat_map(|line| line.split('|').next().unwrap_or("").split_whitespace());
        assert_eq!(parse_hex(bytes), golden(name.trim()), "example {name} in docs/wire.md");
        checked += 1;
    }
    assert!(checked >= 5, "the page shows only {checked} examples");
    let version = format!("it is version {} of the protocol", PROTOCOL.highest);
    assert!(page.contains(&version), "docs/wire.md does not say that {version}");
}

/// The first 20 bytes of a connection are promised to every version from 4 on.
#[test]
fn hello_begins_with_lengths_tag_and_versions() {
    let bytes = golden("from_worker_hello");
    assert_eq!(bytes.len(), 44);
    assert_eq!(bytes[..20], [40, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0]);
}
