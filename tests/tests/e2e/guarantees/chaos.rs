//! 1. Every accepted job reaches exactly one terminal state, whatever dies.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostler::{
    Category, EventBroadcaster, FailureKind, JobEventKind, JobHandle, JobId, JobStatus, ManagerEventKind,
    ManagerEvents, RestartPolicy, WorkerConfig, WorkerPhase,
};
use ostler_tests::lab::Task;
use serde_json::Value;

use super::agreement::agreed_end;
use crate::support::{echo, lab, runs, scratch, workers};

const JOBS: usize = 300;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Echo,
    Talk,
    Fail,
    Panic,
    Abort,
    Segfault,
    Exit,
    LeaveChild,
    CancelRunning,
    CancelAtOnce,
    TimeOut,
}

const KINDS: [Kind; 11] = {
    use Kind::*;
    [Echo, Talk, Fail, Panic, Abort, Segfault, Exit, LeaveChild, CancelRunning, CancelAtOnce, TimeOut]
};

impl Kind {
    fn task(self, scratch: &Path, number: usize) -> Task {
        let task = match self {
            Self::Echo | Self::CancelAtOnce => echo("hello"),
            Self::Talk => Task::Mixed(20),
            Self::Fail => Task::Fail("no".into(), Category::Input),
            Self::Panic => Task::Panic("oh".into()),
            Self::Abort => Task::Abort("bad\n".into()),
            Self::Segfault => Task::Segfault,
            Self::Exit => Task::Exit(7),
            Self::LeaveChild => Task::LeaveChild,
            Self::CancelRunning | Self::TimeOut => Task::Hang(scratch.join(format!("hang{number}"))),
        };
        Task::Steps(vec![Task::Sign(begins(scratch, number), "begins".into()), task])
    }

    fn may_end(self, status: JobStatus, failure: Option<FailureKind>) -> bool {
        // Each of them may have been in a worker that was killed from outside.
        failure == Some(FailureKind::Crashed)
            || match self {
                Self::Echo | Self::Talk | Self::LeaveChild => status == JobStatus::Completed,
                Self::Fail => failure == Some(FailureKind::Plugin),
                Self::Panic => failure == Some(FailureKind::Panicked),
                Self::Abort | Self::Segfault | Self::Exit => false,
                Self::CancelRunning => status == JobStatus::Cancelled,
                Self::CancelAtOnce => matches!(status, JobStatus::Cancelled | JobStatus::Completed),
                Self::TimeOut => failure == Some(FailureKind::TimedOut),
            }
    }
}

