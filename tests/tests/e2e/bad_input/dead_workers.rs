//! Plugin aborts, segfaults, exits, runs out of memory, is killed from outside.

use std::time::Duration;

use ostler::{Category, ExitStatus, FailureKind, Forensics, JobFailure, JobManager, WorkerCommand};
use ostler_tests::lab::Task;

use crate::support::{
    LAB_WORKER, any, echo, failed, group, lab_worker, runs, says, scratch, signal, started, within,
};

/// The job dies with its worker, and only that job: another runs in a worker of its own.
async fn dies(manager: &JobManager<Task>, task: Task) -> (JobFailure, Forensics) {
    let job = manager.start_job("lab", task).await.unwrap();
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    let pid = started(&job).await;
    let failure = failed(&job).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Crashed, Category::Fatal));
    assert_eq!(group(pid), [0; 0]);
    let forensics = *failure.forensics.clone().unwrap();
    assert_eq!(forensics.pid, Some(pid));
    says(&failure, &[&format!("the worker (pid {pid}) ")]);
    // A process that has run at all has used both.
    assert!(forensics.cpu_time > Duration::ZERO && forensics.peak_memory > 100_000, "{forensics:?}");

    assert_eq!(next.output().await.unwrap(), "next");
    assert_ne!(next.finished().await.worker_pid, Some(pid));
    (failure, forensics)
}

#[tokio::test]
async fn an_abort_is_a_crash_by_sigabrt_with_the_last_words() {
    let manager = any(lab_worker()).launch().await.unwrap();
    let (failure, forensics) = dies(&manager, Task::Abort("one\ntwo\nassertion failed\n".into())).await;
    says(failure, &["was ended by SIGABRT", "while it ran this job"]);
    assert_eq!(forensics.signal.as_deref(), Some("SIGABRT"));
    assert_eq!(forensics.stderr_tail, "one\ntwo\nassertion failed");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_segfault_is_a_crash_by_sigsegv() {
    let manager = any(lab_worker()).launch().await.unwrap();
    let (failure, forensics) = dies(&manager, Task::Segfault).await;
    says(failure, &["was ended by SIGSEGV", "while it ran this job"]);
    assert_eq!(forensics.signal.as_deref(), Some("SIGSEGV"));
    assert!(matches!(forensics.status, ExitStatus::Signal { number: 11, .. }), "{:?}", forensics.status);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_exit_in_the_middle_of_a_job_is_a_crash_with_the_code() {
    let manager = any(lab_worker()).launch().await.unwrap();
    let (failure, forensics) = dies(&manager, Task::Exit(7)).await;
    says(failure, &["exited with code 7 while it ran this job"]);
    assert_eq!((forensics.status, forensics.signal), (ExitStatus::Code(7), None));
    let (failure, _) = dies(&manager, Task::Exit(0)).await;
    says(failure, &["exited with code 0 while it ran this job"]);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_signal_from_outside_is_a_crash_with_its_name() {
    for name in ["KILL", "TERM", "XCPU"] {
        let manager = any(lab_worker()).launch().await.unwrap();
        let directory = scratch();
        let job = manager.start_job("lab", Task::Hang(directory.path().join("pid"))).await.unwrap();
        let next = manager.start_job("lab", echo("next")).await.unwrap();
        let pid = started(&job).await;
        signal(pid, name);
        let failure = failed(&job).await;
        assert_eq!(failure.kind, FailureKind::Crashed);
        says(&failure, &[&format!("the worker (pid {pid}) was ended by SIG{name}")]);
        assert_eq!(failure.forensics.unwrap().signal.unwrap(), format!("SIG{name}"));
        assert_eq!(next.output().await.unwrap(), "next");
        manager.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn an_idle_worker_that_is_killed_costs_no_job() {
    let manager = any::<Task>(lab_worker()).launch().await.unwrap();
    let pid = manager.workers()[0].pid.unwrap();
    signal(pid, "KILL");
    assert!(within(Duration::from_secs(20), || !runs(pid)).await);
    let job = manager.start_job("lab", Task::Pid).await.unwrap();
    assert_ne!(job.output().await.unwrap(), pid.to_string());
    assert_eq!(job.finished().await.attempt, 1);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_plugin_without_memory_costs_its_own_job() {
    // The kernel's own killer needs a machine that is full; a limit on the address space is the nearest.
    let limited = format!("ulimit -v 2000000; exec {LAB_WORKER}");
    let command = WorkerCommand::program("/bin/sh").arg("-c").arg(limited).env("RUST_BACKTRACE", "0");
    let manager = any(command).launch().await.unwrap();
    let (failure, forensics) = dies(&manager, Task::Answer(4_000_000_000)).await;
    says(failure, &["was ended by SIGABRT"]);
    says(forensics.stderr_tail, &["memory allocation of 4000000000 bytes failed"]);
    manager.shutdown().await.unwrap();
}
