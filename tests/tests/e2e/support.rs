use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ostler::{
    BaseJobManager, JobError, JobEventKind, JobFailure, JobHandle, JobManager, JobManagerBuilder, JobType,
    PluginConfig, RestartPolicy, WorkerCommand, WorkerConfig,
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

/// Jobs of any type in any worker, without a hook.
struct AnyJobs<J> {
    command: WorkerCommand,
    jobs: PhantomData<fn() -> J>,
}

impl<J: JobType> BaseJobManager<J> for AnyJobs<J> {
    fn worker_type(&self) -> &str {
        "any"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        self.command.clone()
    }

    fn supports_streaming(&self) -> bool {
        true
    }
}

/// Jobs of any type in any worker. One that dies is replaced at once.
pub(crate) fn any<J: JobType>(command: WorkerCommand) -> JobManagerBuilder<J> {
    JobManager::builder(AnyJobs { command, jobs: PhantomData }).config(at_once())
}

/// A worker that dies is replaced at once, so that no test waits for a delay.
pub(crate) fn at_once() -> WorkerConfig {
    WorkerConfig { restart_policy: RestartPolicy::Always, ..WorkerConfig::default() }
}

pub(crate) const LAB_WORKER: &str = env!("CARGO_BIN_EXE_lab-worker");

pub(crate) fn lab_worker() -> WorkerCommand {
    WorkerCommand::program(LAB_WORKER)
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

/// Waits until the job has failed; how.
pub(crate) async fn failed<J: JobType>(job: &JobHandle<J>) -> JobFailure {
    match job.output().await {
        Err(JobError::Failed(failure)) => *failure,
        Err(JobError::Cancelled) => panic!("the job was cancelled"),
        Ok(_) => panic!("the job completed"),
    }
}

/// Fails unless the text has all these parts.
#[track_caller]
pub(crate) fn says(text: impl ToString, parts: &[&str]) {
    let text = text.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

/// Begins with something, and then does not care any more.
pub(crate) async fn begin<T>(future: impl Future<Output = T>) {
    tokio::select! {
        biased;
        _ = future => panic!("it was over at once"),
        () = std::future::ready(()) => {}
    }
}

/// Whether a process runs. A zombie does not.
pub(crate) fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !matches!(rest.trim_start().chars().next(), Some('Z' | 'X')))
}

/// Whether all threads of a process have stopped.
pub(crate) fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    })
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
    signal(pid, "KILL");
}

/// Sends a signal to a process that is there.
pub(crate) fn signal(pid: u32, name: &str) {
    let name = format!("-{name}");
    let sent = std::process::Command::new("kill").args([&name, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// The processes of a group that run.
pub(crate) fn group(leader: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    let pids = entries.filter_map(|name| name.to_str()?.parse::<u32>().ok());
    let is_member = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_ascii_whitespace());
        fields.and_then(|mut fields| fields.nth(2)).is_some_and(|of| of == leader.to_string())
    };
    pids.filter(is_member).filter(|pid| runs(*pid)).collect()
}

/// The abstract socket that a worker was told to connect to.
pub(crate) fn socket_of(worker: u32) -> String {
    let environ = std::fs::read(format!("/proc/{worker}/environ")).unwrap();
    let mut variables = environ.split(|byte| *byte == 0).filter_map(|text| std::str::from_utf8(text).ok());
    variables.find_map(|variable| variable.strip_prefix("OSTLER_SOCKET=")).unwrap().to_owned()
}

/// Whether anybody holds a socket of this name.
pub(crate) fn is_held(socket: &str) -> bool {
    std::fs::read_to_string("/proc/net/unix").unwrap().contains(socket)
}

/// The lab's jobs in workers that are started like this.
pub(crate) struct LabJobsIn(pub(crate) WorkerCommand);

impl BaseJobManager<Task> for LabJobsIn {
    fn worker_type(&self) -> &str {
        "lab"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        self.0.clone()
    }
}

/// The lab's worker, which adds its process id to a file before anything else, and what the file says.
pub(crate) struct Roll(tempfile::TempDir);

impl Roll {
    pub(crate) fn new() -> Self {
        Self(scratch())
    }

    pub(crate) fn worker(&self) -> WorkerCommand {
        let script = format!("echo $$ >> {}; exec {LAB_WORKER}", self.path().display());
        WorkerCommand::program("/bin/sh").arg("-c").arg(script)
    }

    pub(crate) fn lab(&self) -> JobManagerBuilder<Task> {
        JobManager::builder(LabJobsIn(self.worker()))
    }

    /// The process ids of all workers that were ever started.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.path()).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("roll")
    }
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

    /// Who comes from now on waits.
    pub(crate) fn close(&self) {
        std::fs::remove_file(self.path()).unwrap();
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("gate")
    }
}
