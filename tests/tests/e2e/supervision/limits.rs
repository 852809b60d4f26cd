//! R20, R21: each worker has its limits, the record says which one held, and the host keeps some memory.

use std::time::Duration;

use ostler::{
    DeathCause, DownReason, FailureKind, JobStatus, LaunchError, LimitKind, ManagerEventKind, RetryPolicy,
    WorkerConfig, WorkerLimits, WorkerPhase,
};
use ostler_tests::lab::Task;

use crate::support::{at_once, echo, failed, lab, scratch, started, within};

fn limited(limits: WorkerLimits) -> WorkerConfig {
    WorkerConfig { limits, max_restart_attempts: 100, ..at_once() }
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_a_job_whose_processes_take_too_much_memory_together_is_killed_with_the_figures() {
    let limits = WorkerLimits { memory: Some(150 << 20), ..WorkerLimits::default() };
    let manager = lab().config(limited(limits)).launch().await.unwrap();
    let fits = manager.start_job("lab", Task::Leak(20 << 20)).await.unwrap();
    assert_eq!(fits.finished().await.status, JobStatus::Completed);
    let job = manager.start_job("lab", Task::Grow(300 << 20)).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!(failure.kind, FailureKind::Crashed);
    assert!(failure.message.contains("may take 150.0 MiB"), "{failure}");
    assert_eq!(failure.forensics.unwrap().cause, DeathCause::Limit { limit: LimitKind::Memory });
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert_eq!(next.output().await.unwrap(), "next");
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_a_memory_limit_below_what_loading_takes_is_refused_with_the_figures() {
    let limits = WorkerLimits { memory: Some(1 << 20), ..WorkerLimits::default() };
    let error = lab().config(limited(limits)).launch().await.unwrap_err();
    assert!(matches!(error, LaunchError::Down(DownReason::LimitTooLow { .. })), "{error}");
    assert!(error.to_string().contains("1.0 MiB of memory and"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_processor_time_is_limited_and_the_record_says_so() {
    let limits = WorkerLimits { cpu_time: Some(Duration::from_secs(1)), ..WorkerLimits::default() };
    let manager = lab().config(limited(limits)).launch().await.unwrap();
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!(failure.forensics.unwrap().cause, DeathCause::Limit { limit: LimitKind::CpuTime });
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_address_space_is_limited_and_the_record_says_so() {
    let limits = WorkerLimits { address_space: Some(1 << 30), ..WorkerLimits::default() };
    let manager = lab().config(limited(limits)).launch().await.unwrap();
    let job = manager.start_job("lab", Task::Leak(2 << 30)).await.unwrap();
    let forensics = failed(&job).await.forensics.unwrap();
    assert_eq!(forensics.cause, DeathCause::Limit { limit: LimitKind::AddressSpace }, "{forensics:?}");
    manager.shutdown().await.unwrap();
}

/// The kernel ends such a program without a word.
#[tokio::test(flavor = "multi_thread")]
async fn r20_a_worker_that_cannot_start_within_its_limits_is_told_with_them() {
    let limits = WorkerLimits { address_space: Some(1 << 20), ..WorkerLimits::default() };
    let error = lab().config(limited(limits)).launch().await.unwrap_err();
    assert!(matches!(error, LaunchError::WorkerStart(_)), "{error}");
    assert!(error.to_string().contains("its limits: address_space 1048576"), "{error}");

    let limits = WorkerLimits { open_files: Some(u64::MAX), ..WorkerLimits::default() };
    let error = lab().config(limited(limits)).launch().await.unwrap_err();
    assert!(error.to_string().contains("open_files cannot be limited to"), "{error}");
    assert!(!error.to_string().contains("its limits:"), "it was not made, and has met none: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_the_kernel_holds_the_worker_to_what_it_was_given() {
    let limits = WorkerLimits {
        open_files: Some(64),
        processes: Some(4000),
        core_size: Some(0),
        nice: Some(7),
        ..WorkerLimits::default()
    };
    let manager = lab().config(limited(limits)).launch().await.unwrap();
    let pid = manager.workers()[0].pid.unwrap();
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let soft = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_ascii_whitespace().next().unwrap().to_owned()
    };
    let held = [soft("Max open files"), soft("Max processes"), soft("Max core file size")];
    assert_eq!(held, ["64", "4000", "0"]);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let nice = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(16).unwrap().to_owned();
    assert_eq!(nice, "7");
    manager.shutdown().await.unwrap();
}

/// More than any machine has: the host is always short of memory.
#[tokio::test(flavor = "multi_thread")]
async fn r21_under_memory_pressure_the_idle_go_first_and_one_worker_gets_on() {
    let config = WorkerConfig {
        max_workers: 2,
        standby: 1,
        min_available_memory: Some(u64::MAX),
        retry: RetryPolicy::attempts(5),
        ..at_once()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let mut events = manager.events();
    let directory = scratch();
    let job = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let pid = started(&job).await;
    let alone = || manager.workers().iter().all(|worker| worker.pid == Some(pid));
    assert!(within(Duration::from_secs(20), alone).await, "{:?}", manager.workers());
    let cause = loop {
        if let ManagerEventKind::Worker(event) = events.next().await.unwrap().unwrap().kind
            && event.state.phase == WorkerPhase::Gone
        {
            break event.cause.unwrap();
        }
    };
    assert!(cause.contains("short of memory"), "{cause}");
    assert_eq!(job.status(), JobStatus::Running, "the last one that runs is left alone");
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert!(job.cancel().await.unwrap().is_cancelled());
    assert_eq!(next.output().await.unwrap(), "next", "one at a time, they get on");
    manager.shutdown().await.unwrap();
}
