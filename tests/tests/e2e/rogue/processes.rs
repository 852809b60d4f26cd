//! Workers that die badly, or not at all.

use std::fs;
use std::time::Duration;

use ostler::{Category, ExitStatus, FailureKind, JobStatus, WorkerConfig};

use super::{Echo, Once, echo, fails_once, next_job_runs, rogue};
use crate::support::{any, at_once, failed, group, is_held, runs, says, signal, socket_of, started, within};

#[tokio::test]
async fn a_segfault_is_a_crash_by_its_name() {
    let failure = fails_once("segfault").await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Crashed, Category::Fatal));
    says(&failure, &["was ended by SIGSEGV", "while it ran this job"]);
    let forensics = failure.forensics.unwrap();
    assert_eq!(forensics.signal.as_deref(), Some("SIGSEGV"));
    assert!(forensics.peak_memory > 100_000 && forensics.cpu_time > Duration::ZERO, "{forensics:?}");
}

#[tokio::test]
async fn a_worker_that_ignores_signals_is_cancelled_all_the_same() {
    for cancel_grace in [Duration::ZERO, Duration::from_millis(200)] {
        let once = Once::new("ignore-signals");
        let config = WorkerConfig { cancel_grace, ..at_once() };
        let manager = any(once.command()).config(config).launch().await.unwrap();
        let job = manager.start_job("echo", echo("")).await.unwrap();
        let pid = started(&job).await;
        for name in ["TERM", "INT", "HUP"] {
            signal(pid, name);
        }
        assert_eq!(job.status(), JobStatus::Running);
        assert!(job.cancel().await.unwrap().is_cancelled());
        assert_eq!(group(pid), [0; 0]);
        next_job_runs(&manager, Some(pid)).await;
    }
}

#[tokio::test]
async fn a_worker_that_ignores_signals_and_stop_does_not_survive_a_shutdown() {
    let config = WorkerConfig { shutdown_timeout: Duration::from_millis(200), ..at_once() };
    let manager = any::<Echo>(rogue("ignore-signals")).config(config).launch().await.unwrap();
    let idle = manager.workers()[0].pid.unwrap();
    manager.shutdown().await.unwrap();
    assert_eq!(group(idle), [0; 0]);

    let config = WorkerConfig { shutdown_timeout: Duration::from_millis(200), ..at_once() };
    let manager = any::<Echo>(rogue("ignore-signals")).config(config).launch().await.unwrap();
    let job = manager.start_job("echo", echo("")).await.unwrap();
    let busy = started(&job).await;
    manager.shutdown().await.unwrap();
    assert_eq!(group(busy), [0; 0]);
    assert_eq!(failed(&job).await.kind, FailureKind::Interrupted);
}

#[tokio::test]
async fn a_forked_child_that_lingers_is_dead_when_the_job_has_failed() {
    let once = Once::new("fork-and-linger");
    let manager = once.launch().await;
    let job = manager.start_job("echo", echo("")).await.unwrap();
    let failure = failed(&job).await;
    let child: u32 = fs::read_to_string(once.file()).unwrap().parse().unwrap();
    assert!(!runs(child));
    assert_eq!(failure.kind, FailureKind::Crashed);
    says(&failure, &["exited with code 7 while it ran this job"]);
    assert_eq!(failure.forensics.unwrap().status, ExitStatus::Code(7));
    next_job_runs(&manager, job.finished().await.worker_pid).await;
}

#[tokio::test]
async fn a_socket_that_is_held_after_the_death_keeps_nobody_waiting() {
    let once = Once::new("hold-socket");
    let manager = once.launch().await;
    let pid = manager.workers()[0].pid.unwrap();
    let socket = socket_of(pid);
    let job = manager.start_job("echo", echo("")).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!(failure.kind, FailureKind::Crashed);
    says(&failure, &["exited with code 7 while it ran this job"]);
    next_job_runs(&manager, Some(pid)).await;

    // It has left the group, and held socket, stdout and stderr: it is swept for, and nobody waited for that.
    let child: u32 = fs::read_to_string(once.file()).unwrap().parse().unwrap();
    assert!(within(Duration::from_secs(20), || !runs(child) && !is_held(&socket)).await);
    let swept = || manager.get_job(job.id()).unwrap().swept == 1;
    assert!(within(Duration::from_secs(20), swept).await);
}
