//! Every example prints what it should.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

#[track_caller]
fn prints(example: &str, expected: &str) {
    let output = Command::new(example).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    assert_eq!(stdout.trim(), expected.trim());
}

#[test]
fn embed() {
    prints(env!("CARGO_BIN_EXE_embed"), "WordCount { words: 6, letters: 27 }");
}

#[test]
fn custom_job_type() {
    let output = Command::new(env!("CARGO_BIN_EXE_custom_job_type")).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<_> = stdout.lines().collect();
    // The hook runs beside its host.
    lines.sort_unstable();
    let expected = [r#""words of \"talk.mp3\", by \"base\"""#, r#"completed, asked by Some("the example")"#];
    assert_eq!(lines, expected, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn cancel_and_restart() {
    let expected = "cancelled: true\nthe first worker still runs: false\nanother worker goes on: true";
    prints(env!("CARGO_BIN_EXE_cancel_and_restart"), expected);
}

#[test]
fn functions() {
    let expected = "ostler\n[Ok(2), Ok(4), Ok(6)]\nwaited 1 ms\nwaited 3000 ms";
    prints(env!("CARGO_BIN_EXE_functions"), expected);
}

#[test]
fn keep_going() {
    let expected = r#"
put aside after 2 attempts: Some(Fault { signal: "SIGABRT" })
released: hay
cancelled: true
by Some("alice"), because Some("wrong file"), proven: true
"#;
    prints(env!("CARGO_BIN_EXE_keep_going"), expected);
}

#[test]
fn steer() {
    let expected = "
pending, because: waits until the manager is resumed
the job ran longer than its timeout of 100ms
its worker lives on: true
counted to 200, as a rerun: true
JobCounts { pending: 0, running: 0, cancelling: 0, completed: 1, failed: 1, cancelled: 0 }
";
    prints(env!("CARGO_BIN_EXE_steer"), expected);
}

#[test]
fn streaming() {
    let letters = ["h", "o", "r", "s", "e"].iter().enumerate().map(|(number, letter)| {
        let (first, second) = (2 * number + 3, 2 * number + 4);
        format!("{first:2} {letter}\n{second:2} {} %\n", 20 * (number + 1))
    });
    let expected = format!(" 1 queued\n 2 started\n{}13 chunk\n14 completed", letters.collect::<String>());
    prints(env!("CARGO_BIN_EXE_streaming"), &expected);
}

#[test]
fn own_worker() {
    prints(env!("CARGO_BIN_EXE_own_worker_host"), "ostler\nhorse");
    let by_hand = Command::new(env!("CARGO_BIN_EXE_own_worker")).output().unwrap();
    assert_eq!(by_hand.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&by_hand.stderr).contains("is an Ostler worker"));
}

#[test]
fn tracker_alone() {
    let expected = r#"
completed: Some("fast")
cancelled: true
{"status":"success","data":4096}
{"status":"cancelled"}
{"status":"error","error":"there is no lost","kind":"plugin","category":"fatal"}
cleared: 3
"#;
    prints(env!("CARGO_BIN_EXE_tracker_alone"), expected);
}

#[test]
fn own_plugin_manager() {
    prints(env!("CARGO_BIN_EXE_own_plugin_manager"), "basename: horse\ndirname: /stable");
}
