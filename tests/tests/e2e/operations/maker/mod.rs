//! A manager whose workers are made in another way than usual: what it does with them is the same.

mod threads;

use std::time::Duration;

use ostler::process::SpawnError;
use ostler::{
    CancelError, ExitStatus, FailureKind, Health, JobManager, JobManagerBuilder, JobStatus, LaunchError,
    WorkerConfig, WorkerLimits,
};
use ostler_tests::lab::Task;

use crate::support::{Gate, at_once, echo, failed, lab, says, started, within};

use super::PATIENCE;
use threads::Threads;

fn made_by(threads: &Threads, config: WorkerConfig) -> JobManagerBuilder<Task> {
    lab().config(config).maker(threads.clone())
}

async fn launch(threads: &Threads) -> JobManager<Task> {
    made_by(threads, at_once()).launch().await.unwrap()
}

#[tokio::test]
async fn workers_may_be_threads_of_the_host() {
    let threads = Threads::default();
    let manager = launch(&threads).await;
    let [pid] = threads.living()[..] else { panic!("one worker") };
    assert!(std::fs::metadata(format!("/proc/{pid}")).is_err(), "it is no process");
    for number in 0..20 {
        let job = manager.start_job("lab", echo(&number.to_string())).await.unwrap();
        assert_eq!(job.output().await.unwrap(), number.to_string());
        assert_eq!(job.finished().await.worker_pid, Some(pid));
    }
    assert_eq!(manager.get_worker_state().await.unwrap()[0].jobs_done, 20);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn how_a_worker_ends_is_what_its_maker_says() {
    let threads = Threads::default();
    let manager = launch(&threads).await;
    let (gate, second) = (Gate::new(), Gate::new());
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&job).await;
    threads.dies(pid, ExitStatus::Code(7));
    let failure = failed(&job).await;
    assert_eq!(failure.kind, FailureKind::Crashed);
    says(&failure, &["exited with code 7"]);
    // The next one takes the next job, and dies while it does nothing.
    let next = manager.start_job("lab", second.task()).await.unwrap();
    let next_pid = started(&next).await;
    assert_ne!(next_pid, pid);
    second.open();
    assert_eq!(next.output().await.unwrap(), "open");
    threads.dies(next_pid, ExitStatus::Signal { number: libc::SIGSEGV, core_dumped: false });
    let last = manager.start_job("lab", echo("last")).await.unwrap();
    assert_eq!(last.output().await.unwrap(), "last");
    gate.open();
    manager.shutdown().await.unwrap();
    assert_eq!(threads.living(), [0_u32; 0]);
}

#[tokio::test]
async fn a_cancel_is_done_when_the_maker_says_that_nothing_is_left() {
    let threads = Threads::default();
    let config = WorkerConfig { kill_timeout: Duration::from_millis(200), ..at_once() };
    let manager = made_by(&threads, config).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&job).await;
    threads.plan().refuses_to_die = true;
    let late = manager.cancel_job(job.id()).await;
    assert!(matches!(late, Err(CancelError::StillDying { .. })), "{late:?}");
    threads.plan().refuses_to_die = false;
    threads.dies(pid, ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false });
    assert!(within(PATIENCE, || job.status() == JobStatus::Cancelled).await);
    gate.open();
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_kill_that_the_maker_refuses_is_told_with_its_reason() {
    let threads = Threads::default();
    let config = WorkerConfig { kill_timeout: Duration::from_millis(200), ..at_once() };
    let manager = made_by(&threads, config).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&job).await;
    threads.plan().refuses_kills = true;
    let refused = manager.cancel_job(job.id()).await.unwrap_err().to_string();
    says(&refused, &["the threads do not want it"]);
    assert!(!refused.contains("rights"), "it is nothing of the system's: {refused}");
    threads.plan().refuses_kills = false;
    threads.dies(pid, ExitStatus::Unknown);
    assert!(within(PATIENCE, || job.status() == JobStatus::Cancelled).await);
    gate.open();
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn why_a_worker_cannot_be_made_is_what_its_maker_says() {
    let threads = Threads::default();
    let source = std::io::Error::other("out of thread");
    threads.plan().unmade.push_back(SpawnError::System { what: "sew", source });
    let config = WorkerConfig { max_start_attempts: 0, ..at_once() };
    let error = made_by(&threads, config).launch().await.unwrap_err();
    assert!(matches!(error, LaunchError::WorkerStart(_)), "{error:?}");
    says(error, &["cannot sew: out of thread"]);
}

