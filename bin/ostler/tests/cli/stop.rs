//! Ctrl-C, SIGTERM and SIGKILL: whatever ends the command, no process stays.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::unistd::pipe;

use crate::host::{Fifo, Host, PATIENCE, command, until};

const SECOND: Duration = Duration::from_secs(1);

/// Starts a job that lasts, and returns when it runs.
fn busy_host(fifo: &Fifo, args: &[&str]) -> Host {
    let path = format!("path={}", fifo.path());
    let host = Host::start(command(&[&["run", "digest", "-p", &path], args].concat()));
    let writer = fifo.wait_for_reader();
    // The plugin waits for more until the host dies: nobody else holds the other end.
    std::mem::forget(writer);
    host
}

/// Its workers are gone within a second. What they have left is then looked for by a thread that yields to all others, and the
/// command waits for that: how long is the machine's business.
#[track_caller]
pub(crate) fn stops(host: &mut Host, since: Instant) -> Option<i32> {
    until(since + SECOND, "no worker is left", || host.workers().is_empty());
    let code = host.exit_code(PATIENCE);
    assert!(host.processes().is_empty());
    code
}

#[test]
fn ctrl_c_cancels_and_leaves_no_process_within_a_second() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let directory = tempfile::tempdir().unwrap();
        let mut host = busy_host(&Fifo::new(directory.path()), &["--json"]);
        assert_eq!(host.workers().len(), 1);
        let mut stdout = host.stdout();
        let since = Instant::now();
        host.signal(signal);
        assert_eq!(stops(&mut host, since), Some(130), "{signal}");
        assert_eq!(crate::host::next_line(&mut stdout)["status"], "cancelled");
    }
}

#[test]
fn ctrl_c_cancels_a_slow_processor_within_a_second() {
    let args = ["run", "slow_processor", "-p", "text=one two three", "-p", "seconds=60"];
    let mut host = Host::start(command(&args));
    until(Instant::now() + PATIENCE, "there is a worker", || !host.workers().is_empty());
    let since = Instant::now();
    host.signal(Signal::SIGINT);
    assert_eq!(stops(&mut host, since), Some(130));
}

#[test]
fn a_killed_host_leaves_no_process_within_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let mut host = busy_host(&Fifo::new(directory.path()), &[]);
    assert_eq!(host.workers().len(), 1);
    let since = Instant::now();
    host.signal(Signal::SIGKILL);
    assert_eq!(host.exit_code(SECOND), None);
    until(since + SECOND, "no process is left", || host.processes().is_empty());
}

#[test]
fn ctrl_c_ends_a_wait_for_stdin() {
    let mut command = command(&["run", "digest", "--attach", "file=-"]);
    command.stdin(Stdio::piped());
    let mut host = Host::start(command);
    let _stdin = host.stdin();
    until(Instant::now() + PATIENCE, "there is a worker", || !host.workers().is_empty());
    let since = Instant::now();
    host.signal(Signal::SIGINT);
    assert_eq!(stops(&mut host, since), Some(130));
}

/// A pipe that nobody reads and that takes no more.
pub(crate) fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut file = File::from(writer);
    let error = loop {
        if let Err(error) = file.write(&[b'.'; 4096]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let writer = OwnedFd::from(file);
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    (reader, writer)
}

#[test]
fn a_second_ctrl_c_ends_a_command_that_is_stuck() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let (_reader, writer) = full_pipe();
    let mut command = command(&["run", "digest", "-p", &format!("path={}", fifo.path())]);
    command.stderr(writer);
    let mut host = Host::start(command);
    let _writer = fifo.wait_for_reader();
    host.signal(Signal::SIGINT);
    until(Instant::now() + PATIENCE, "the worker is gone", || host.workers().is_empty());
    // Stuck in telling that it was cancelled.
    assert_eq!(host.processes(), [host.pid]);
    host.signal(Signal::SIGINT);
    assert_eq!(host.exit_code(SECOND), Some(130));
}

#[test]
fn a_reader_that_stopped_reading_cannot_keep_a_batch_from_being_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let (_reader, writer) = full_pipe();
    let mut command = command(&["batch", "digest", "--workers", "2", "--grace", "0s"]);
    command.stdin(Stdio::piped()).stdout(writer);
    let mut host = Host::start(command);
    let mut stdin = host.stdin();
    // The first is finished at once and cannot be told.
    writeln!(stdin, "no job\n{}", serde_json::json!({"path": fifo.path()})).unwrap();
    let _writer = fifo.wait_for_reader();
    let since = Instant::now();
    host.signal(Signal::SIGINT);
    assert_eq!(stops(&mut host, since), Some(130));
}
