//! A host in a process of its own, for tests in which it is killed.

use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ostler_tests::lab::Task;

use crate::support::scratch;

pub(crate) struct Host {
    pub(crate) process: Child,
    pub(crate) worker: u32,
    /// Where it keeps its records, if nobody else is to find them.
    records: Option<tempfile::TempDir>,
}

impl Host {
    /// Waits until it has said which process its worker is; see `lab-host` for the scenarios. Nobody else finds its
    /// records: hosts of other tests would end what it leaves, and hide that its workers do not end by themselves.
    pub(crate) fn start(scenario: &str, task: &Task) -> Self {
        let records = scratch();
        let mut host = Self::with_records(scenario, task, records.path());
        host.records = Some(records);
        host
    }

    /// One that keeps its records in this directory. Its input is a pipe that nobody closes as long as it runs.
    pub(crate) fn with_records(scenario: &str, task: &Task, directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab-host"));
        let mut process = command
            .env("XDG_RUNTIME_DIR", directory)
            .args([scenario, &serde_json::to_string(task).unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, worker: line.trim().parse().unwrap(), records: None }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