#[tokio::test]
async fn a_connection_that_the_maker_does_not_know_is_no_worker() {
    let threads = Threads::default();
    threads.plan().knows_nobody = true;
    let config =
        WorkerConfig { worker_start_timeout: Duration::from_millis(300), max_start_attempts: 0, ..at_once() };
    says(made_by(&threads, config).launch().await.unwrap_err(), &["did not say hello"]);
    assert_eq!(threads.living(), [0_u32; 0]);
}

#[tokio::test]
async fn what_workers_take_is_what_their_maker_says() {
    let threads = Threads::default();
    threads.plan().resident = 10 << 20;
    let limits = WorkerLimits { memory: Some(150 << 20), ..WorkerLimits::default() };
    let manager = made_by(&threads, WorkerConfig { limits, ..at_once() }).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    started(&job).await;
    threads.plan().resident = 200 << 20;
    says(failed(&job).await, &["200.0 MiB", "may take 150.0 MiB"]);
    threads.plan().resident = 10 << 20;
    gate.open();
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_manager_that_is_dropped_leaves_no_worker_of_any_maker() {
    let threads = Threads::default();
    let manager = launch(&threads).await;
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    started(&job).await;
    drop((manager, job));
    assert!(within(PATIENCE, || threads.living().is_empty()).await);
    gate.open();
}

#[tokio::test]
async fn a_panic_of_a_maker_is_the_error_of_its_call() {
    for call in ["prepare", "spawn"] {
        let threads = Threads::default();
        let manager = launch(&threads).await;
        let [first] = threads.living()[..] else { panic!("one worker") };
        threads.plan().panics_in = Some(call);
        threads.dies(first, ExitStatus::Code(1));
        // Each start fails, until the budget is spent.
        assert!(within(PATIENCE, || matches!(manager.health(), Health::Down { .. })).await);
        let Health::Down { reason } = manager.health() else { panic!("it is up again") };
        says(reason, &[&format!("Maker::{call} panicked"), &format!("{call} was to panic")]);
        threads.plan().panics_in = None;
        manager.restart_worker().await.unwrap();
        let job = manager.start_job("lab", echo("on")).await.unwrap();
        assert_eq!(job.output().await.unwrap(), "on", "after a panic in {call}");
        manager.shutdown().await.unwrap();
    }
    let threads = Threads::default();
    threads.plan().panics_in = Some("spawn");
    let config = WorkerConfig { max_start_attempts: 0, ..at_once() };
    says(made_by(&threads, config).launch().await.unwrap_err(), &["Maker::spawn", "spawn was to panic"]);
}

#[tokio::test]
async fn a_manager_outlives_a_maker_that_panics_in_a_kill() {
    let threads = Threads::default();
    let config = WorkerConfig { kill_timeout: Duration::from_millis(200), ..at_once() };
    let manager = made_by(&threads, config).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&job).await;
    threads.plan().panics_in = Some("kill");
    let late = manager.cancel_job(job.id()).await;
    assert!(matches!(late, Err(CancelError::StillDying { .. })), "{late:?}");
    threads.plan().panics_in = None;
    threads.dies(pid, ExitStatus::Unknown);
    assert!(within(PATIENCE, || job.status() == JobStatus::Cancelled).await);
    gate.open();
    manager.shutdown().await.unwrap();
}

/// Nobody could wait for such an exit.
#[tokio::test]
async fn a_worker_whose_exit_is_never_told_is_taken_for_dead() {
    let threads = Threads::default();
    let manager = launch(&threads).await;
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&job).await;
    threads.plan().is_silent = true;
    threads.dies(pid, ExitStatus::Code(3));
    assert_eq!(failed(&job).await.kind, FailureKind::Crashed);
    threads.plan().is_silent = false;
    gate.open();
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert_eq!(next.output().await.unwrap(), "next");
    manager.shutdown().await.unwrap();
}

#[test]
fn workers_of_another_maker_end_with_the_runtime_of_their_manager() {
    let threads = Threads::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gate = Gate::new();
    let (manager, job) = runtime.block_on(async {
        let manager = launch(&threads).await;
        let job = manager.start_job("lab", gate.task()).await.unwrap();
        started(&job).await;
        (manager, job)
    });
    drop(runtime);
    // The exits come to nobody who waits, and are told all the same.
    let deadline = std::time::Instant::now() + PATIENCE;
    while !(threads.living().is_empty() && job.status().is_terminal()) {
        assert!(std::time::Instant::now() < deadline, "{:?} {}", threads.living(), job.status());
        std::thread::yield_now();
    }
    assert_eq!(job.status(), JobStatus::Failed);
    gate.open();
    drop(manager);
}
