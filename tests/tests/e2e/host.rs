//! A host in a process of its own, for tests in which it is killed.

use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ostler_tests::lab::Task;

pub(crate) struct Host {
    pub(crate) process: Child,
    pub(crate) worker: u32,
}

impl Host {
    /// Waits until it has said which process its worker is; see `lab-host` for the scenarios.
    pub(crate) fn start(scenario: &str, task: &Task) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_lab-host")), scenario, task)
    }

    /// One that keeps its records in this directory.
    pub(crate) fn with_records(scenario: &str, task: &Task, directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab-host"));
        command.env("XDG_RUNTIME_DIR", directory);
        Self::run(command, scenario, task)
    }

    fn run(mut command: Command, scenario: &str, task: &Task) -> Self {
        let mut process = command
            .args([scenario, &serde_json::to_string(task).unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, worker: line.trim().parse().unwrap() }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
