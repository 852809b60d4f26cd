use std::sync::Arc;

use ostler_lifecycle::{FailureKind, JobFailure};
use ostler_wire::Payload;

/// Runs a plugin on a payload: what a [`JobService`](super::JobService) hands its jobs to.
pub trait PluginExecutor: Send + Sync + 'static {
    /// Runs the plugin, and returns its answer.
    ///
    /// # Errors
    /// If the plugin is unknown, cannot use the payload, or fails.
    fn execute_plugin(
        &self,
        plugin: &str,
        payload: Payload,
    ) -> impl Future<Output = Result<Payload, ExecutorError>> + Send;
}

impl<E: PluginExecutor + ?Sized> PluginExecutor for Arc<E> {
    fn execute_plugin(
        &self,
        plugin: &str,
        payload: Payload,
    ) -> impl Future<Output = Result<Payload, ExecutorError>> + Send {
        (**self).execute_plugin(plugin, payload)
    }
}

/// Why an executor has no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExecutorError {
    /// What kind of error, as in `ExecutionError`: for programs to tell them apart.
    pub error_type: String,
    /// What a person should read.
    pub message: String,
}

impl ExecutorError {
    /// An error of a kind of the executor's own.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into() }
    }

    /// The plugin ran and failed: an `ExecutionError`.
    pub fn execution(message: impl Into<String>) -> Self {
        Self::new("ExecutionError", message)
    }
}

/// A plugin's own error is an `ExecutionError`; any other is named after its kind, as in `Crashed`.
impl From<JobFailure> for ExecutorError {
    fn from(failure: JobFailure) -> Self {
        match failure.kind {
            FailureKind::Plugin => Self::execution(failure.message),
            kind => Self::new(format!("{kind:?}"), failure.message),
        }
    }
}
