use serde::{Deserialize, Serialize};

/// How much a log line matters, the most important first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Worth knowing in normal operation.
    Info,
    /// For whoever looks for a fault.
    Debug,
    /// Every step.
    Trace,
}
