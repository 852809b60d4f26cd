//! Help, lists, and what is said to those who ask for something that is not there.

use serde_json::Value;

use crate::host::{command, ostler, stderr, stdout};

#[track_caller]
fn check_usage_error(args: &[&str], expected: &[&str]) {
    let output = ostler(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
    assert_eq!(stdout(&output), "");
    for part in expected {
        assert!(stderr(&output).contains(part), "{args:?}: no {part:?} in {}", stderr(&output));
    }
}

#[test]
fn every_help_page_has_examples() {
    for args in [&["--help"][..], &["run", "--help"], &["batch", "--help"], &["plugins", "--help"]] {
        let output = ostler(args);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("Examples:\n  "), "{args:?}");
    }
}

#[test]
fn an_unknown_plugin_is_a_usage_error_that_suggests_one() {
    let expected = [r#"no plugin "digst""#, r#"did you mean "digest"?"#, "`ostler plugins`"];
    check_usage_error(&["run", "digst", "-p", "path=x"], &expected);
    check_usage_error(&["batch", "digst"], &expected);
}

#[test]
fn an_unknown_parameter_is_a_usage_error_that_lists_the_known_ones() {
    let expected = [r#"no parameter "pth""#, r#"did you mean "path"?"#, "it has: path (path"];
    check_usage_error(&["run", "digest", "-p", "pth=x"], &expected);
    check_usage_error(&["run", "digest", "--params", r#"{"pth": "x"}"#], &expected);
    check_usage_error(&["batch", "digest", "-p", "pth=x"], &expected);
}

#[test]
fn a_value_of_the_wrong_kind_is_a_usage_error_that_names_the_parameter() {
    let expected = [r#"parameter "width" must be a whole number, not "wide""#];
    check_usage_error(&["run", "thumbnail", "-p", "path=x", "-p", "width=wide"], &expected);
}

#[test]
fn a_missing_parameter_is_a_usage_error_that_names_it() {
    check_usage_error(&["run", "uppercase"], &[r#"needs the parameter "text""#, "-p text="]);
}

#[test]
fn arguments_that_make_no_sense_are_usage_errors() {
    check_usage_error(&[], &["Usage: ostler"]);
    check_usage_error(&["run"], &["PLUGIN"]);
    check_usage_error(&["run", "digest", "-p", "path"], &["KEY=VALUE"]);
    check_usage_error(&["run", "digest", "--params", "[]"], &["JSON object"]);
    check_usage_error(&["run", "digest", "--timeout", "30"], &["30s"]);
    check_usage_error(&["batch", "digest", "--workers", "0"], &["--workers"]);
    for command in ["run", "batch"] {
        for count in ["-1", "1001", "two"] {
            check_usage_error(
                &[command, "digest", "--retries", count],
                &["--retries", "whole number from 0 to 1000"],
            );
        }
    }
    for command in ["run", "batch"] {
        for size in ["512", "much", "0M", "-1M"] {
            check_usage_error(&[command, "digest", "--max-memory", size], &["--max-memory", "512M or 2G"]);
        }
        check_usage_error(&[command, "digest", "--max-memory", "4K"], &["at least 1.0 MiB"]);
    }
    check_usage_error(&["run", "digest", "--stall-timeout", "0s"], &["--stall-timeout", "more than zero"]);
    check_usage_error(&["run", "digest", "--stall-timeout", "30"], &["--stall-timeout", "30s"]);
    check_usage_error(&["batch", "digest", "--standby", "4097"], &["--standby", "from 0 to 4096"]);
    check_usage_error(&["batch", "digest", "--grace", "soon"], &["--grace", "30s"]);
    check_usage_error(&["batch", "digest", "--grace", "2years"], &["--grace", "at most a year"]);
}

#[test]
fn a_near_miss_is_told_what_was_probably_meant() {
    check_usage_error(
        &["run", "digest", "path=Cargo.toml"],
        &["tip: parameters are given with -p, as in -p path"],
    );
    check_usage_error(&["batch", "digest", "a.jsonl"], &["stdin: ostler batch digest < a.jsonl"]);
}

#[test]
fn plugins_are_listed_with_their_parameters() {
    let output = ostler(&["plugins"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let names = ["digest", "thumbnail", "word_counter", "text_reverser", "uppercase", "slow_processor"];
    for name in names {
        assert!(stdout(&output).lines().any(|line| line.starts_with(name)), "{name}");
    }
    assert!(stdout(&output).contains("-p seconds=…"));

    let output = ostler(&["plugins", "--json"]);
    let plugins: Value = serde_json::from_slice(&output.stdout).unwrap();
    let find = |name: &str| plugins.as_array().unwrap().iter().find(|plugin| plugin["name"] == name).unwrap();
    assert_eq!(find("slow_processor")["streaming"], true);
    assert_eq!(find("digest")["streaming"], false);
    for name in names {
        let plugin = find(name);
        for text in ["version", "category", "description"] {
            assert!(plugin[text].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {text}");
        }
        assert!(!plugin["parameters"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_log_filter_that_makes_no_sense_is_told_and_ignored() {
    let output = command(&["plugins"]).env("OSTLER_LOG", "ostler=loud=x").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("OSTLER_LOG is ignored"), "{}", stderr(&output));
}
