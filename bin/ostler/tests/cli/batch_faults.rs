//! Workers that die under a batch.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::host::{Fifo, Host, PATIENCE, command, next_line};

/// A batch of one worker, whose first line is a job that lasts and whose worker was killed under it.
struct Struck {
    host: Host,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    _directory: tempfile::TempDir,
}

impl Struck {
    fn new(args: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let fifo = Fifo::new(directory.path());
        let mut command = command(&[&["batch", "digest", "--workers", "1"], args].concat());
        command.stdin(Stdio::piped());
        let mut host = Host::start(command);
        let (mut stdin, stdout) = (host.stdin(), host.stdout());
        writeln!(stdin, "{}", json!({"path": fifo.path()})).unwrap();
        let _writer = fifo.wait_for_reader();
        let workers = host.workers();
        assert_eq!(workers.len(), 1);
        kill(Pid::from_raw(workers[0].cast_signed()), Signal::SIGKILL).unwrap();
        Self { host, stdin, stdout, _directory: directory }
    }

    /// The results in the order of the lines: that of the first, and those of this many more that are good jobs. Then
    /// what was said on stderr.
    fn results_of_more(mut self, count: usize) -> (Vec<Value>, String) {
        let line = json!({"path": "/dev/null"});
        writeln!(self.stdin, "{}", vec![line.to_string(); count].join("\n")).unwrap();
        drop(self.stdin);
        let mut results: Vec<_> = (0..=count).map(|_| next_line(&mut self.stdout)).collect();
        results.sort_by_key(|result| result["line"].as_u64());
        let mut told = String::new();
        self.host.stderr().read_to_string(&mut told).unwrap();
        assert_eq!(self.host.exit_code(PATIENCE), Some(1));
        (results, told)
    }
}

#[test]
fn a_worker_that_dies_fails_only_its_own_line() {
    let (results, told) = Struck::new(&[]).results_of_more(20);
    assert_eq!(told, "1 of 21 lines failed\n1 worker crashed and was replaced\n");
    assert_eq!(results[0]["line"], 1);
    assert_eq!(results[0]["error"]["kind"], "crashed");
    assert_eq!(results[0]["error"]["forensics"]["signal"], "SIGKILL");
    for result in &results[1..] {
        assert_eq!(result["status"], "completed", "{result}");
    }
}

#[test]
fn without_workers_the_remaining_lines_fail_and_nothing_hangs() {
    let (results, told) = Struck::new(&["--max-restarts", "0"]).results_of_more(200);
    assert!(told.starts_with("error: no worker is available: gave up after 0 restarts within "), "{told}");
    assert_eq!(told.lines().count(), 3, "the reason is told once: {told}");
    let tally =
        "201 of 201 lines failed\n1 worker crashed, 200 lines found no worker; --max-restarts allows more\n";
    assert!(told.ends_with(tally), "{told}");
    assert_eq!(results[0]["error"]["kind"], "crashed");
    for result in &results[1..] {
        assert_eq!(result["status"], "failed");
        assert_eq!(result["error"]["kind"], "worker_unavailable", "{result}");
        assert!(!result.to_string().contains("restart_worker"), "that is for programs: {result}");
    }
}

/// A host with few descriptors cannot have as many workers as it wants.
#[test]
fn a_batch_works_with_the_workers_that_can_be_started_and_says_that_others_are_missing() {
    let script = format!("ulimit -n 64; exec {} batch digest --workers 32", env!("CARGO_BIN_EXE_ostler"));
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", &script]).env_remove("OSTLER_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut host = Host::start(command);
    let (mut stdin, mut stdout) = (host.stdin(), host.stdout());
    let line = json!({"path": "/dev/null"});
    writeln!(stdin, "{}", vec![line.to_string(); 200].join("\n")).unwrap();
    // Its input stays open, so that it is there to say it.
    let mut stderr = host.stderr();
    let mut told = String::new();
    loop {
        told.clear();
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "it ended without a warning");
        if told.starts_with("warning: ") {
            break;
        }
        assert!(told.contains(" WARN ") && told.contains("Too many open files"), "{told}");
    }
    assert!(told.contains(" missing: "), "{told}");
    drop(stdin);
    for _ in 0..200 {
        assert_eq!(next_line(&mut stdout)["status"], "completed");
    }
    assert_eq!(host.exit_code(PATIENCE), Some(0));
}
