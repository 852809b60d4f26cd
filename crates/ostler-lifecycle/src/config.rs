use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{MemoryRules, PluginKey, Recycling, RetryPolicy};

/// What happens to a slot whose worker is gone.
///
/// | policy | after a cancel | after a crash or failed load |
/// |---|---|---|
/// | `Never` | slot stays empty | slot stays empty |
/// | `OnCancellation` | restart at once | slot stays empty |
/// | `Always` | restart at once | restart at once, within the budget |
/// | `Backoff` | restart at once | restart after a growing, jittered delay, within the budget |
///
/// An empty slot is filled again while any job is pending, under every policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// Leave the slot empty.
    Never,
    /// Restart after a worker that was ended on request.
    OnCancellation,
    /// Restart at once, whatever ended the worker.
    Always,
    /// Restart at once after a request, and after a growing delay after a fault.
    #[default]
    Backoff,
}

/// What the machine is told about the pool that it rules. Times are exact: the machine adds no slack.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Jobs that may run at once.
    pub max_workers: u32,
    /// Workers that are kept loaded beside those, to take the place of one that was killed or recycled.
    pub standby: u32,
    /// How long a worker may be idle before it is let go, as long as more than `min_workers` and the standbys are there; it
    /// is started again for a job. `None` keeps all.
    pub idle_timeout: Option<Duration>,
    /// With an `idle_timeout`: workers that are kept beside the standbys, and with which the pool starts;
    /// it starts with one at least.
    pub min_workers: u32,
    /// What happens to a slot whose worker is gone.
    pub restart_policy: RestartPolicy,
    /// Starts that are allowed within `restart_window` after workers that were ready and died, over all slots.
    pub max_restart_attempts: u32,
    /// Starts that are allowed within `restart_window` after workers that did not become ready, over all slots. One whose
    /// own worker becomes ready does not count.
    pub max_start_attempts: u32,
    /// How long a start after a fault counts.
    pub restart_window: Duration,
    /// The first delay of [`RestartPolicy::Backoff`]; it doubles with each fault in the same slot, until a worker there did
    /// its work well.
    pub restart_backoff_base: Duration,
    /// The longest delay of [`RestartPolicy::Backoff`].
    pub restart_backoff_max: Duration,
    /// From the spawn of a worker to its hello, and from a job's sending to its start.
    pub start_timeout: Duration,
    /// From a worker's hello until its plugins are loaded.
    pub load_timeout: Duration,
    /// From a reload's request until every worker did it.
    pub reload_timeout: Duration,
    /// From an unload's request until every worker did it; also for the question for a worker's state.
    pub unload_timeout: Duration,
    /// From the kill of a worker until it counts as one that does not die.
    pub kill_timeout: Duration,
    /// How long a cancelled job may tidy up before it is killed. Zero kills at once.
    pub cancel_grace: Duration,
    /// How long a job may tidy up that has run for as long as its timeout, before it is killed. Zero kills at once.
    pub timeout_grace: Duration,
    /// Whether there is a resource hook, which is asked about a job when a worker is free for it. Without one such a job
    /// starts at once.
    pub has_hook: bool,
    /// How long the resource hook may think over a job that had to wait; then the job waits on.
    pub hook_timeout: Duration,
    /// A worker that loads, runs a job or reloads, and says nothing for so long, is asked whether it lives. Zero: never.
    pub heartbeat_interval: Duration,
    /// How long it may take to answer that.
    pub heartbeat_timeout: Duration,
    /// What becomes of jobs that failed, unless they say otherwise.
    pub retry: Arc<RetryPolicy>,
    /// When workers are replaced although nothing is wrong with them.
    pub recycling: Recycling,
    /// How large a worker may become, and how little the host may have left.
    pub memory: MemoryRules,
    /// How long a job of one priority waits at most for those of the next higher one that come after it. Zero: for all
    /// of them, whenever they come.
    pub aging_step: Duration,
    /// Of which plugins only so many jobs may run at once. A worker that is being killed has its job until it is dead, or
    /// given up.
    pub plugin_limits: Vec<(PluginKey, u32)>,
    /// Jobs that may wait at once; zero for no limit.
    pub queue_capacity: usize,
    /// Seed of the jitter in restart delays.
    pub jitter_seed: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_workers: 1,
            standby: 0,
            idle_timeout: None,
            min_workers: 0,
            restart_policy: RestartPolicy::default(),
            max_restart_attempts: 3,
            max_start_attempts: 3,
            restart_window: Duration::from_secs(60),
            restart_backoff_base: Duration::from_secs(1),
            restart_backoff_max: Duration::from_secs(60),
            start_timeout: Duration::from_secs(30),
            load_timeout: Duration::from_secs(300),
            reload_timeout: Duration::from_secs(30),
            unload_timeout: Duration::from_secs(10),
            kill_timeout: Duration::from_secs(5),
            cancel_grace: Duration::ZERO,
            timeout_grace: Duration::ZERO,
            has_hook: true,
            hook_timeout: Duration::from_secs(60),
            heartbeat_interval: Duration::from_secs(10),
            heartbeat_timeout: Duration::from_secs(20),
            retry: Arc::default(),
            recycling: Recycling::default(),
            memory: MemoryRules::default(),
            aging_step: Duration::ZERO,
            plugin_limits: Vec::new(),
            queue_capacity: 0,
            jitter_seed: 0,
        }
    }
}
