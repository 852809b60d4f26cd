//! 8. After a shutdown, within a second of dropping the manager, and within a second of the host's SIGKILL, no process
//! of a worker's group and no socket is left.

use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ostler::{FailureKind, JobStatus, StartError, WorkerConfig};
use ostler_tests::lab::Task;
use serde_json::json;

use super::agreement::agreed_end;
use crate::support::{
    Gate, Roll, config, echo, group, is_held, lab, launch, scratch, signal, socket_of, started, within,
    workers,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn guarantee_8_after_shutdown_nothing_is_left() {
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let job = manager.start_job("lab", Task::LeaveChild).await.unwrap();
    job.output().await.unwrap();
    let worker = job.finished().await.worker_pid.unwrap();
    let socket = socket_of(worker);
    assert!(is_held(&socket));
    assert_eq!(group(worker).len(), 2, "the worker and the child that its job left");
    let all: Vec<u32> = manager.workers().into_iter().filter_map(|worker| worker.pid).collect();
    manager.shutdown().await.unwrap();
    assert!(all.into_iter().flat_map(group).next().is_none());
    assert!(!is_held(&socket));
}

#[tokio::test]
async fn guarantee_8_a_shutdown_ends_what_does_not_end() {
    let directory = scratch();
    let config = WorkerConfig { shutdown_timeout: Duration::from_millis(50), ..workers(2) };
    let manager = lab().config(config).launch().await.unwrap();
    let hanging = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let spinning = manager.start_job("lab", Task::Spin).await.unwrap();
    let pids = [started(&hanging).await, started(&spinning).await];
    let pending = manager.start_job("lab", echo("never")).await.unwrap();
    signal(pids[0], "STOP");
    // A second call waits for the first.
    let (first, second) = tokio::join!(manager.shutdown(), manager.shutdown());
    first.and(second).unwrap();
    assert!(pids.into_iter().flat_map(group).next().is_none());
    for job in [&hanging, &spinning, &pending] {
        assert_eq!(agreed_end(&manager, job).await, JobStatus::Failed);
        assert_eq!(job.finished().await.error.as_ref().unwrap().kind, FailureKind::Interrupted);
    }
    assert!(matches!(manager.start_job("lab", echo("late")).await, Err(StartError::ShutDown)));
}

#[tokio::test]
async fn guarantee_8_a_shutdown_lets_jobs_finish() {
    let gate = Gate::new();
    let manager = launch().await;
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pending = manager.start_job("lab", echo("too")).await.unwrap();
    started(&job).await;
    let shutdown = tokio::spawn({
        let manager = manager.clone();
        async move { manager.shutdown().await }
    });
    let mut events = manager.events();
    // The intake closes first; then the gate may open.
    assert!(within(Duration::from_secs(30), || intake_is_closed(&manager)).await);
    gate.open();
    assert_eq!(pending.output().await.unwrap(), "too");
    shutdown.await.unwrap().unwrap();
    while events.next().await.is_some() {}
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Completed);
}

fn intake_is_closed(manager: &ostler::JobManager<Task>) -> bool {
    let mut start = std::pin::pin!(manager.start_job("lab", echo("probe")));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    matches!(start.as_mut().poll(&mut context), std::task::Poll::Ready(Err(StartError::ShutDown)))
}

#[tokio::test]
async fn guarantee_8_within_a_second_of_the_drop_nothing_is_left() {
    let directory = scratch();
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let hang = directory.path().join("hang");
    let task = Task::Steps(vec![Task::LeaveChild, Task::Hang(hang)]);
    let job = manager.start_job("lab", task).await.unwrap();
    let pending = [
        manager.start_job("lab", Task::Spin).await.unwrap(),
        manager.start_job("lab", echo("never")).await.unwrap(),
    ];
    let worker = started(&job).await;
    let socket = socket_of(worker);
    let clone = manager.clone();
    drop(manager);
    assert_eq!(job.status(), JobStatus::Running, "a clone keeps it alive, a handle does not");
    drop(clone);
    assert!(within(SECOND, || group(worker).is_empty() && !is_held(&socket)).await);
    for job in pending.iter().chain([&job]) {
        let failure = job.output().await.unwrap_err().failure().cloned().unwrap();
        assert_eq!(failure.kind, FailureKind::Interrupted);
    }
}

#[tokio::test]
async fn guarantee_8_a_launch_that_is_given_up_leaves_nothing() {
    let roll = Roll::new();
    let launch = roll.lab().plugin_config("lab", config(json!({ "load": "hang" }))).launch();
    tokio::select! {
        launched = launch => panic!("{launched:?}"),
        loading = within(Duration::from_secs(30), || !roll.pids().is_empty()) => assert!(loading),
    }
    let worker = roll.pids()[0];
    assert!(within(SECOND, || group(worker).is_empty()).await);
}

/// Nobody drives the runtime any more: the supervisor's thread alone must end the workers.
#[test]
fn guarantee_8_a_manager_is_dropped_while_its_runtime_is_blocked() {
    let directory = scratch();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (manager, worker) = runtime.block_on(async {
        let manager = launch().await;
        let task = Task::Steps(vec![Task::LeaveChild, Task::Hang(directory.path().join("hang"))]);
        let job = manager.start_job("lab", task).await.unwrap();
        (manager, started(&job).await)
    });
    assert!(!group(worker).is_empty());
    drop(manager);
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(other.block_on(within(SECOND, || group(worker).is_empty())));
}

