use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use ostler_lifecycle::{Generation, JobId, SlotId};
use serde::{Deserialize, Serialize};

use super::WorkerPhase;
use crate::PluginId;

/// Names a manager within its host: no two managers have the same, also if their workers are of one type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ManagerId(u64);

impl ManagerId {
    /// One that no other manager of this process has.
    pub(crate) fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self(MADE.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl fmt::Display for ManagerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A worker, as it stood when it was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerState {
    /// The manager that it works for.
    pub manager: ManagerId,
    /// The manager's kind of worker.
    pub worker_type: String,
    /// Its place in the pool.
    pub slot: SlotId,
    /// Which of the manager's workers; with the manager it names a worker.
    pub generation: Generation,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// What it is doing.
    pub phase: WorkerPhase,
    /// The plugin of its job, or of its latest one.
    pub plugin: Option<PluginId>,
    /// What that plugin's configuration names as its resource, such as a model.
    pub resource: Option<String>,
    /// The job that it runs.
    pub job: Option<JobId>,
}
