use std::time::Duration;

use ostler::{
    BaseJobManager, JobEventKind, JobHandle, JobManager, ManagerEvent, ManagerEventKind, RestartPolicy,
    WorkerCommand, WorkerConfig, WorkerPhase,
};

use crate::line::Line;
use crate::{Result, worker};

/// Whether host and worker may wait actively for a moment before they sleep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spin {
    Without,
    With,
}

impl Spin {
    pub(crate) const BOTH: [Self; 2] = [Self::Without, Self::With];

    /// How it is told in a row.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Without => "without spinning",
            Self::With => "with spinning",
        }
    }
}

/// How the pools that are measured are kept: all of them as far as possible by the defaults.
pub(crate) fn config(spin: Spin) -> WorkerConfig {
    // Workers are killed over and over; that must not count as a fault of the pool.
    let kept = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 1 << 20,
        ..WorkerConfig::default()
    };
    match spin {
        Spin::Without => kept,
        Spin::With => WorkerConfig { spin: Duration::from_micros(100), ..kept },
    }
}

/// The jobs of all workloads.
pub(crate) struct BenchJobs(WorkerCommand);

impl BenchJobs {
    /// Their worker is a program of its own.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(WorkerCommand::program(worker::program()?)))
    }

    /// Their worker is the host's own program.
    pub(crate) fn in_one_program() -> Self {
        Self(WorkerCommand::current_exe())
    }
}

impl BaseJobManager<Line> for BenchJobs {
    fn worker_type(&self) -> &str {
        "bench"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        self.0.clone()
    }
}

/// A manager whose first worker is ready.
pub(crate) async fn launch(config: WorkerConfig) -> Result<JobManager<Line>> {
    Ok(BenchJobs::new()?.launch(config).await?)
}

/// Waits until a worker runs the job.
pub(crate) async fn started(job: &JobHandle<Line>) -> Result<()> {
    let mut events = job.events();
    while let Some(event) = events.next().await {
        if matches!(event?.kind, JobEventKind::Started { .. }) {
            return Ok(());
        }
    }
    Err("a job ended before it began".into())
}

/// Waits until so many workers are loaded and have nothing to do.
pub(crate) async fn all_idle(manager: &JobManager<Line>, count: usize) -> Result<()> {
    let mut events = manager.events();
    let idle = || manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count();
    while idle() != count {
        let is_of_worker = |event: ManagerEvent| matches!(event.kind, ManagerEventKind::Worker(_));
        while !events.next().await.ok_or("the manager has shut down")?.map_or(true, is_of_worker) {}
    }
    Ok(())
}
