use std::fs;
use std::time::Duration;

use ostler_lifecycle::ExitStatus;
use rustix::process::getpriority_process;

use super::super::WorkerProcess;
use super::super::process_group::ProcessGroup;
use super::super::test_support::within;
use super::{carrying, marked, shell, start};
use crate::WorkerLimits;

#[tokio::test]
async fn each_limit_is_set_on_the_child() {
    let mut spec = shell("exec sleep 1000");
    spec.limits = WorkerLimits {
        memory: None,
        address_space: Some(1 << 33),
        cpu_time: Some(Duration::from_millis(2500)),
        open_files: Some(61),
        processes: Some(12_345),
        core_size: Some(0),
        nice: Some(7),
    };
    let child = start(spec).await;
    let pid = child.pid();
    child.runs_its_program();
    let limits = fs::read_to_string(super::procfs::directory(pid).join("limits")).unwrap();
    let of = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_ascii_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("Max address space"), "8589934592 8589934592");
    assert_eq!(of("Max cpu time"), "3 4");
    assert_eq!(of("Max open files"), "61 61");
    assert_eq!(of("Max processes"), "12345 12345");
    assert_eq!(of("Max core file size"), "0 0");
    assert_eq!(getpriority_process(Some(pid)).unwrap(), 7);
    child.killed().await;
}

#[tokio::test]
async fn without_limits_a_child_has_those_of_the_host() {
    let child = start(shell("exec sleep 1000")).await;
    child.runs_its_program();
    // But for the one by which it is known.
    let others = |limits: &str| {
        limits.lines().filter(|line| !line.starts_with("Max file locks")).collect::<Vec<_>>().join("\n")
    };
    let own = fs::read_to_string("/proc/self/limits").unwrap();
    let its = fs::read_to_string(super::procfs::directory(child.pid()).join("limits")).unwrap();
    assert_eq!(others(&its), others(&own));
    assert_ne!(its, own);
    child.killed().await;
}

#[tokio::test]
async fn who_has_used_up_its_time_dies_of_the_signal_that_says_so() {
    let mut spec = shell("while :; do :; done");
    spec.limits.cpu_time = Some(Duration::from_secs(1));
    spec.limits.core_size = Some(0);
    let exit = start(spec).await.spawned.exit.await.unwrap();
    assert_eq!(exit.status, ExitStatus::Signal { number: libc::SIGXCPU, core_dumped: false });
    assert_eq!(exit.killed_at, None);
}

#[tokio::test]
async fn a_limit_that_cannot_be_set_fails_the_spawn_and_leaves_nobody() {
    let (mark, mut spec) = marked(shell("exec sleep 1000"));
    // More than the kernel allows to anybody.
    spec.limits.open_files = Some(1 << 62);
    let spawned = ProcessGroup::new().spawn(spec, Box::new(drop), Box::new(drop)).await.unwrap();
    let exit = spawned.exit.await.unwrap();
    let message = exit.failure.unwrap().to_string();
    let expected = "the worker's open_files cannot be limited to 4611686018427387904";
    assert!(message.starts_with(expected) && message.contains("Operation not permitted"), "{message}");
    within("the child is gone", || carrying(&mark).is_empty());
}
