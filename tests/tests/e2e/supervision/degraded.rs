//! R12: while a worker lives the pool works with what it has, says so, and gets the others back when it can.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ostler::{
    Broadcast, BroadcastChannel, DegradedReason, FailureKind, Health, JobManager, ManagerEventKind,
    WorkerCommand, WorkerConfig, WorkerPhase, WorkerTable,
};
use ostler_tests::lab::Task;

use crate::support::{
    Gate, LAB_WORKER, LabJobsIn, at_once, echo, failed, kill, lab, scratch, started, within, workers,
};

const LONG: Duration = Duration::from_secs(60);

/// Room for so many workers at once: one more says why not, and exits.
struct Room(tempfile::TempDir);

impl Room {
    fn new(workers: u32) -> Self {
        let room = Self(scratch());
        room.make(workers);
        room
    }

    fn make(&self, workers: u32) {
        let part = self.path("part");
        std::fs::write(&part, workers.to_string()).unwrap();
        std::fs::rename(part, self.path("limit")).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A worker holds one of the locks for as long as it lives.
    fn worker(&self) -> WorkerCommand {
        let directory: &Path = self.0.path();
        let script = format!(
            "echo $$ >> {0}/roll; i=0; while [ $i -lt $(cat {0}/limit) ]; do i=$((i+1)); exec 9> {0}/$i; \
             flock -n 9 && exec {LAB_WORKER}; done; echo no room >&2; exit 3",
            directory.display()
        );
        WorkerCommand::program("/bin/sh").arg("-c").arg(script)
    }

    fn starts(&self) -> usize {
        std::fs::read_to_string(self.path("roll")).unwrap_or_default().lines().count()
    }
}

fn ready(manager: &JobManager<Task>) -> usize {
    let workers = manager.workers();
    workers.iter().filter(|worker| matches!(worker.phase, WorkerPhase::Idle | WorkerPhase::Busy)).count()
}

#[tokio::test]
async fn r12_with_room_for_five_of_ten_workers_all_jobs_run_and_the_others_come_when_there_is_room() {
    let room = Room::new(5);
    let broadcaster = BroadcastChannel::default();
    let mut told = broadcaster.subscribe();
    let config = WorkerConfig {
        max_workers: 10,
        restart_window: Duration::from_secs(3),
        restart_backoff_base: Duration::from_millis(1),
        restart_backoff_max: Duration::from_millis(1),
        ..at_once()
    };
    let builder = JobManager::builder(LabJobsIn(room.worker())).config(config).event_broadcaster(broadcaster);
    let manager = builder.launch().await.unwrap();
    let degraded = || matches!(manager.health(), Health::Degraded { missing: 5, .. });
    assert!(within(LONG, || degraded() && ready(&manager) == 5).await, "{}", manager.health());
    let Health::Degraded { reason, .. } = manager.health() else { panic!("{}", manager.health()) };
    assert!(matches!(reason, DegradedReason::LoadFailures { restarts: 3, .. }), "{reason}");
    let last_end = reason.last_end();
    assert!(last_end.contains("code 3") && last_end.ends_with("stderr: no room"), "{reason}");

    let mut jobs = Vec::new();
    for number in 0..30 {
        jobs.push((number, manager.start_job("lab", echo(&number.to_string())).await.unwrap()));
    }
    for (number, job) in jobs {
        assert_eq!(job.output().await.unwrap(), number.to_string());
    }
    let mut events = manager.events();
    room.make(10);
    let recovered =
        async { while !matches!(events.next().await.unwrap().unwrap().kind, ManagerEventKind::Recovered) {} };
    tokio::time::timeout(LONG, recovered).await.unwrap();
    assert!(within(LONG, || ready(&manager) == 10).await, "{:?}", manager.workers());
    assert_eq!(manager.health(), Health::Healthy);
    manager.shutdown().await.unwrap();

    let mut words = Vec::new();
    while let Some(Broadcast::Event(event)) = tokio::time::timeout(LONG, told.recv()).await.unwrap() {
        words.extend(
            ["lab:degraded", "lab:recovered", "lab:down"].into_iter().find(|name| *name == event.event_type),
        );
        if words.len() == 2 {
            break;
        }
    }
    assert_eq!(words, ["lab:degraded", "lab:recovered"]);
}

#[tokio::test]
async fn r12_a_degraded_pool_starts_no_more_than_its_budget_allows() {
    let room = Room::new(1);
    // The window is longer than the test, and no delay is in the way.
    let config = WorkerConfig {
        max_workers: 4,
        restart_window: Duration::from_secs(3600),
        restart_backoff_base: Duration::from_millis(1),
        restart_backoff_max: Duration::from_millis(1),
        ..at_once()
    };
    let launch = |room: &Room, config| JobManager::builder(LabJobsIn(room.worker())).config(config).launch();
    let manager = launch(&room, config.clone()).await.unwrap();
    let degraded = || matches!(manager.health(), Health::Degraded { missing: 3, .. });
    assert!(within(LONG, degraded).await, "{}", manager.health());
    for number in 0..50 {
        let job = manager.start_job("lab", echo(&number.to_string())).await.unwrap();
        assert_eq!(job.output().await.unwrap(), number.to_string());
    }
    // So much happens meanwhile in a pool that may start more.
    let other_room = Room::new(1);
    let other = WorkerConfig { max_start_attempts: 1_000, ..config };
    let other = launch(&other_room, other).await.unwrap();
    assert!(within(LONG, || other_room.starts() > 30).await);
    other.shutdown().await.unwrap();
    assert_eq!(room.starts(), 4 + 3, "the first ones, and three restarts");
    room.make(4);
    manager.restart_worker().await.unwrap();
    assert!(within(LONG, || ready(&manager) == 4).await);
    assert_eq!(manager.health(), Health::Healthy);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r12_the_last_worker_takes_a_degraded_pool_down() {
    let config = WorkerConfig { max_restart_attempts: 0, ..workers(2) };
    let manager = lab().config(config).launch().await.unwrap();
    assert!(within(LONG, || ready(&manager) == 2).await);
    let gates = [Gate::new(), Gate::new()];
    let mut pids = Vec::new();
    for gate in &gates {
        let job = manager.start_job("lab", gate.task()).await.unwrap();
        pids.push(started(&job).await);
    }
    kill(pids[0]);
    assert!(within(LONG, || matches!(manager.health(), Health::Degraded { missing: 1, .. })).await);
    let waits = manager.start_job("lab", echo("waits")).await.unwrap();
    kill(pids[1]);
    tokio::time::timeout(LONG, waits.output()).await.unwrap().unwrap_err();
    assert!(matches!(manager.health(), Health::Down { .. }), "{}", manager.health());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r12_a_pool_that_is_down_tells_the_last_words_of_its_last_worker() {
    let room = Room::new(0);
    let builder = JobManager::builder(LabJobsIn(room.worker())).config(at_once()).lazy();
    let manager = builder.launch().await.unwrap();
    let job = manager.start_job("lab", echo("never")).await.unwrap();
    let error = tokio::time::timeout(LONG, job.output()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("no room"), "{error}");
    let Health::Down { reason } = manager.health() else { panic!("{}", manager.health()) };
    assert!(reason.to_string().contains("no room"), "{reason}");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn two_managers_of_one_worker_type_stand_in_one_table() {
    let table = WorkerTable::new();
    let launch = || lab().resource_manager(table.clone()).launch();
    let (one, two) = (launch().await.unwrap(), launch().await.unwrap());
    assert_ne!(one.id(), two.id());
    let of = |manager: &JobManager<Task>| {
        table
            .workers()
            .into_iter()
            .filter(|worker| worker.manager == manager.id())
            .map(|worker| worker.pid)
            .collect()
    };
    assert!(within(LONG, || table.workers().len() == 2).await);
    let pids: [Vec<Option<u32>>; 2] = [of(&one), of(&two)];
    assert_ne!(pids[0], pids[1]);
    one.shutdown().await.unwrap();
    assert!(within(LONG, || table.workers().len() == 1).await);
    assert_eq!(of(&two), pids[1]);
    two.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r12_a_pool_that_rests_with_few_workers_is_not_down_while_another_may_be_started() {
    let config =
        WorkerConfig { max_workers: 2, idle_timeout: Some(LONG), max_restart_attempts: 0, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let crash = manager.start_job("lab", Task::Abort(String::new())).await.unwrap();
    assert_eq!(failed(&crash).await.kind, FailureKind::Crashed);
    let next = manager.start_job("lab", echo("elsewhere")).await.unwrap();
    assert_eq!(next.output().await.unwrap(), "elsewhere");
    assert!(matches!(manager.health(), Health::Degraded { missing: 1, .. }), "{:?}", manager.health());
    manager.shutdown().await.unwrap();
}
