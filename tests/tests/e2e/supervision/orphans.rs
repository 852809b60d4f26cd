//! R5, R6, R25, R26: workers live as long as their host, and no longer.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use ostler_tests::lab::Task;
use tokio::runtime::Builder;

use crate::host::Host;
use crate::support::{at_once, echo, lab, runs, scratch, within};

const PATIENCE: Duration = Duration::from_secs(20);

/// The kernel's parent-death signal follows the thread that forked: it must not be one of a runtime.
#[test]
fn r6_workers_stay_when_the_threads_that_asked_for_them_end() {
    let runtime =
        Builder::new_multi_thread().enable_all().thread_keep_alive(Duration::from_millis(1)).build().unwrap();
    let (sender, made_by) = mpsc::channel();
    let handle = runtime.handle().clone();
    let launched = runtime.spawn_blocking(move || {
        sender.send(nix_thread_id()).unwrap();
        handle.block_on(lab().config(at_once()).launch()).unwrap()
    });
    let manager = runtime.block_on(launched).unwrap();
    let pid = manager.workers()[0].pid.unwrap();
    // One more is asked for by a thread that is no runtime's.
    let handle = runtime.handle().clone();
    let job = std::thread::scope(|scope| {
        let (manager, handle) = (&manager, &handle);
        let job = scope.spawn(move || {
            handle.block_on(async {
                let job = manager.start_job("lab", Task::Segfault).await.unwrap();
                job.finished().await;
                manager.start_job("lab", Task::Pid).await.unwrap()
            })
        });
        job.join().unwrap()
    });
    let thread = made_by.recv().unwrap();
    runtime.block_on(async {
        let second: u32 = job.output().await.unwrap().parse().unwrap();
        assert_ne!(second, pid);
        let ended = || !Path::new(&format!("/proc/self/task/{thread}")).exists();
        assert!(within(PATIENCE, ended).await, "the thread that launched is gone");
        let still = manager.start_job("lab", Task::Pid).await.unwrap().output().await.unwrap();
        assert_eq!(still, second.to_string(), "the worker lives");
        manager.shutdown().await.unwrap();
    });
}

fn nix_thread_id() -> String {
    let link = std::fs::read_link("/proc/thread-self").unwrap();
    link.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn r5_a_runtime_that_is_dropped_takes_its_workers_along() {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let (manager, pid) = runtime.block_on(async {
        let manager = lab().config(at_once()).launch().await.unwrap();
        let pid = manager.workers()[0].pid.unwrap();
        manager.start_job("lab", Task::Spin).await.unwrap();
        (manager, pid)
    });
    drop(runtime);
    let patient = Builder::new_current_thread().enable_all().build().unwrap();
    assert!(patient.block_on(within(Duration::from_secs(5), || !runs(pid))));
    drop(manager);
}

fn records() -> tempfile::TempDir {
    let directory = scratch();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

/// What is written of a worker is written by a thread of its own.
fn is_recorded(records: &Path, pid: u32) -> bool {
    let files = std::fs::read_dir(records.join("ostler")).into_iter().flatten();
    let texts = files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
    texts.into_iter().any(|text| text.split_ascii_whitespace().any(|word| word == pid.to_string()))
}

/// Its first instructions are those of any worker, and with them it would die with its host.
fn outlives_its_host(stranger: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{stranger}/comm")).is_ok_and(|name| name.trim() == "clings")
}

/// A program that is no worker asks for no parent-death signal, and hears no hang-up.
#[tokio::test(flavor = "multi_thread")]
async fn r5_the_next_host_ends_what_the_last_one_left_and_nothing_else() {
    let records = records();
    let mut dead = Host::with_records("stranger", &echo("never"), records.path());
    let orphan = dead.worker;
    assert!(within(PATIENCE, || is_recorded(records.path(), orphan)).await);
    assert!(within(PATIENCE, || outlives_its_host(orphan)).await);
    // If this test fails it stays behind, and holds up nobody who waits for the end of what the tests say.
    let mut bystander = Command::new("sleep");
    let mut bystander = bystander.arg("1000").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    dead.process.kill().unwrap();
    dead.process.wait().unwrap();
    assert!(runs(orphan), "nobody else has ended it");

    let next = Host::with_records("job", &Task::Spin, records.path());
    assert!(within(PATIENCE, || !runs(orphan)).await, "it is ended at the next start");
    assert!(runs(next.worker) && runs(bystander.id()));
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_a_host_that_lives_is_left_alone_by_another_one() {
    let records = records();
    let first = Host::with_records("job", &Task::Spin, records.path());
    let second = Host::with_records("job", &Task::Spin, records.path());
    assert!(runs(first.worker) && runs(second.worker));
    let third = Host::with_records("job", &echo("done"), records.path());
    assert!(runs(first.worker) && runs(second.worker) && runs(third.worker));
}

#[tokio::test(flavor = "multi_thread")]
async fn r26_no_zombie_is_left_of_many_deaths() {
    let config = ostler::WorkerConfig { max_restart_attempts: 1000, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let mut pids = Vec::new();
    for round in 0..30 {
        let task = if round % 2 == 0 { Task::Segfault } else { Task::Exit(3) };
        let job = manager.start_job("lab", task).await.unwrap().finished().await;
        pids.extend(job.worker_pid);
    }
    manager.shutdown().await.unwrap();
    assert_eq!(pids.len(), 30);
    let left: Vec<_> = pids.iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()).collect();
    assert!(left.is_empty(), "not reaped: {left:?}");
}
