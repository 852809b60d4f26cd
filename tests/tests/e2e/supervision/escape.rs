//! R4: what left the worker's group dies too.

use std::path::Path;
use std::time::{Duration, Instant};

use ostler::{FailureKind, JobHandle, JobManager};
use ostler_tests::lab::Task;

use crate::support::{at_once, failed, lab, runs, scratch, started, within};

const MOMENT: Duration = Duration::from_millis(100);

/// A job with a daemon of its own session that ignores every signal, and which ignores them itself. The plugin looks for
/// the daemon's file, so the directory must last.
async fn with_daemon(
    manager: &JobManager<Task>,
    directory: &Path,
    then: Task,
) -> (JobHandle<Task>, u32, u32) {
    let file = directory.join(format!("daemon{}", manager.get_all_jobs().len()));
    let task = Task::Steps(vec![Task::Daemon(file.clone()), Task::Deafen, then]);
    let job = manager.start_job("lab", task).await.unwrap();
    let worker = started(&job).await;
    let told = || std::fs::read_to_string(&file).unwrap_or_default();
    assert!(within(Duration::from_secs(20), || told().ends_with('\n')).await);
    let daemon: u32 = told().trim().parse().unwrap();
    // Of a job that has crashed it may be gone already.
    assert!(runs(daemon) || !runs(worker));
    (job, worker, daemon)
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_a_daemon_that_ignores_every_signal_is_gone_within_100_ms_of_the_cancel() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let directory = scratch();
    let (mut times, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        bare.push(bare_kill());
        let (job, worker, daemon) = with_daemon(&manager, directory.path(), Task::Spin).await;
        let asked = Instant::now();
        assert!(job.cancel().await.unwrap().is_cancelled());
        let cancelled = asked.elapsed();
        assert!(!runs(worker));
        assert!(within(Duration::from_secs(5), || !runs(daemon)).await);
        times.push((asked.elapsed() - cancelled, cancelled));
        let counted = || manager.get_job(job.id()).unwrap().swept == 1;
        assert!(within(Duration::from_secs(5), counted).await, "{:?}", manager.get_job(job.id()));
    }
    times.sort();
    println!("from the cancel to the daemon's end, and the cancel itself: {times:?}; a bare kill: {bare:?}");
    assert!(times[0].0 < MOMENT, "none of five: {times:?}");
    let noise = Duration::from_millis(20);
    let (cancel, kill) = (times.iter().map(|(_, cancel)| *cancel).min(), bare.into_iter().min());
    assert!(cancel.unwrap() <= kill.unwrap() * 2 + noise, "it waited for something else than the kill");
    manager.shutdown().await.unwrap();
}

/// From the kill of a process that computes until it is reaped.
fn bare_kill() -> Duration {
    let mut child = std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
    let killed = Instant::now();
    child.kill().unwrap();
    child.wait().unwrap();
    killed.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_after_a_crash_a_timeout_and_a_shutdown_too() {
    let directory = scratch();
    let manager = lab().config(at_once()).launch().await.unwrap();
    let (job, _, daemon) = with_daemon(&manager, directory.path(), Task::Segfault).await;
    assert_eq!(failed(&job).await.kind, FailureKind::Crashed);
    assert!(within(Duration::from_secs(5), || !runs(daemon)).await);

    let (job, worker, daemon) = with_daemon(&manager, directory.path(), Task::Spin).await;
    crate::support::kill(worker);
    failed(&job).await;
    assert!(within(Duration::from_secs(5), || !runs(daemon)).await);

    let (_, _, daemon) = with_daemon(&manager, directory.path(), Task::Spin).await;
    manager.shutdown_within(Duration::ZERO).await.unwrap();
    assert!(!runs(daemon), "a shutdown is over when nothing is left");
}

/// The mark is in the environment of what the worker started, and of nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn r4_a_stranger_is_left_alone() {
    let (directory, others) = (scratch(), scratch());
    let mut stranger = std::process::Command::new("setsid").args(["sleep", "1000"]).spawn().unwrap();
    let manager = lab().config(at_once()).launch().await.unwrap();
    let other = lab().config(at_once()).launch().await.unwrap();
    let (others_job, _, others_daemon) = with_daemon(&other, others.path(), Task::Spin).await;
    let (job, _, daemon) = with_daemon(&manager, directory.path(), Task::Spin).await;
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert!(within(Duration::from_secs(5), || !runs(daemon)).await);
    manager.shutdown().await.unwrap();
    assert!(runs(others_daemon) && runs(stranger.id()));
    assert!(others_job.cancel().await.unwrap().is_cancelled());
    other.shutdown().await.unwrap();
    assert!(!runs(others_daemon) && runs(stranger.id()));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}
