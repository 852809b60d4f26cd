//! `ostler run`: results and exit codes.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::host::{command, ostler, stderr, stdout};

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/assets/landscape.jpg");

#[test]
fn digest_prints_what_sha256sum_prints() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = ostler(&["run", "digest", "-p", &format!("path={file}"), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let sum = Command::new("sha256sum").arg(file).output().unwrap();
    assert_eq!(report["result"]["sha256"], stdout(&sum).split(' ').next().unwrap());
}

#[test]
fn json_is_one_line_with_result_times_and_pid() {
    let output = ostler(&["run", "word_counter", "-p", "text=a b c", "--json"]);
    assert_eq!(stdout(&output).lines().count(), 1);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["plugin"], "word_counter");
    assert_eq!(report["status"], "completed");
    assert_eq!(report["result"]["words"], 3);
    assert!(report["worker_pid"].as_u64().is_some_and(|pid| pid > 1), "{report}");
    assert_eq!(report["id"].as_str().map(str::len), Some(36));
    for time in ["created_at", "started_at", "completed_at"] {
        assert!(report[time].as_str().is_some_and(|text| text.ends_with('Z')), "{report}");
    }
    for span in ["queued_ms", "run_ms"] {
        assert!(report[span].as_f64().is_some_and(|ms| ms >= 0.0), "{report}");
    }
    assert!(report.get("error").is_none());
}

#[test]
fn a_result_is_readable_and_nothing_else_is_said() {
    let output = ostler(&["run", "uppercase", "-p", "text=quiet"]);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result, json!({"text": "QUIET"}));
    assert!(stdout(&output).lines().count() > 1, "objects are indented");
    assert_eq!(stderr(&output), "");
}

#[test]
fn single_parameters_win_over_the_object() {
    let args = ["run", "uppercase", "--params", r#"{"text": "object"}"#, "-p", "text=single"];
    assert!(stdout(&ostler(&args)).contains("SINGLE"));
}

#[test]
fn a_failed_job_exits_with_1_and_says_why() {
    let args = ["run", "digest", "-p", "path=/nonexistent/file"];
    let output = ostler(&args);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    assert!(stderr(&output).contains("/nonexistent/file"), "{}", stderr(&output));

    let output = ostler(&[&args[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["status"], "failed");
    assert_eq!(report["error"]["kind"], "plugin");
    assert_eq!(report["error"]["category"], "input");
    assert!(report["error"]["message"].as_str().unwrap().contains("/nonexistent/file"));
    assert!(report.get("result").is_none());
}

#[test]
fn a_job_over_its_timeout_exits_with_124() {
    let output = ostler(&[
        "run",
        "slow_processor",
        "-p",
        "text=a",
        "-p",
        "seconds=60",
        "--timeout",
        "100ms",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(124), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["error"]["kind"], "timed_out");
    assert!(report["run_ms"].as_f64().unwrap() < 30_000.0, "{report}");
}

#[test]
fn a_thumbnail_is_written_where_it_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let small = directory.path().join("small.png");
    let output = format!("output={}", small.display());
    let path = format!("path={PHOTO}");
    let output = ostler(&["run", "thumbnail", "-p", &path, "-p", "width=256", "-p", &output]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(width_of(&small), 256);
}

#[test]
fn what_comes_with_a_result_is_kept_with_save_and_mentioned_without() {
    let directory = tempfile::tempdir().unwrap();
    let path = format!("path={PHOTO}");
    let output = ostler(&["run", "thumbnail", "-p", &path, "-p", "width=100"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("--save DIR"), "{}", stderr(&output));

    let save = directory.path().join("kept");
    let save = save.to_str().unwrap();
    let output = ostler(&["run", "thumbnail", "-p", &path, "-p", "width=100", "--save", save, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let saved = Path::new(report["attachments"][0]["saved"].as_str().unwrap());
    assert_eq!(saved.parent(), Some(Path::new(save)));
    assert_eq!(fs::metadata(saved).unwrap().len(), report["attachments"][0]["size"].as_u64().unwrap());
    assert_eq!(width_of(saved), 100);
}

#[test]
fn a_file_or_stdin_goes_along_with_the_job() {
    let output =
        ostler(&["run", "thumbnail", "--attach", &format!("image={PHOTO}"), "-p", "width=50", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["result"]["width"], 50, "{}", stderr(&output));

    let stdin = fs::File::open(PHOTO).unwrap();
    let output = command(&["run", "digest", "--attach", "file=-", "--json"]).stdin(stdin).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["result"]["bytes"], fs::metadata(PHOTO).unwrap().len(), "{}", stderr(&output));
}

#[test]
fn a_file_that_cannot_go_along_is_told() {
    let output = ostler(&["run", "digest", "--attach", "file=/nonexistent"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot read /nonexistent"), "{}", stderr(&output));
    let output = ostler(&["run", "digest", "--attach", "file=/dev/zero"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("give the plugin its path"), "{}", stderr(&output));
}

/// From the header of a PNG.
fn width_of(file: &Path) -> u32 {
    let bytes = fs::read(file).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    u32::from_be_bytes(bytes[16..20].try_into().unwrap())
}
