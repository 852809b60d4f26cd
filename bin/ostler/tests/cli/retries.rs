//! Jobs that run more than once, and workers that stand by.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::host::{Fifo, Host, PATIENCE, command, line_with, next_line, ostler, strike, until};

/// Waits until a job reads the file, and kills its worker. Keep what it returns until the next one reads: that one must not
/// find the end of the file.
#[must_use]
fn strike_the_reader(host: &Host, fifo: &Fifo) -> File {
    let writer = fifo.wait_for_reader();
    strike(host.worker(), Signal::SIGKILL);
    writer
}

fn run(fifo: &Fifo, args: &[&str]) -> Host {
    Host::start(command(&[&["run", "digest", "-p", &format!("path={}", fifo.path())], args].concat()))
}

#[test]
fn a_job_whose_worker_was_killed_runs_again_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let mut host = run(&fifo, &["--retries", "2", "--json"]);
    let first = strike_the_reader(&host, &fifo);
    let line = line_with(&mut host.stderr(), "attempt");
    assert!(line.starts_with("attempt 2 of 3 in "), "it is told at once, and nothing before it: {line}");
    assert!(line.ends_with("s: the worker was ended by SIGKILL from outside while it ran a job"), "{line}");
    let mut second = fifo.wait_for_reader();
    second.write_all(b"again").unwrap();
    drop((first, second));
    let report = next_line(&mut host.stdout());
    assert_eq!(host.exit_code(PATIENCE), Some(0));
    assert_eq!(report["status"], "completed");
    assert_eq!(report["result"]["bytes"], 5);
    assert_eq!(report["attempt"], 2);
    let past = report["past_failures"].as_array().unwrap();
    assert_eq!(past.len(), 1);
    assert_eq!(past[0]["forensics"]["signal"], "SIGKILL");
}

#[test]
fn a_job_that_crashes_every_time_fails_and_its_attempts_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let mut host = run(&fifo, &["--retries", "1"]);
    let _first = strike_the_reader(&host, &fifo);
    let mut stderr = host.stderr();
    line_with(&mut stderr, "attempt 2 of 2 in ");
    let _second = strike_the_reader(&host, &fifo);
    let mut told = String::new();
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(host.exit_code(PATIENCE), Some(1), "{told}");
    let sentence = "the worker was ended by SIGKILL from outside while it ran a job\n";
    assert!(told.starts_with(&format!("error: {sentence}")), "{told}");
    assert_eq!(told.matches("\n  attempt ").count(), 1, "{told}");
    assert!(told.contains(&format!("\n  attempt 1  {sentence}")), "{told}");
}

#[test]
fn a_job_that_stalls_is_tried_again() {
    let args = ["run", "slow_processor", "-p", "text=a", "-p", "seconds=60"];
    let output = ostler(&[&args[..], &["--stall-timeout", "50ms", "--retries", "1", "--json"]].concat());
    assert_eq!(output.status.code(), Some(124));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["error"]["kind"], "stalled");
    assert_eq!(report["attempt"], 2);
    assert_eq!(report["past_failures"].as_array().unwrap().len(), 1, "{report}");
}

#[test]
fn a_mistake_is_not_tried_again() {
    let output = ostler(&["run", "digest", "-p", "path=/nonexistent", "--retries", "3", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report.get("attempt").is_none(), "{report}");
}

/// A batch of one worker, with a line that waits for the file and one that does not.
fn batch(fifo: &Fifo, args: &[&str]) -> Host {
    let mut command = command(&[&["batch", "digest", "--workers", "1"], args].concat());
    command.stdin(Stdio::piped());
    let mut host = Host::start(command);
    let lines = [json!({"path": fifo.path()}), json!({"path": "/dev/null"})];
    writeln!(host.stdin(), "{}\n{}", lines[0], lines[1]).unwrap();
    host
}

/// What a batch says at its end: both results by their lines, stderr, and the exit code.
fn end(host: &mut Host) -> (Vec<Value>, String, Option<i32>) {
    let results = results(host);
    let told = rest_of(&mut host.stderr());
    (results, told, host.exit_code(PATIENCE))
}

/// Both results of a batch, by their lines.
fn results(host: &mut Host) -> Vec<Value> {
    let mut stdout = host.stdout();
    let mut results = vec![next_line(&mut stdout), next_line(&mut stdout)];
    results.sort_by_key(|result| result["line"].as_u64());
    results
}

fn rest_of(reader: &mut impl Read) -> String {
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    rest
}

#[test]
fn a_line_whose_worker_was_killed_runs_again_and_the_batch_counts_it() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let mut host = batch(&fifo, &["--retries", "1"]);
    let first = strike_the_reader(&host, &fifo);
    drop((first, fifo.wait_for_reader()));
    let (results, told, code) = end(&mut host);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(results[0]["status"], "completed");
    assert_eq!(results[0]["attempt"], 2);
    assert!(results[1].get("attempt").is_none(), "{}", results[1]);
    assert_eq!(told, "1 worker crashed and was replaced, 1 job needed another attempt\n");
}

#[test]
fn a_line_that_ends_in_quarantine_fails_with_its_evidence_and_holds_up_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let mut host = batch(&fifo, &["--retries", "1"]);
    let _first = strike_the_reader(&host, &fifo);
    let _second = strike_the_reader(&host, &fifo);
    let (results, told, code) = end(&mut host);
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(results[0]["error"]["kind"], "crashed");
    assert_eq!(results[0]["error"]["forensics"]["signal"], "SIGKILL");
    assert_eq!(results[0]["attempt"], 2);
    assert_eq!(results[0]["past_failures"].as_array().unwrap().len(), 1, "{}", results[0]);
    assert_eq!(results[1]["status"], "completed");
    let expected = "1 of 2 lines failed\n2 workers crashed and were replaced, 1 job needed another attempt, \
                    1 job in quarantine was failed\n";
    assert_eq!(told, expected);
}

#[test]
fn a_standby_takes_the_place_of_a_worker_that_died() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let mut host = batch(&fifo, &["--standby", "1", "-vv"]);
    let _writer = fifo.wait_for_reader();
    // The log tells when each of the two has loaded its plugins: a standby that has not may lose to a new worker.
    let mut stderr = host.stderr();
    for _ in 0..2 {
        line_with(&mut stderr, "phase=idle");
    }
    let both = host.workers();
    assert_eq!(both.len(), 2, "{both:?}");
    // Who waits for a writer has no descriptor of it yet.
    let mut busy = None;
    until(Instant::now() + PATIENCE, "one of them reads", || {
        busy = both.iter().copied().find(|pid| reads(*pid, &fifo));
        busy.is_some()
    });
    let busy = busy.unwrap();
    strike(busy, Signal::SIGKILL);
    let results = results(&mut host);
    let told = rest_of(&mut stderr);
    assert_eq!(host.exit_code(PATIENCE), Some(1), "{told}");
    assert_eq!(results[0]["worker_pid"], busy);
    let other = both.iter().find(|pid| **pid != busy).unwrap();
    assert_eq!(results[1]["worker_pid"], *other, "it was there before");
}

/// Whether the process has the file open.
fn reads(pid: u32, fifo: &Fifo) -> bool {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let mut paths = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    paths.any(|path| path == std::path::Path::new(fifo.path()))
}
