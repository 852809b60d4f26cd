//! The manager that is tortured.

use std::path::Path;
use std::time::Duration;

use ostler::{
    BaseJobManager, Job, JobManager, LaunchError, PluginConfig, Recycling, RestartPolicy, WorkerCommand,
    WorkerConfig, WorkerLimits,
};
use serde_json::json;

use crate::actors::Herald;
use crate::args::Args;
use crate::book::Ledger;
use crate::dice::Dice;
use crate::inside::{ALPHA, BETA, Task, VARIABLE};

pub(crate) const WORKER_TYPE: &str = "torture";

/// Jobs that may wait at once.
pub(crate) const QUEUE_CAPACITY: usize = 48;

/// How long a restart counts.
pub(crate) const WINDOW: Duration = Duration::from_secs(2);

/// Ended jobs that are kept.
pub(crate) const KEPT: usize = 300;

/// What all processes of a worker may take together, in bytes: more than it grows to before it is recycled.
const MEMORY_LIMIT: u64 = 384 << 20;

/// The torture's jobs, and who is told when one is completed.
struct TortureJobs {
    command: WorkerCommand,
    ledger: Ledger,
}

impl BaseJobManager<Task> for TortureJobs {
    fn worker_type(&self) -> &str {
        WORKER_TYPE
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        self.command.clone()
    }

    fn supports_streaming(&self) -> bool {
        true
    }

    async fn on_job_completed(&self, _: &JobManager<Task>, job: &Job<Task>) {
        self.ledger.open().told_of_completion(job.id);
    }
}

/// Launches a manager whose jobs keep their diary in this directory.
pub(crate) async fn launch(
    args: &Args,
    diary: &Path,
    ledger: &Ledger,
    herald: &Herald,
) -> Result<JobManager<Task>, LaunchError> {
    let command = WorkerCommand::current_exe().env(VARIABLE, diary);
    JobManager::builder(TortureJobs { command, ledger: ledger.clone() })
        .config(config(args))
        .plugin_config(ALPHA, plugin_config(0, false))
        .plugin_config(BETA, plugin_config(0, false))
        .event_broadcaster(herald.clone())
        .resource_manager(herald.clone())
        .launch()
        .await
}

/// What a plugin is loaded with: a number to know it by, and a while that loading takes, so that workers are met in it.
pub(crate) fn plugin_config(number: u64, refuse: bool) -> PluginConfig {
    let value = json!({ "number": number, "load": 2, "refuse": refuse });
    value.as_object().cloned().unwrap_or_default()
}

fn config(args: &Args) -> WorkerConfig {
    WorkerConfig {
        max_workers: args.workers,
        standby: args.standby,
        // The torture must go on.
        restart_policy: restart_policy(args),
        restart_backoff_base: Duration::from_millis(2),
        restart_backoff_max: Duration::from_millis(60),
        max_restart_attempts: 1_000_000_000,
        max_start_attempts: start_attempts(args),
        restart_window: WINDOW,
        worker_start_timeout: Duration::from_millis(1_500),
        load_timeout: Duration::from_secs(3),
        reload_timeout: Duration::from_secs(5),
        unload_timeout: Duration::from_secs(5),
        shutdown_timeout: Duration::from_millis(300),
        // Short, so that a stopped worker is found soon, and long enough for a machine that has much else to do.
        heartbeat_interval: Duration::from_millis(200),
        heartbeat_timeout: Duration::from_millis(1_000),
        recycling: Recycling { after_jobs: Some(8), after_growth: Some(60 << 20), ..Recycling::default() },
        limits: WorkerLimits { memory: Some(MEMORY_LIMIT), core_size: Some(0), ..WorkerLimits::default() },
        queue_capacity: QUEUE_CAPACITY,
        finished_jobs_kept: KEPT,
        // Both ways between host and worker shall be in use, and the change between them.
        spin: Duration::from_micros(200),
        ..WorkerConfig::default()
    }
}

/// Some pools give up: more than what is struck while it starts, and less than what is tried in vain without files.
fn start_attempts(args: &Args) -> u32 {
    if Dice::new(args.seed(), "starts").percent(50) { 60 } else { 1_000_000_000 }
}

/// Whether a start that failed is tried again after a pause, and not at once.
pub(crate) fn waits(args: &Args) -> bool {
    Dice::new(args.seed(), "pool").percent(60)
}

/// Both ways, by the seed.
fn restart_policy(args: &Args) -> RestartPolicy {
    if waits(args) { RestartPolicy::Backoff } else { RestartPolicy::Always }
}
