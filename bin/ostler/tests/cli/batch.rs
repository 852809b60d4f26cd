//! `ostler batch`: every line has one result.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::host::{Host, PATIENCE, command, next_line, stderr, stdout};

/// Runs a batch over that input to its end.
fn batch(args: &[&str], input: &str) -> Output {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    command(&[&["batch"], args].concat()).stdin(file).output().unwrap()
}

/// The results by their order in the input, each line once.
#[track_caller]
fn results(output: &Output) -> Vec<Value> {
    let mut results: Vec<Value> =
        stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    results.sort_by_key(|result| result["line"].as_u64());
    let lines: HashSet<_> = results.iter().map(|result| result["line"].as_u64()).collect();
    assert_eq!(lines.len(), results.len(), "a line has two results");
    results
}

#[test]
fn every_line_has_one_result() {
    let mut input = String::new();
    for number in 1..=2000 {
        writeln!(input, r#"{{"text": "word {number}"}}"#).unwrap();
    }
    let output = batch(&["uppercase", "--workers", "2"], &input);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let results = results(&output);
    assert_eq!(results.len(), 2000);
    for (result, number) in results.iter().zip(1..) {
        assert_eq!(result["line"], number);
        assert_eq!(result["status"], "completed");
        assert_eq!(result["result"]["text"], format!("WORD {number}"));
    }
    let ids: HashSet<_> = results.iter().map(|result| result["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2000);
    let pids: HashSet<_> = results.iter().map(|result| result["worker_pid"].as_u64().unwrap()).collect();
    assert_eq!(pids.len(), 2, "both workers work, and neither was replaced");
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_bad_line_fails_and_the_others_go_on() {
    let too_long = format!(r#"{{"text": "{}"}}"#, "a".repeat(9 * 1024 * 1024));
    let input = format!(
        "{{\"text\": \"a\"}}\nnot json\n\n[1]\n{{\"txet\": \"a\"}}\n{{}}\n{too_long}\n{{\"text\": 7}}\n  {{\"text\": \"b\"}}\r\n   \n{{\"text\": \"c\"}}"
    );
    let output = batch(&["uppercase", "--workers", "1"], &input);
    assert_eq!(output.status.code(), Some(1));
    let results = results(&output);
    let told: Vec<_> =
        results.iter().map(|result| (result["line"].as_u64(), result["status"].as_str())).collect();
    let expected = [1, 2, 4, 5, 6, 7, 8, 9, 11].map(|line| {
        let status = if [1, 9, 11].contains(&line) { "completed" } else { "failed" };
        (Some(line), Some(status))
    });
    assert_eq!(told, expected);
    let reasons = ["not JSON", "not an array", "did you mean", "needs the parameter", "longer than"];
    for (result, reason) in results[1..6].iter().zip(reasons) {
        assert_eq!(result["error"]["kind"], "bad_line");
        assert_eq!(result["error"]["category"], "input");
        assert!(result["error"]["message"].as_str().unwrap().contains(reason), "{result}");
        assert_eq!(result["id"], Value::Null);
    }
    // The plugin's own opinion of a line that is a job.
    assert_eq!(results[6]["error"]["kind"], "plugin");
    assert_eq!(stderr(&output), "6 of 9 lines failed\n");
}

#[test]
fn a_line_wins_over_the_parameters_for_all() {
    let output = batch(&["uppercase", "-p", "text=all"], "{}\n{\"text\": \"own\"}");
    let results = results(&output);
    assert_eq!(results[0]["result"]["text"], "ALL");
    assert_eq!(results[1]["result"]["text"], "OWN");
}

#[test]
fn no_lines_are_no_failure() {
    let output = batch(&["uppercase"], "\n\n");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    assert_eq!(stderr(&output), "no lines on stdin\n");
}

#[test]
fn a_line_over_its_timeout_fails_and_the_next_one_runs() {
    let input = "{\"seconds\": 60}\n{\"seconds\": 0}";
    for (option, kind) in [("--timeout", "timed_out"), ("--stall-timeout", "stalled")] {
        let output = batch(&["slow_processor", "--workers", "1", "-p", "text=a", option, "100ms"], input);
        assert_eq!(output.status.code(), Some(1));
        let results = results(&output);
        assert_eq!(results[0]["error"]["kind"], kind);
        assert_eq!(results[1]["status"], "completed");
    }
}

#[test]
fn a_result_is_told_before_the_next_line_comes() {
    let mut command = command(&["batch", "uppercase", "--workers", "1"]);
    command.stdin(Stdio::piped());
    let mut host = Host::start(command);
    let (mut stdin, mut stdout) = (host.stdin(), host.stdout());
    for text in ["a", "b"] {
        writeln!(stdin, r#"{{"text": "{text}"}}"#).unwrap();
        assert_eq!(next_line(&mut stdout)["result"]["text"], text.to_uppercase());
    }
    drop(stdin);
    assert_eq!(host.exit_code(PATIENCE), Some(0));
}

#[test]
fn memory_does_not_grow_with_the_input() {
    let mut command = command(&["batch", "uppercase", "--workers", "1"]);
    command.stdin(Stdio::piped());
    let mut host = Host::start(command);
    let (mut stdin, mut stdout) = (host.stdin(), host.stdout());
    // 4 KiB a line; the results are read by us, or the pipe would fill up.
    let line = format!("{{\"text\": \"{}\"}}\n", "WORD ".repeat(800));
    let mut feed = |count: usize| {
        let input = line.repeat(count);
        std::thread::scope(|scope| {
            scope.spawn(|| stdin.write_all(input.as_bytes()).unwrap());
            for _ in 0..count {
                assert_eq!(next_line(&mut stdout)["status"], "completed");
            }
        });
    };
    feed(500);
    let before = host.peak_memory();
    feed(4_000);
    let grown = host.peak_memory() - before;
    assert!(grown < 4 * 1024, "16 MiB of lines took {grown} KiB");
    drop(stdin);
    assert_eq!(host.exit_code(PATIENCE), Some(0));
}

#[test]
fn input_that_cannot_be_read_is_told() {
    let output = command(&["batch", "uppercase"]).stdin(File::open("/").unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("error: cannot read stdin"), "{}", stderr(&output));
}
