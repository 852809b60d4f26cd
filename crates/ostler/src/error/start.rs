use std::time::Duration;

use ostler_lifecycle::{DownReason, Rejection};
use ostler_wire::EncodeError;

use super::{HookError, HookPanicked};
use crate::PluginId;

/// Why a job was not accepted. Nothing was queued.
#[derive(thiserror::Error)]
pub enum StartError {
    /// No worker has such a plugin.
    #[error("there is no plugin {plugin:?}; there are: {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    UnknownPlugin {
        /// What was asked for.
        plugin: PluginId,
        /// What there is.
        known: Vec<String>,
    },
    /// [`create_job`](crate::BaseJobManager::create_job) refused.
    #[error("the job for plugin {plugin} was refused: {source}")]
    CreateJob {
        /// The plugin.
        plugin: PluginId,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// [`prepare_execute_request`](crate::BaseJobManager::prepare_execute_request) failed.
    #[error("the request for plugin {plugin} cannot be prepared: {source}")]
    PrepareRequest {
        /// The plugin.
        plugin: PluginId,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The job's type cannot be read back from its encoding.
    #[error("a `{type_name}` for plugin {plugin} does not survive its own encoding: {why}")]
    DoesNotRoundTrip {
        /// The plugin.
        plugin: PluginId,
        /// The type of the job.
        type_name: &'static str,
        /// What came back, and what helps.
        why: String,
    },
    /// The job's type cannot be encoded.
    #[error("the request for plugin {plugin} cannot be encoded: {source}")]
    NotEncodable {
        /// The plugin.
        plugin: PluginId,
        /// Why.
        source: EncodeError,
    },
    /// The request does not fit into a frame.
    #[error(
        "the request for plugin {plugin} is too large: payload of {size} bytes, limit {limit} \
         (WorkerConfig::max_frame_bytes less the frame's own part)"
    )]
    PayloadTooLarge {
        /// The plugin.
        plugin: PluginId,
        /// The payload's size in bytes.
        size: usize,
        /// What fits.
        limit: usize,
    },
    /// [`validate_resources`](crate::BaseJobManager::validate_resources) refused.
    #[error("Resource validation failed: {reason}")]
    ResourceValidation {
        /// Why.
        reason: String,
    },
    /// A hook of the host panicked.
    #[error(transparent)]
    HookPanicked(#[from] HookPanicked),
    /// A hook of the host did not answer in time.
    #[error("the host's {hook} did not answer within {timeout:?} (WorkerConfig::hook_timeout)")]
    HookTimedOut {
        /// The name of the method.
        hook: &'static str,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// As many jobs wait as may.
    #[error("the queue is full ({capacity} jobs wait); try again when some have ended")]
    QueueFull {
        /// How many may wait.
        capacity: usize,
    },
    /// The restart budget is spent.
    #[error("no worker is available: {0}; find out why, then call restart_worker()")]
    WorkerUnavailable(DownReason),
    /// The manager was shut down.
    #[error("the manager is shut down")]
    ShutDown,
}

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl StartError {
    pub(crate) fn create_job(plugin: &PluginId, error: HookError) -> Self {
        Self::CreateJob { plugin: plugin.clone(), source: error.into_inner() }
    }
}

impl From<Rejection> for StartError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::QueueFull { capacity } => Self::QueueFull { capacity },
            Rejection::Down(reason) => Self::WorkerUnavailable(reason),
            Rejection::ShutDown => Self::ShutDown,
        }
    }
}
