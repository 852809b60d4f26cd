//! 8. Within a second of the host's SIGKILL, no process of a worker's group and no socket is left.

use std::path::Path;
use std::time::Duration;

use ostler::JobManager;
use ostler_tests::lab::Task;

use crate::host::Host;
use crate::support::{echo, group, is_held, is_stopped, launch, scratch, signal, socket_of, within};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn guarantee_8_a_killed_host_with_an_idle_worker_leaves_nothing() {
    assert_dies_with_its_worker(Host::start("job", &echo("done")), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_hanging_job_leaves_nothing() {
    let directory = scratch();
    assert_dies_with_its_worker(Host::start("job", &Task::Hang(directory.path().join("hang"))), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_spinning_job_leaves_nothing() {
    assert_dies_with_its_worker(Host::start("job", &Task::Spin), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_whose_job_is_stuck_in_a_full_socket_leaves_nothing() {
    assert_dies_with_its_worker(Host::start("unread", &Task::Emit(1_000, 1_000_000)), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_whose_job_has_a_child_leaves_nothing() {
    let directory = scratch();
    let hang = directory.path().join("hang");
    let host = Host::start("job", &Task::Steps(vec![Task::LeaveChild, Task::Hang(hang.clone())]));
    assert!(within(Duration::from_secs(30), || hang.exists()).await);
    assert_dies_with_its_worker(host, 2).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_worker_that_still_loads_leaves_nothing() {
    assert_dies_with_its_worker(Host::start("loading", &echo("never")), 1).await;
}

#[tokio::test]
async fn guarantee_8_a_killed_host_whose_runtime_is_blocked_leaves_nothing() {
    assert_dies_with_its_worker(Host::start("blocked", &Task::Spin), 1).await;
}

/// The kernel lets it go on when its host dies, and it finds its host dead.
#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_stopped_worker_leaves_nothing() {
    let directory = scratch();
    let host = Host::start("job", &Task::Hang(directory.path().join("hang")));
    signal(host.worker, "STOP");
    // A stop takes its time, and the kernel wakes only a group that has stopped.
    assert!(within(Duration::from_secs(30), || is_stopped(host.worker)).await);
    assert_dies_with_its_worker(host, 1).await;
}

/// It may be stopped before another of its threads has run at all.
#[tokio::test]
async fn guarantee_8_a_killed_host_with_a_worker_that_is_stopped_at_its_start_leaves_nothing() {
    let mut host = Host::start("stops", &echo("never"));
    assert!(within(Duration::from_secs(30), || is_stopped(host.worker)).await);
    host.process.kill().unwrap();
    assert!(within(SECOND, || group(host.worker).is_empty()).await);
}

async fn assert_dies_with_its_worker(mut host: Host, members: usize) {
    let (worker, socket) = (host.worker, socket_of(host.worker));
    assert_eq!(group(worker).len(), members);
    assert!(is_held(&socket));
    host.process.kill().unwrap();
    assert!(within(SECOND, || group(worker).is_empty() && !is_held(&socket)).await, "{:?}", group(worker));
}

/// A host that looked again and again whether something died would notice it, too, and keep a laptop awake.
#[tokio::test]
async fn guarantee_3_a_host_that_waits_for_a_death_does_not_poll_for_it() {
    let directory = scratch();
    let host = Host::start("job", &Task::Hang(directory.path().join("hang")));
    let manager = launch().await;
    // Whatever the start still had to do is done after a while.
    let before = wakes_of_a_while(&manager, &host).await;
    let after = wakes_of_a_while(&manager, &host).await;
    assert_eq!(before, after, "its supervisor woke up for nothing");
    manager.shutdown().await.unwrap();
}

async fn wakes_of_a_while(manager: &JobManager<Task>, host: &Host) -> u64 {
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
