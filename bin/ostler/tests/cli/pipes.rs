//! Standard output that nobody reads any more.

use std::fs::File;
use std::io::{BufRead, Write};
use std::process::{Command, Stdio};

use nix::unistd::pipe;

use crate::host::{Host, PATIENCE, command, stderr};

/// With a closed pipe for its stdout.
fn unread(args: &[&str]) -> Command {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = command(args);
    command.stdout(writer);
    command
}

#[test]
fn a_closed_pipe_is_no_reason_to_complain() {
    let cases: [&[&str]; 4] = [
        &["run", "uppercase", "-p", "text=a"],
        &["run", "uppercase", "-p", "text=a", "--json"],
        &["plugins"],
        &["plugins", "--json"],
    ];
    for args in cases {
        let output = unread(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(stderr(&output), "", "{args:?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command(&["run", "uppercase", "-p", "text=a"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot write to stdout"), "{}", stderr(&output));
}

#[test]
fn a_batch_stops_when_nobody_reads_its_results() {
    let mut command = command(&["batch", "uppercase", "--workers", "1"]);
    command.stdin(Stdio::piped()).stderr(Stdio::inherit());
    let mut host = Host::start(command);
    let (mut stdin, mut stdout) = (host.stdin(), host.stdout());
    // Without an end: only the batch can end it.
    let feed = std::thread::spawn(move || while writeln!(stdin, r#"{{"text": "a"}}"#).is_ok() {});
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    assert_eq!(host.exit_code(PATIENCE), Some(1));
    feed.join().unwrap();
}
