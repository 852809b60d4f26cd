use std::path::PathBuf;
use std::time::{Duration, Instant};

use ostler::{
    BaseJobManager, JobEventKind, JobHandle, JobManager, JobManagerBuilder, JobType, PluginConfig,
    WorkerCommand, WorkerConfig,
};
use ostler_tests::lab::Task;
use serde_json::Value;

/// The lab's jobs without any hook.
pub(crate) struct LabJobs;

impl BaseJobManager<Task> for LabJobs {
    fn worker_type(&self) -> &str {
        "lab"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        lab_worker()
    }

    fn supports_streaming(&self) -> bool {
        true
    }
}

pub(crate) fn lab_worker() -> WorkerCommand {
    WorkerCommand::program(env!("CARGO_BIN_EXE_lab-worker"))
}

pub(crate) fn lab() -> JobManagerBuilder<Task> {
    JobManager::builder(LabJobs)
}

pub(crate) async fn launch() -> JobManager<Task> {
    lab().launch().await.unwrap()
}

pub(crate) fn workers(max_workers: u32) -> WorkerConfig {
    WorkerConfig { max_workers, ..WorkerConfig::default() }
}

pub(crate) fn echo(text: &str) -> Task {
    Task::Echo(text.to_owned())
}

pub(crate) fn config(value: Value) -> PluginConfig {
    value.as_object().unwrap().clone()
}

/// Waits until a worker has begun with the job; its process.
pub(crate) async fn started<J: JobType>(job: &JobHandle<J>) -> u32 {
    let mut events = job.events();
    while let Some(event) = events.next().await {
        if let JobEventKind::Started { pid, .. } = event.unwrap().kind {
            return pid.unwrap();
        }
    }
    panic!("the job ended and never began");
}

/// Whether a process runs. A zombie does not.
pub(crate) fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !matches!(rest.trim_start().chars().next(), Some('Z' | 'X')))
}

/// Waits until it is so, for at most this long.
pub(crate) async fn within(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if is_so() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    is_so()
}

pub(crate) fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}

/// A place for files of one test.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A job that runs until the file is written: the test decides when.
pub(crate) struct Gate {
    directory: tempfile::TempDir,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { directory: scratch() }
    }

    pub(crate) fn task(&self) -> Task {
        Task::AwaitFile(self.path())
    }

    pub(crate) fn open(&self) {
        let part = self.directory.path().join("part");
        std::fs::write(&part, "open").unwrap();
        std::fs::rename(part, self.path()).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("gate")
    }
}
