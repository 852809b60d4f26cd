//! Ctrl-C and SIGTERM during a batch: what was read may finish, within a grace that a second signal ends.

use std::io::{BufReader, Read, Write};
use std::process::{ChildStderr, ChildStdin, Stdio};
use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::host::{Fifo, Host, PATIENCE, command, line_with, next_line, until};
use crate::stop::{full_pipe, stops};

/// A batch of one worker that is busy with the first of two lines. Its input does not end.
struct Busy {
    host: Host,
    stdin: ChildStdin,
    stderr: BufReader<ChildStderr>,
    _directory: tempfile::TempDir,
}

impl Busy {
    fn start(args: &[&str]) -> (Self, impl Write + use<>) {
        let directory = tempfile::tempdir().unwrap();
        let fifo = Fifo::new(directory.path());
        let mut command = command(&[&["batch", "digest", "--workers", "1"], args].concat());
        command.stdin(Stdio::piped());
        let mut host = Host::start(command);
        let mut stdin = host.stdin();
        writeln!(stdin, "{}\n{}", json!({"path": fifo.path()}), json!({"path": "/dev/null"})).unwrap();
        let writer = fifo.wait_for_reader();
        let stderr = host.stderr();
        (Self { host, stdin, stderr, _directory: directory }, writer)
    }

    /// What is said after what was heard so far.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        rest
    }
}

#[test]
fn what_was_read_finishes_and_no_more_is_read() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (mut busy, writer) = Busy::start(&["--grace", "1h"]);
        busy.host.signal(signal);
        let line = line_with(&mut busy.stderr, "stopping: ");
        assert!(line.contains("no more lines are read, and "), "{line}");
        assert!(line.contains(" may take 1h to finish; another signal ends "), "{line}");
        // May be refused: nobody has to read it any more.
        let _ = writeln!(busy.stdin, "no job");
        drop(writer);
        let mut results = String::new();
        busy.host.stdout().read_to_string(&mut results).unwrap();
        assert_eq!(busy.host.exit_code(PATIENCE), Some(130), "{signal}");
        // Of the second line nobody knows whether it was read before the signal.
        let completed = results.lines().count();
        assert_eq!(results.matches(r#""status":"completed""#).count(), completed, "{results}");
        assert!(results.contains(r#"{"line":1,"#), "{results}");
        let tally = format!("{completed} completed, 0 failed; stopped after line {completed}\n");
        assert_eq!(busy.rest(), tally);
        assert!(busy.host.processes().is_empty());
    }
}

#[test]
fn what_outlasts_the_grace_is_interrupted() {
    for grace in ["0s", "50ms"] {
        let (mut busy, _writer) = Busy::start(&["--grace", grace]);
        let since = Instant::now();
        busy.host.signal(Signal::SIGTERM);
        let mut stdout = busy.host.stdout();
        assert_eq!(stops(&mut busy.host, since), Some(130), "{grace}");
        let result = next_line(&mut stdout);
        assert_eq!(result["error"]["kind"], "interrupted", "{result}");
        let told = busy.rest();
        assert!(told.contains("0 completed, 0 failed, "), "{told}");
        assert!(told.contains(" interrupted; stopped after line "), "{told}");
    }
}

#[test]
fn a_second_signal_ends_the_grace() {
    let (mut busy, _writer) = Busy::start(&["--grace", "1h"]);
    busy.host.signal(Signal::SIGTERM);
    line_with(&mut busy.stderr, "stopping: ");
    let since = Instant::now();
    busy.host.signal(Signal::SIGTERM);
    let mut stdout = busy.host.stdout();
    assert_eq!(stops(&mut busy.host, since), Some(130));
    assert_eq!(next_line(&mut stdout)["error"]["kind"], "interrupted");
    let told = busy.rest();
    assert!(told.starts_with("stopping: ") && told.contains(" now\n"), "{told}");
}

#[test]
fn further_signals_end_a_batch_that_is_stuck() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let (_reader, writer) = full_pipe();
    let mut command = command(&["batch", "digest", "--workers", "1", "--grace", "1h"]);
    command.stdin(Stdio::piped()).stderr(writer);
    let mut host = Host::start(command);
    writeln!(host.stdin(), "{}", json!({"path": fifo.path()})).unwrap();
    let _writer = fifo.wait_for_reader();
    // Stuck in telling that it stops.
    until(Instant::now() + PATIENCE, "no process is left", || {
        host.signal(Signal::SIGINT);
        host.processes().is_empty()
    });
    assert_eq!(host.exit_code(PATIENCE), Some(130));
}