/// The file to which a job adds a line when it begins.
fn begins(scratch: &Path, number: usize) -> std::path::PathBuf {
    scratch.join(format!("begins{number}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_1_every_job_ends_exactly_once_whatever_dies() {
    let seed = seed();
    println!("OSTLER_CHAOS_SEED={seed}");
    let mut dice = Dice(seed);
    let scratch = scratch();
    let told = Told::default();
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 1_000_000,
        // Some are killed while they start.
        max_start_attempts: 1_000_000,
        ..workers(3)
    };
    let manager = lab().config(config).event_broadcaster(told.clone()).launch().await.unwrap();
    let assassin = tokio::spawn(assassinate(manager.events(), Dice(seed ^ 1)));

    let mut jobs = Vec::new();
    for number in 0..JOBS {
        let kind = KINDS[dice.below(KINDS.len())];
        let request = manager.job("lab", kind.task(scratch.path(), number));
        let request =
            if kind == Kind::TimeOut { request.timeout(Duration::from_millis(20)) } else { request };
        let job = Arc::new(request.start().await.unwrap());
        let cancelled = tokio::spawn(cancel(kind, Arc::clone(&job)));
        jobs.push((kind, job, cancelled));
    }

    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for (number, (kind, job, cancelled)) in jobs.iter_mut().enumerate() {
        let status = agreed_end(&manager, job).await;
        let failure = job.finished().await.error.clone();
        let failure_kind = failure.as_ref().map(|failure| failure.kind);
        assert!(kind.may_end(status, failure_kind), "{kind:?} ended as {status:?}, {failure:?}");
        let was_cancelled = cancelled.await.unwrap();
        assert!(
            was_cancelled.is_none_or(|yes| yes == (status == JobStatus::Cancelled)),
            "{kind:?} {status:?}"
        );
        assert_begun_as_told(&begins(scratch.path(), number), status);
        *ends.entry(format!("{status} {failure_kind:?}")).or_default() += 1;
    }
    println!("{ends:?}");

    let statuses: Vec<JobStatus> = manager.get_all_jobs().iter().map(|job| job.status).collect();
    assert_eq!(statuses.len(), JOBS);
    assert!(statuses.iter().all(|status| status.is_terminal()));
    assert!(ends.len() >= 5, "of all kinds: {ends:?}");
    manager.shutdown().await.unwrap();
    for (kind, job, _) in &jobs {
        assert_eq!(told.ends_of(job.id()), 1, "{kind:?}");
    }
    let killed = assassin.await.unwrap();
    assert!(killed > 10, "only {killed} workers were killed from outside");
}

/// A job begins once at most: it has no retry. One that completed did begin.
fn assert_begun_as_told(begins: &Path, status: JobStatus) {
    let times = std::fs::read_to_string(begins).unwrap_or_default().lines().count();
    assert!(times <= 1, "it began {times} times");
    assert!(times == 1 || status != JobStatus::Completed, "it completed and never began");
}

/// Cancels what is to be cancelled, and says what came of it.
async fn cancel(kind: Kind, job: Arc<JobHandle<Task>>) -> Option<bool> {
    match kind {
        Kind::CancelAtOnce => {}
        Kind::CancelRunning => {
            let mut events = job.events();
            let is_early = |kind: &JobEventKind| matches!(kind, JobEventKind::Queued);
            while events.next().await.is_some_and(|event| is_early(&event.unwrap().kind)) {}
        }
        _ => return None,
    }
    Some(job.cancel().await.unwrap().is_cancelled())
}

/// Kills workers at all moments of their lives, until the manager is shut down.
async fn assassinate(mut events: ManagerEvents, mut dice: Dice) -> usize {
    let mut killed = 0;
    while let Some(event) = events.next().await {
        let victim = match event.map(|event| event.kind) {
            Ok(ManagerEventKind::Worker(worker)) => {
                let victim = worker.state.pid;
                let odds = if worker.state.phase == WorkerPhase::Busy { 6 } else { 20 };
                victim.filter(|_| worker.state.phase != WorkerPhase::Gone && dice.below(odds) == 0)
            }
            Ok(ManagerEventKind::Job { event, .. }) => match event.kind {
                JobEventKind::Started { pid, .. } => pid.filter(|_| dice.below(8) == 0),
                _ => None,
            },
            _ => None,
        };
        if let Some(victim) = victim.filter(|pid| runs(*pid)) {
            // It may be gone by now.
            let command = ["-KILL".to_owned(), victim.to_string()];
            let status = std::process::Command::new("kill").args(command).output().unwrap().status;
            killed += usize::from(status.success());
        }
    }
    killed
}

/// Counts what a broadcaster is told of the ends of jobs.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<HashMap<String, usize>>>);

impl Told {
    fn ends_of(&self, job: JobId) -> usize {
        self.0.lock().unwrap().get(&job.to_string()).copied().unwrap_or_default()
    }
}

impl EventBroadcaster for Told {
    fn broadcast(&self, event_type: &str, data: Value) {
        if ["lab:completed", "lab:failed", "lab:cancelled"].contains(&event_type) {
            let job = data["job_id"].as_str().unwrap().to_owned();
            *self.0.lock().unwrap().entry(job).or_default() += 1;
        }
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

fn seed() -> u64 {
    let given = std::env::var("OSTLER_CHAOS_SEED").ok().map(|seed| seed.parse().unwrap());
    given.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1)
}
