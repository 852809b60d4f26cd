//! R9, R11: workers share nothing, and a spare one makes the plugin's load time disappear.

use std::time::{Duration, Instant};

use ostler::{Health, JobManager, JobStatus, RestartPolicy, WorkerConfig, WorkerPhase};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::support::{
    Gate, Roll, any, config, echo, failed, kill, lab, lab_worker, scratch, started, within,
};

const LOAD_MS: u64 = 500;

/// Longer than anything takes that a test waits for, also on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// What must not hang.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.unwrap()
}

fn with_standby(max_workers: u32, standby: u32) -> WorkerConfig {
    WorkerConfig { max_workers, standby, restart_policy: RestartPolicy::Always, ..WorkerConfig::default() }
}

async fn slow_to_load(max_workers: u32, standby: u32, load_ms: u64) -> JobManager<Task> {
    let manager = any(lab_worker())
        .config(with_standby(max_workers, standby))
        .plugin_config("lab", config(json!({ "load_ms": load_ms })))
        .launch()
        .await
        .unwrap();
    let all = (max_workers + standby) as usize;
    assert!(within(Duration::from_secs(20), || idle(&manager) == all).await, "the pool fills up");
    manager
}

fn idle(manager: &JobManager<Task>) -> usize {
    manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_the_next_job_after_a_cancel_does_not_wait_for_a_plugin_to_load() {
    let (gate, directory) = (Gate::new(), scratch());
    gate.open();
    let loads = config(json!({ "gate": gate.path() }));
    let manager = lab().config(with_standby(1, 1)).plugin_config("lab", loads).launch().await.unwrap();
    assert!(within(LONG, || idle(&manager) == 2).await, "the pool fills up");
    // From now on loading takes as long as the test wants.
    gate.close();
    let hanging = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    started(&hanging).await;
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert_eq!(idle(&manager), 1, "a standby is no second worker");

    let both = async { tokio::join!(hanging.cancel(), next.output()) };
    let (cancelled, output) = soon(both).await;
    assert!(cancelled.unwrap().is_cancelled());
    assert_eq!(output.unwrap(), "next");
    assert_eq!(idle(&manager), 1, "the next spare still loads");
    gate.open();
    assert!(within(LONG, || idle(&manager) == 2).await, "the next spare loads behind it");
    manager.shutdown().await.unwrap();
}

/// From the cancel until the next job is done, in turn with a plugin that takes its time to load and one that takes none.
#[tokio::test(flavor = "multi_thread")]
async fn r11_with_a_standby_the_time_that_a_plugin_takes_to_load_is_not_seen() {
    let (slow, quick) = (slow_to_load(1, 1, LOAD_MS).await, slow_to_load(1, 1, 0).await);
    let (mut of_slow, mut of_quick) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        of_slow.push(cancel_to_next(&slow).await);
        of_quick.push(cancel_to_next(&quick).await);
    }
    of_slow.sort();
    of_quick.sort();
    println!("loads for {LOAD_MS} ms: {of_slow:?}\nloads for none: {of_quick:?}");
    let noise = Duration::from_millis(LOAD_MS / 4);
    assert!(of_slow[3] <= of_quick[3] * 2 + noise, "{of_slow:?} and {of_quick:?}");
    slow.shutdown().await.unwrap();
    quick.shutdown().await.unwrap();
}

async fn cancel_to_next(manager: &JobManager<Task>) -> Duration {
    assert!(within(Duration::from_secs(20), || idle(manager) == 2).await);
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&job).await;
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    let asked = Instant::now();
    let (cancelled, output) = tokio::join!(job.cancel(), next.output());
    assert!(cancelled.unwrap().is_cancelled() && output.is_ok());
    asked.elapsed()
}

