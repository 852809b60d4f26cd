use serde::{Deserialize, Serialize};

use super::ExecutorError;

/// Why a service's job failed. In JSON it is `{"error": {"type": …, "message": …, "plugin": …}}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("plugin {}: {}", .error.plugin, .error.message)]
pub struct ServiceFailure {
    /// What is known of it.
    pub error: FailureDetail,
}

/// What is known of a failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailureDetail {
    /// What kind of error, as the executor named it; `Panicked` or `Interrupted` if it could not.
    #[serde(rename = "type")]
    pub error_type: String,
    /// What a person should read.
    pub message: String,
    /// Which plugin was asked.
    pub plugin: String,
}

impl ServiceFailure {
    pub(super) fn new(plugin: &str, error: ExecutorError) -> Self {
        let ExecutorError { error_type, message } = error;
        Self { error: FailureDetail { error_type, message, plugin: plugin.to_owned() } }
    }
}
