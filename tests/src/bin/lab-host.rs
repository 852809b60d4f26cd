//! A host of its own process, for tests in which the host itself dies, or its memory counts.
//!
//! `lab-host SCENARIO TASK`, with the task as JSON. It says a line and then lives on:
//! - `job`: runs the task; the line is the worker's process id, once the job began,
//! - `blocked`: the same, and then blocks the only thread of its runtime,
//! - `unread`: the same, and has a reader that does not read the job's events,
//! - `timed`: the same with timeouts of a second, and then a second line: how the job ended,
//! - `exits`: the same, starts another one behind it, and exits with 7 without a word to its manager,
//! - `loading`: the worker never ends loading; the line is its process id,
//! - `stranger`: the worker is a program that is none; the line is its process id, and it is called `clings` once it
//!   outlives its host,
//! - `stops`: the worker stops itself as soon as any code of its plugins runs; the line is its process id,
//! - `slow-reader`: reads all of the job's events, a little slower than they come; the line is how many events it
//!   missed, how many chunks it read, and by how many bytes its memory grew at most,
//! - `ended`: has no reader; the line is by how many bytes its memory grew at most until the job ended,
//! - `done`: the line is how the job ended, and then the host ends as well.

#![expect(clippy::unwrap_used, reason = "a test fixture that cannot go on has failed")]

use std::io::Write;
use std::time::Duration;

use ostler::{
    BaseJobManager, JobEventKind, JobHandle, JobManager, ManagerEventKind, WorkerCommand, WorkerPhase,
};
use ostler_tests::lab::{Task, register_all};
use serde_json::json;

struct LabJobs;

impl BaseJobManager<Task> for LabJobs {
    fn worker_type(&self) -> &str {
        "lab"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }

    fn supports_streaming(&self) -> bool {
        true
    }
}

fn main() {
    if std::env::args().nth(1).is_some_and(|scenario| scenario == CLINGS) {
        return cling_to_life();
    }
    ostler::worker::run_if_worker(|plugins| {
        if std::env::args().nth(1).is_some_and(|scenario| scenario == "stops") {
            stop();
        }
        register_all(plugins);
    });
    host();
}

#[tokio::main(flavor = "current_thread")]
async fn host() {
    let mut args = std::env::args().skip(1);
    let scenario = args.next().unwrap();
    let task: Task = serde_json::from_str(&args.next().unwrap()).unwrap();
    match scenario.as_str() {
        "loading" => return load_for_ever(task).await,
        "stranger" => return start_odd_worker(CLINGS, task).await,
        "stops" => return start_odd_worker("stops", task).await,
        _ => {}
    }
    let manager = JobManager::builder(LabJobs).launch().await.unwrap();
    if scenario == "timed" {
        let second = Duration::from_secs(1);
        let job = manager.job("lab", task).timeout(second).stall_timeout(second).start().await.unwrap();
        say(&began(&job).await.to_string());
        let record = job.finished().await;
        say(&format!("{} {:?}", record.status, record.error));
        return;
    }
    let job = manager.start_job("lab", task).await.unwrap();
    if scenario == "done" {
        let record = job.finished().await;
        return say(&format!("{} {:?}", record.status, record.error));
    }
    let unread = (scenario == "unread").then(|| job.events());
    if scenario == "slow-reader" {
        say(&read_slowly(&job).await);
    } else if scenario == "ended" {
        let before = peak_memory();
        job.finished().await;
        say(&(peak_memory() - before).to_string());
    } else {
        say(&began(&job).await.to_string());
    }
    if scenario == "exits" {
        let _waits = manager.start_job("lab", Task::Pid).await.unwrap();
        std::process::exit(7);
    }
    if scenario == "blocked" {
        loop {
            std::thread::park();
        }
    }
    std::future::pending::<()>().await;
    drop(unread);
}

async fn load_for_ever(task: Task) {
    let hang = json!({ "load": "hang" }).as_object().unwrap().clone();
    let manager = JobManager::builder(LabJobs).plugin_config("lab", hang).lazy().launch().await.unwrap();
    let mut events = manager.events();
    let _job = manager.start_job("lab", task).await.unwrap();
    while let Some(event) = events.next().await {
        if let ManagerEventKind::Worker(worker) = event.unwrap().kind
            && worker.state.phase == WorkerPhase::Loading
        {
            say(&worker.state.pid.unwrap().to_string());
        }
    }
}

async fn start_odd_worker(argument: &'static str, task: Task) {
    let manager = JobManager::builder(OddJobs(argument)).lazy().launch().await.unwrap();
    let mut events = manager.events();
    let _job = manager.start_job("lab", task).await.unwrap();
    while let Some(event) = events.next().await {
        if let ManagerEventKind::Worker(worker) = event.unwrap().kind
            && worker.state.phase == WorkerPhase::Starting
        {
            say(&worker.state.pid.unwrap().to_string());
        }
    }
}

/// What it is called once it outlives its parent, for who waits for that.
const CLINGS: &str = "clings";

/// What the kernel was asked to do to it when its parent dies, it takes back.
#[expect(unsafe_code, reason = "the standard library has no parent-death signal")]
fn cling_to_life() {
    // SAFETY: the call takes numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, 0) };
    std::fs::write("/proc/self/comm", CLINGS).unwrap();
    loop {
        std::thread::park();
    }
}

#[expect(unsafe_code, reason = "the standard library cannot stop a process")]
fn stop() {
    // SAFETY: the call takes numbers.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Its worker gets this argument.
struct OddJobs(&'static str);

impl BaseJobManager<Task> for OddJobs {
    fn worker_type(&self) -> &str {
        "odd"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe().arg(self.0)
    }
}

async fn began(job: &JobHandle<Task>) -> u32 {
    let mut events = job.events();
    while let Some(event) = events.next().await {
        if let JobEventKind::Started { pid, .. } = event.unwrap().kind {
            return pid.unwrap();
        }
    }
    panic!("the job never began");
}

async fn read_slowly(job: &JobHandle<Task>) -> String {
    let before = peak_memory();
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    let (mut missed, mut chunks) = (0, 0);
    let mut events = job.events();
    while let Some(event) = events.next().await {
        pace.tick().await;
        match event {
            Ok(event) => chunks += u64::from(event.chunk::<String>().is_some()),
            Err(error) => missed += error.count,
        }
    }
    format!("{missed} {chunks} {}", peak_memory() - before)
}

/// The largest resident size so far, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn say(line: &str) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}").unwrap();
    stdout.flush().unwrap();
}
