//! R17: the cause of a death is what the evidence says, and no more.

use std::time::Duration;

use ostler::{
    DeathCause, DeathPhase, EndReason, FailureKind, Forensics, JobManager, RestartPolicy, WorkerConfig,
};
use ostler_tests::lab::Task;

use crate::support::{echo, failed, lab, scratch, signal, started};

async fn launch() -> JobManager<Task> {
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 100,
        ..WorkerConfig::default()
    };
    lab().config(config).launch().await.unwrap()
}

async fn evidence(manager: &JobManager<Task>, task: Task) -> Forensics {
    let job = manager.start_job("lab", task).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!(failure.kind, FailureKind::Crashed);
    *failure.forensics.unwrap()
}

#[tokio::test]
async fn r17_each_way_to_die_is_told_from_the_others() {
    let manager = launch().await;
    let fault = |signal: &str| DeathCause::Fault { signal: signal.to_owned() };
    assert_eq!(evidence(&manager, Task::Segfault).await.cause, fault("SIGSEGV"));
    let aborted = evidence(&manager, Task::Abort("the last words\n".to_owned())).await;
    assert_eq!(aborted.cause, fault("SIGABRT"));
    assert_eq!(aborted.stderr_tail.lines().last(), Some("the last words"));
    assert_eq!(evidence(&manager, Task::Exit(7)).await.cause, DeathCause::Exited { code: 7 });

    let directory = scratch();
    for (round, name) in ["KILL", "TERM"].into_iter().enumerate() {
        let task = Task::Hang(directory.path().join(round.to_string()));
        let job = manager.start_job("lab", task).await.unwrap();
        signal(started(&job).await, name);
        let forensics = failed(&job).await.forensics.unwrap();
        let outside = DeathCause::OutsideSignal { signal: format!("SIG{name}") };
        assert_eq!(
            forensics.cause, outside,
            "nobody is blamed without evidence, and the kernel least of all"
        );
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r17_what_we_did_is_told_with_its_reason() {
    let manager = launch().await;
    let job = manager.job("lab", Task::Spin).timeout(Duration::from_secs(1)).start().await.unwrap();
    let failure = failed(&job).await;
    assert_eq!(failure.kind, FailureKind::TimedOut);
    let forensics = failure.forensics.unwrap();
    assert_eq!(forensics.cause, DeathCause::Ended { reason: EndReason::TimedOut });
    assert_eq!(forensics.phase, DeathPhase::Run);
    assert!(forensics.cpu_time >= Duration::from_millis(20), "{:?}", forensics.cpu_time);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r17_the_record_has_what_the_worker_had_done_and_taken() {
    let manager = launch().await;
    for _ in 0..3 {
        manager.start_job("lab", echo("one more")).await.unwrap().output().await.unwrap();
    }
    let task =
        Task::Steps(vec![Task::Leak(50 << 20), Task::Linger(Duration::from_millis(50)), Task::Segfault]);
    let forensics = evidence(&manager, task).await;
    assert_eq!(forensics.jobs_done, 3);
    assert_eq!(forensics.phase, DeathPhase::Run);
    assert!(forensics.peak_memory > 50 << 20, "{}", forensics.peak_memory);
    assert!(forensics.uptime >= Duration::from_millis(50), "{:?}", forensics.uptime);
    assert_eq!(forensics.signal.as_deref(), Some("SIGSEGV"));
    let fresh = evidence(&manager, Task::Segfault).await;
    assert_eq!(fresh.jobs_done, 0, "another worker's jobs are not its own");
    manager.shutdown().await.unwrap();
}
