//! The plugins for text, and what all manifests and requests have in common.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::{Duration, Instant};

use common::host::Host;
use common::{assert_says, input_error, json, run};
use ostler_plugins::{SlowRequest, TextRequest, TextResponse, WordCount};
use ostler_wire::FromWorker;
use ostler_worker::{Encoding, ParameterKind, Payload, PluginManager, PluginSet};
use serde_json::{Value, json};

fn text(plugin: &str, text: &str) -> String {
    let request = TextRequest { text: text.to_owned() };
    run(plugin, json(&request)).unwrap().decode::<TextResponse>().unwrap().text
}

fn counted(text: &str) -> [u64; 4] {
    let response = run("word_counter", json(&json!({ "text": text }))).unwrap();
    let count: WordCount = response.decode().unwrap();
    [count.words, count.unique_words, count.characters, count.lines]
}

#[test]
fn words_characters_and_lines_are_counted() {
    assert_eq!(counted(""), [0, 0, 0, 0]);
    assert_eq!(counted("one"), [1, 1, 3, 1]);
    assert_eq!(counted(" The horse,\tthe\nHorse, thé  mare\n"), [6, 4, 33, 2]);
}

#[test]
fn a_text_is_reversed_by_characters() {
    assert_eq!(text("text_reverser", "äb\nc"), "c\nbä");
    assert_eq!(text("text_reverser", ""), "");
}

#[test]
fn capitals_are_those_of_unicode() {
    assert_eq!(text("uppercase", "straße, ça va"), "STRASSE, ÇA VA");
}

#[test]
fn text_plugins_answer_in_bincode_too() {
    let request = Payload::encode(Encoding::Bincode, &TextRequest { text: "abc".to_owned() }).unwrap();
    let response = run("uppercase", request).unwrap();
    assert_eq!(response.encoding(), Encoding::Bincode);
    assert_eq!(response.decode::<TextResponse>().unwrap().text, "ABC");

    let request = SlowRequest { text: "abc".to_owned(), seconds: 0.0 };
    let response = run("slow_processor", Payload::encode(Encoding::Bincode, &request).unwrap()).unwrap();
    assert_eq!(response.decode::<TextResponse>().unwrap().text, "ABC");
}

#[test]
fn a_missing_text_and_an_unknown_field_are_named() {
    for plugin in ["word_counter", "text_reverser", "uppercase", "slow_processor"] {
        assert_says(&input_error(plugin, json(&json!({}))), &[plugin, "missing field `text`"]);
        let message = input_error(plugin, json(&json!({"text": "a", "texts": "b"})));
        assert_says(&message, &[plugin, "unknown field `texts`", "`text`"]);
        let message = input_error(plugin, json(&json!({"text": 5})));
        assert_says(&message, &[plugin, "integer `5`", "expected a string"]);
    }
}

#[test]
fn the_slow_processor_sends_its_words_in_order_each_with_its_progress() {
    let mut host = Host::ready();
    let begin = Instant::now();
    host.start("slow_processor", json(&json!({"text": "one two  three", "seconds": "0.3"})));
    let (said, outcome) = host.finish();
    assert!(begin.elapsed() >= Duration::from_millis(300), "it took {:?}", begin.elapsed());
    assert_eq!(outcome.unwrap().decode::<TextResponse>().unwrap().text, "ONE TWO THREE");

    let said = said.iter().map(|message| match message {
        FromWorker::StreamChunk { payload, is_final: true, .. } => format!("end {}", payload.len()),
        FromWorker::StreamChunk { seq, payload, .. } => {
            format!("{seq} {}", payload.decode::<String>().unwrap())
        }
        FromWorker::Progress { fraction, message, .. } => format!("{fraction:.2} {message}"),
        other => panic!("{other:?}"),
    });
    let expected =
        ["0 ONE", "0.33 1 of 3 words", "1 TWO", "0.67 2 of 3 words", "2 THREE", "1.00 3 of 3 words"];
    assert_eq!(said.collect::<Vec<_>>(), [&expected[..], &["end 0"]].concat());
    host.stop();
}

