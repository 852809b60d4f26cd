//! Payloads as typed values, and the types that bincode cannot carry.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::Bytes;
use ostler_wire::{Encoding, Payload};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Words {
    text: String,
    limit: Option<u32>,
    tags: Vec<String>,
}

fn words() -> Words {
    Words { text: "hay".into(), limit: Some(3), tags: vec!["a".into(), String::new()] }
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(encoding: Encoding, value: &T) {
    let payload = Payload::encode(encoding, value).unwrap();
    assert_eq!(&payload.decode::<T>().unwrap(), value);
}

#[test]
fn typed_values_survive_both_encodings() {
    for encoding in [Encoding::Bincode, Encoding::Json] {
        round_trip(encoding, &words());
        round_trip(encoding, &());
        round_trip(encoding, &Uuid::from_u128(7));
        round_trip(encoding, &BTreeMap::from([("é".to_owned(), -1.5_f64)]));
    }
}

#[test]
fn every_byte_of_a_body_must_be_used() {
    for encoding in [Encoding::Bincode, Encoding::Json] {
        let (encoding, body, _) = Payload::encode(encoding, &words()).unwrap().into_parts();
        let longer = Bytes::from([&body[..], b"x"].concat());
        let error = Payload::from_parts(encoding, longer, Vec::new()).decode::<Words>().unwrap_err();
        assert_eq!(error.encoding(), encoding);
        assert!(error.to_string().contains("payloads::Words"), "{error}");
    }
}

#[track_caller]
fn suggests_json(error: impl ToString, type_name: &str) {
    let error = error.to_string();
    assert!(error.contains(type_name), "{error}");
    assert!(error.contains("const ENCODING: Encoding = Encoding::Json"), "{error}");
}

/// Encodes with bincode, and expects the error when decoding at the latest.
#[track_caller]
fn is_a_bincode_trap<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, type_name: &str) {
    match Payload::encode(Encoding::Bincode, value) {
        Ok(payload) => suggests_json(payload.decode::<T>().unwrap_err(), type_name),
        Err(error) => suggests_json(error, type_name),
    }
    round_trip(Encoding::Json, value);
}

#[test]
fn a_json_value_inside_bincode_is_told() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Options {
        extra: Value,
    }
    is_a_bincode_trap(&json!({"a": 1}), "serde_json::value::Value");
    is_a_bincode_trap(&Options { extra: json!([1]) }, "Options");
}

#[test]
fn an_untagged_enum_inside_bincode_is_told() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(untagged)]
    enum Source {
        Path(String),
        Number(u64),
    }
    is_a_bincode_trap(&Source::Path("a".into()), "Source");
    is_a_bincode_trap(&Source::Number(1), "Source");
}

#[test]
fn a_skipped_field_inside_bincode_is_told() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Sparse {
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        count: u32,
    }
    is_a_bincode_trap(&Sparse { note: None, count: 1 }, "Sparse");
}

#[test]
fn a_flattened_field_inside_bincode_is_told() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Outer {
        count: u32,
        #[serde(flatten)]
        inner: BTreeMap<String, u32>,
    }
    is_a_bincode_trap(&Outer { count: 1, inner: BTreeMap::from([("a".into(), 2)]) }, "Outer");
}

#[test]
fn a_length_that_is_not_there_is_an_error_and_no_allocation() {
    let body = Bytes::copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    let payload = Payload::from_parts(Encoding::Bincode, body, Vec::new());
    assert!(payload.decode::<String>().is_err());
    assert!(payload.decode::<Vec<u64>>().is_err());
    assert!(payload.decode::<BTreeMap<String, String>>().is_err());
}

#[test]
fn json_errors_say_what_is_wrong_and_where() {
    let error = Payload::json(&json!({"text": 5})).unwrap().decode::<Words>().unwrap_err().to_string();
    assert!(error.contains("expected a string") && error.contains("line 1"), "{error}");
}

#[test]
fn plain_bytes_have_no_type() {
    assert!(Payload::encode(Encoding::Bytes, &1).unwrap_err().to_string().contains("i32"));
    let error = Payload::raw(vec![1]).decode::<u8>().unwrap_err();
    assert!(error.to_string().contains("`u8` from plain bytes"), "{error}");
}

#[test]
fn attachments_are_found_by_name_and_counted() {
    let mut payload = Payload::json(&1)
        .unwrap()
        .attach("a", "text/plain", &b"one"[..])
        .attach("b", "text/plain", vec![0; 10])
        .attach("a", "text/plain", &b"two"[..]);
    assert_eq!(payload.len(), 1 + 3 + 10 + 3);
    assert_eq!(payload.attachment("a").unwrap().bytes, "one");
    assert!(payload.attachment("c").is_none());
    assert_eq!(payload.take_attachments().len(), 3);
    assert_eq!(payload.len(), 1);
    assert!(Payload::empty().is_empty());
}

#[test]
fn debug_output_has_lengths_and_no_bytes() {
    let payload = Payload::raw(&b"secret"[..]).attach("key", "", &b"secret"[..]);
    let text = format!("{payload:?}");
    assert!(text.contains("body_len: 6") && text.contains("len: 6"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn plain_bytes_carry_bytes_and_text() {
    round_trip(Encoding::Bytes, &Bytes::from_static(b"\0\xff"));
    round_trip(Encoding::Bytes, &"hay".to_owned());
    let payload = Payload::encode(Encoding::Bytes, &Bytes::from_static(b"hay")).unwrap();
    assert_eq!(payload, Payload::raw("hay"));
    assert_eq!(payload.decode::<String>().unwrap(), "hay");
}

#[test]
fn plain_bytes_carry_nothing_else_and_say_so() {
    fn refused(value: &impl Serialize, what: &str) {
        let error = Payload::encode(Encoding::Bytes, value).unwrap_err().to_string();
        assert!(error.contains("plain bytes") && error.contains(what), "{error}");
    }
    refused(&5_u8, "a number");
    refused(&vec![1_u8], "take `Bytes`");
    refused(&words(), "a struct");
    refused(&Some("hay"), "an option");
    refused(&(), "a unit");
    refused(&BTreeMap::from([(1, 2)]), "a map");
    let not_text = Payload::raw(&b"\xff"[..]).decode::<String>().unwrap_err().to_string();
    assert!(not_text.contains("String"), "{not_text}");
}
