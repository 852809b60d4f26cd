use jiff::Timestamp;
use ostler_lifecycle::{JobId, JobStatus};
use ostler_wire::Payload;
use serde::Serialize;

use super::ServiceFailure;
use crate::PluginId;
use crate::job::payload_json;

/// The record of a service's job, as it stood when it was read.
///
/// In JSON a payload is `{"encoding": …, "body": …, "attachments": […]}`: the body is the value itself if it is JSON, else
/// base64; of attachments there are name, media type and size.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceJob {
    /// Its name.
    pub id: JobId,
    /// Which plugin runs it.
    pub plugin: PluginId,
    /// What the plugin is given.
    #[serde(serialize_with = "payload_json::serialize")]
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
    #[serde(serialize_with = "payload_json::serialize_option")]
    pub result: Option<Payload>,
    /// Why it failed, once it has.
    pub error: Option<ServiceFailure>,
}