/// The dead worker gives back 512 MiB, which takes the kernel tens of milliseconds: the job that runs next began before.
/// The standby has to be given a processor in that time, which a busy machine may not do each time.
#[tokio::test(flavor = "multi_thread")]
async fn r11_the_next_job_does_not_wait_for_the_memory_of_the_killed_one() {
    let manager = slow_to_load(1, 1, LOAD_MS).await;
    for _ in 0..5 {
        if next_begins_before_the_death_is_proven(&manager).await {
            return manager.shutdown().await.unwrap();
        }
    }
    panic!("it never began before the death was proven");
}

async fn next_begins_before_the_death_is_proven(manager: &JobManager<Task>) -> bool {
    assert!(within(Duration::from_secs(20), || idle(manager) == 2).await);
    let large = manager.start_job("lab", Task::Grow(512 << 20)).await.unwrap();
    let pid = started(&large).await;
    let grown = || {
        let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
        pages.is_some_and(|pages| pages > 131_072)
    };
    assert!(within(Duration::from_secs(20), grown).await);
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert!(large.cancel().await.unwrap().is_cancelled());
    let (next, large) = (next.finished().await, large.finished().await);
    next.started_at.unwrap() < large.completed_at.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_standbys_run_no_job_beside_the_workers() {
    let manager = slow_to_load(2, 2, LOAD_MS).await;
    let directory = scratch();
    let hang = |number: u32| Task::Hang(directory.path().join(number.to_string()));
    let mut jobs = Vec::new();
    for number in 0..4 {
        jobs.push(manager.start_job("lab", hang(number)).await.unwrap());
    }
    started(&jobs[0]).await;
    started(&jobs[1]).await;
    let states: Vec<_> = jobs.iter().map(ostler::JobHandle::status).collect();
    use JobStatus::{Pending, Running};
    assert_eq!(states, [Running, Running, Pending, Pending]);
    assert_eq!(idle(&manager), 2, "the standbys were not even sent a job");
    let summary = manager.cancel_all(ostler::CancelRequest::new()).await;
    assert_eq!(summary.cancelled.len(), 4, "{summary:?}");
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r12_a_standby_that_dies_is_replaced_and_the_pool_goes_on() {
    let roll = Roll::new();
    let manager = roll.lab().config(with_standby(1, 1)).launch().await.unwrap();
    assert!(within(Duration::from_secs(20), || idle(&manager) == 2).await);
    for pid in manager.workers().iter().filter_map(|worker| worker.pid) {
        crate::support::kill(pid);
    }
    let job = manager.start_job("lab", echo("still there")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "still there");
    let replaced = || roll.pids().len() == 4 && idle(&manager) == 2;
    assert!(within(Duration::from_secs(20), replaced).await, "both are: {:?}", roll.pids());
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_can_be_made_larger_and_smaller_while_jobs_run_and_none_ends_because_of_it() {
    let manager = lab().config(with_standby(1, 0)).launch().await.unwrap();
    manager.resize(3, 1).unwrap();
    assert!(within(Duration::from_secs(20), || idle(&manager) == 4).await, "it is filled at once");
    let gates: Vec<_> = (0..3).map(|_| crate::support::Gate::new()).collect();
    let mut jobs = Vec::new();
    for gate in &gates {
        jobs.push(manager.start_job("lab", gate.task()).await.unwrap());
    }
    for job in &jobs {
        started(job).await;
    }
    manager.resize(1, 0).unwrap();
    assert!(within(Duration::from_secs(20), || manager.workers().len() == 3).await, "the idle one goes");
    let waits = manager.start_job("lab", echo("waits")).await.unwrap();
    gates[0].open();
    jobs[0].output().await.unwrap();
    assert!(within(Duration::from_secs(20), || manager.workers().len() == 2).await);
    assert_eq!(waits.status(), JobStatus::Pending, "two run still, and one may");
    gates[1..].iter().for_each(crate::support::Gate::open);
    for job in &jobs {
        assert_eq!(job.output().await.unwrap(), "open");
    }
    assert_eq!(waits.output().await.unwrap(), "waits");
    assert!(within(Duration::from_secs(20), || manager.workers().len() == 1).await);
    assert_eq!(manager.resize(0, 0).unwrap_err().to_string(), "max_workers must be 1 to 4096");
    manager.shutdown().await.unwrap();
}

/// Whatever a worker is doing when it is killed, the others go on: they share no lock, no queue and no pipe.
#[tokio::test(flavor = "multi_thread")]
async fn r9_a_worker_killed_at_any_step_leaves_the_pool_usable() {
    let config = WorkerConfig { max_restart_attempts: 1000, ..with_standby(2, 1) };
    let manager = lab().config(config).launch().await.unwrap();
    for round in 0..40 {
        let tasks = [Task::Mixed(200), Task::Emit(50, 10_000), echo("hello"), Task::Progress(500)];
        let mut jobs = Vec::new();
        for task in tasks {
            jobs.push(manager.start_job("lab", task).await.unwrap());
        }
        let workers = manager.workers();
        let victim = workers.get(round % workers.len().max(1)).and_then(|worker| worker.pid);
        // It may be gone already.
        victim.map(|pid| std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).output());
        for job in jobs {
            let job = soon(job.finished()).await;
            let crashed = job.error.as_ref().is_some_and(|error| error.kind == ostler::FailureKind::Crashed);
            assert!(job.status == JobStatus::Completed || crashed, "{job:?}");
        }
    }
    // All of those may have been between two jobs.
    let spins = manager.start_job("lab", Task::Spin).await.unwrap();
    kill(started(&spins).await);
    assert_eq!(soon(failed(&spins)).await.kind, ostler::FailureKind::Crashed);
    let after = manager.start_job("lab", echo("usable")).await.unwrap();
    assert_eq!(soon(after.output()).await.unwrap(), "usable");
    assert!(within(LONG, || idle(&manager) == 3).await, "all of it: {:?}", manager.workers());
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_are_idle_are_let_go_and_come_back_for_jobs() {
    let config = WorkerConfig {
        max_workers: 2,
        min_workers: 1,
        idle_timeout: Some(Duration::from_millis(200)),
        ..WorkerConfig::default()
    };
    let manager = lab().config(config.clone()).launch().await.unwrap();
    assert_eq!(manager.workers().len(), 1, "it starts with its least size");
    for _ in 0..2 {
        let gates = [Gate::new(), Gate::new()];
        for gate in &gates {
            started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
        }
        assert_eq!(manager.workers().len(), 2);
        gates.iter().for_each(Gate::open);
        assert!(within(Duration::from_secs(20), || manager.workers().len() == 1).await);
    }
    // While another pool lets go of its only worker for the same reason, the last one here has to stay.
    let last = manager.workers()[0].pid;
    let other = lab().config(WorkerConfig { min_workers: 0, ..config }).launch().await.unwrap();
    assert!(within(LONG, || other.workers().is_empty()).await);
    let stays = manager.start_job("lab", Task::Pid).await.unwrap();
    assert_eq!(stays.output().await.unwrap().parse().ok(), last);
    assert_eq!(manager.health(), Health::Healthy);
    other.shutdown().await.unwrap();
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_whose_least_size_is_none_shows_at_the_launch_that_it_works_and_rests_without_workers() {
    let config = WorkerConfig { idle_timeout: Some(Duration::from_millis(200)), ..WorkerConfig::default() };
    let launch = tokio::time::timeout(Duration::from_secs(20), lab().config(config).launch());
    let manager = launch.await.unwrap().unwrap();
    assert!(within(Duration::from_secs(20), || manager.workers().is_empty()).await);
    assert_eq!(manager.start_job("lab", echo("one")).await.unwrap().output().await.unwrap(), "one");
    assert!(within(Duration::from_secs(20), || manager.workers().is_empty()).await);
    manager.shutdown().await.unwrap();
}