#[test]
fn the_slow_processor_spreads_its_time_over_the_words() {
    let mut host = Host::ready();
    let begin = Instant::now();
    let job = host.start("slow_processor", json(&json!({"text": "one two", "seconds": 1})));
    assert!(matches!(host.receive(), FromWorker::StreamChunk { seq: 0, .. }));
    assert!(begin.elapsed() >= Duration::from_millis(500), "the first word came too early");
    host.cancel(job);
    host.finish().1.ok();
    host.stop();
}

#[test]
fn the_slow_processor_stops_when_it_is_asked_to() {
    let mut host = Host::ready();
    let job = host.start("slow_processor", json(&json!({"text": "", "seconds": 86400})));
    host.cancel(job);
    let (said, outcome) = host.finish();
    assert_eq!(said, []);
    assert_says(&outcome.unwrap_err().message, &["cancelled"]);
    host.stop();
}

#[test]
fn seconds_out_of_bounds_are_named_with_their_bounds() {
    for (seconds, got) in [
        (json!(-1), "-1"),
        (json!("-0.5"), "-0.5"),
        (json!(86_401), "86401"),
        (json!("inf"), "inf"),
        (json!("NaN"), "NaN"),
    ] {
        let message = input_error("slow_processor", json(&json!({"text": "a", "seconds": seconds})));
        assert_says(&message, &["`seconds` must be 0 to 86400, got ", got]);
    }
    for (seconds, got) in [(json!("soon"), "\"soon\""), (json!(null), "null"), (json!([]), "sequence")] {
        let message = input_error("slow_processor", json(&json!({"text": "a", "seconds": seconds})));
        assert_says(&message, &[got, "expected `seconds` as a number from 0 to 86400"]);
    }
}

#[test]
fn every_manifest_is_complete() {
    let mut plugins = PluginSet::new();
    ostler_plugins::register_all(&mut plugins);
    let manifests = plugins.discover_plugins();
    let names: Vec<_> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let expected = ["digest", "thumbnail", "word_counter", "text_reverser", "uppercase", "slow_processor"];
    assert_eq!(names, expected);
    for manifest in &manifests {
        assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
        assert!(!manifest.category.is_empty() && !manifest.description.is_empty(), "{manifest:?}");
        assert_eq!(manifest.streaming, manifest.name == "slow_processor");
        assert!(!manifest.parameters.is_empty());
        for parameter in &manifest.parameters {
            assert!(!parameter.description.is_empty(), "{parameter:?}");
            let default = parameter.default.as_deref().map(serde_json::from_str::<Value>);
            assert!(!matches!(default, Some(Err(_))), "{parameter:?}");
        }
    }
}

#[test]
fn manifests_name_exactly_the_fields_of_their_requests() {
    let mut plugins = PluginSet::new();
    ostler_plugins::register_all(&mut plugins);
    for manifest in plugins.discover_plugins() {
        // The error for an unknown field lists the known ones.
        let message = input_error(&manifest.name, json(&json!({"?": 0})));
        let names = manifest.parameters.iter().map(|parameter| format!("`{}`", parameter.name));
        let list = names.collect::<Vec<_>>();
        let list = if list.len() == 2 { list.join(" or ") } else { list.join(", ") };
        assert!(message.contains(&format!(" {list} at line")), "{list} is not what is in: {message}");
    }
}

#[test]
fn required_fields_are_those_without_which_a_request_cannot_be_read() {
    let mut plugins = PluginSet::new();
    ostler_plugins::register_all(&mut plugins);
    for manifest in plugins.discover_plugins() {
        for parameter in &manifest.parameters {
            let required = manifest.category == "text" && parameter.name == "text";
            assert_eq!(parameter.required, required, "{parameter:?}");
            assert_eq!(parameter.kind == ParameterKind::String, required, "{parameter:?}");
        }
    }
}