#[test]
fn guarantee_8_a_runtime_that_is_dropped_with_jobs_running_leaves_nothing() {
    let directory = scratch();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (manager, job, worker) = runtime.block_on(async {
        let manager = launch().await;
        let job = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
        let worker = started(&job).await;
        (manager, job, worker)
    });
    let socket = socket_of(worker);
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    other.block_on(async {
        assert!(within(SECOND, || group(worker).is_empty() && !is_held(&socket)).await);
        let failure = job.output().await.unwrap_err().failure().cloned().unwrap();
        assert_eq!(failure.kind, FailureKind::Interrupted);
        assert!(matches!(manager.start_job("lab", echo("late")).await, Err(StartError::ShutDown)));
        manager.shutdown().await.unwrap();
    });
}

#[tokio::test]
async fn guarantee_8_nobody_can_connect_once_the_worker_has() {
    let manager = launch().await;
    let worker = manager.workers()[0].pid.unwrap();
    let (socket, table) = (socket_of(worker), std::fs::read_to_string("/proc/net/unix").unwrap());
    // The flag __SO_ACCEPTCON: it listens.
    let listens = |line: &&str| line.contains(&socket) && line.split(' ').nth(3) == Some("00010000");
    assert_eq!(table.lines().find(listens), None);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_8_a_killed_host_with_an_idle_worker_leaves_nothing() {
    assert_dies_with_its_worker(Host::with_job(&echo("done")), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_hanging_job_leaves_nothing() {
    let directory = scratch();
    assert_dies_with_its_worker(Host::with_job(&Task::Hang(directory.path().join("hang"))), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_spinning_job_leaves_nothing() {
    assert_dies_with_its_worker(Host::with_job(&Task::Spin), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_whose_job_is_stuck_in_a_full_socket_leaves_nothing() {
    assert_dies_with_its_worker(Host::with("unread", &Task::Emit(1_000, 1_000_000)), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_whose_job_has_a_child_leaves_nothing() {
    let directory = scratch();
    let hang = directory.path().join("hang");
    let host = Host::with_job(&Task::Steps(vec![Task::LeaveChild, Task::Hang(hang.clone())]));
    assert!(within(Duration::from_secs(30), || hang.exists()).await);
    assert_dies_with_its_worker(host, 2).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_worker_that_still_loads_leaves_nothing() {
    assert_dies_with_its_worker(Host::with("loading", &echo("never")), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_whose_runtime_is_blocked_leaves_nothing() {
    assert_dies_with_its_worker(Host::with("blocked", &Task::Spin), 1).await;
}

/// The kernel wakes a stopped group when its last tie to a session goes, and it finds its host dead.
#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_stopped_worker_leaves_nothing() {
    let directory = scratch();
    let host = Host::with_job(&Task::Hang(directory.path().join("hang")));
    signal(host.worker, "STOP");
    assert_dies_with_its_worker(host, 1).await;
}

async fn assert_dies_with_its_worker(mut host: Host, members: usize) {
    let (worker, socket) = (host.worker, socket_of(host.worker));
    assert_eq!(group(worker).len(), members);
    assert!(is_held(&socket));
    host.process.kill().unwrap();
    assert!(within(SECOND, || group(worker).is_empty() && !is_held(&socket)).await, "{:?}", group(worker));
}

/// What must not happen is that a host looks again and again whether something died.
#[tokio::test]
async fn guarantee_8_a_host_that_waits_for_a_death_does_not_poll_for_it() {
    let directory = scratch();
    let host = Host::with_job(&Task::Hang(directory.path().join("hang")));
    let manager = launch().await;
    // Whatever the start still had to do is done after a while.
    let before = wakes_of_a_while(&manager, &host).await;
    let after = wakes_of_a_while(&manager, &host).await;
    assert_eq!(before, after, "its supervisor woke up for nothing");
    manager.shutdown().await.unwrap();
}

async fn wakes_of_a_while(manager: &ostler::JobManager<Task>, host: &Host) -> u64 {
    let while_it_waits = Task::Linger(Duration::from_millis(700));
    manager.start_job("lab", while_it_waits).await.unwrap().output().await.unwrap();
    wakes(Path::new(&format!("/proc/{}/task", host.process.id())))
}

/// How often the supervisor's thread went to sleep so far.
fn wakes(tasks: &Path) -> u64 {
    let statuses = std::fs::read_dir(tasks).unwrap().map(|task| task.unwrap().path().join("status"));
    let mut texts = statuses.map(|path| std::fs::read_to_string(path).unwrap());
    let supervisor = texts.find(|text| text.starts_with("Name:\tostler-supervis")).unwrap();
    let mut lines = supervisor.lines();
    lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:\t")).unwrap().parse().unwrap()
}

/// A host of its own, to be killed.
struct Host {
    process: Child,
    worker: u32,
}

impl Host {
    fn with_job(task: &Task) -> Self {
        Self::with("job", task)
    }

    fn with(scenario: &str, task: &Task) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_lab-host"))
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
