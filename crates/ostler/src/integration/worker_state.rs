use ostler_lifecycle::{Generation, JobId, SlotId};
use serde::{Deserialize, Serialize};

use super::WorkerPhase;
use crate::PluginId;

/// A worker, as it stood when it was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerState {
    /// The manager's kind of worker.
    pub worker_type: String,
    /// Its place in the pool.
    pub slot: SlotId,
    /// Which of the manager's workers; with the worker type it names a worker.
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
