use jiff::Timestamp;
use ostler_lifecycle::{JobId, JobStatus};
use ostler_wire::Payload;

use super::ServiceFailure;
use crate::PluginId;

/// The record of a service's job, as it stood when it was read.
#[derive(Clone, Debug)]
pub struct ServiceJob {
    /// Its name.
    pub id: JobId,
    /// Which plugin runs it.
    pub plugin: PluginId,
    /// What the plugin is given.
    pub payload: Payload,
    /// Where it stands: pending, running, completed or failed.
    pub status: JobStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it began to run.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// What the plugin answered, once the job is completed.
    pub result: Option<Payload>,
    /// Why it failed, once it has.
    pub error: Option<ServiceFailure>,
}
