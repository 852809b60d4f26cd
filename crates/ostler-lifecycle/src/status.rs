use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a job stands.
///
/// ```text
///                ┌──────────── retry (policy) ─────────┐
/// create ─► Pending ─► (sent) ─► Running ─► Completed  │
///             │           │         ├─────► (failed) ──┴─► Failed
///             │           └─────────┴─────► Cancelling ─► Cancelled
///             └─────────────────────────────────────────► Cancelled
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Waits for a worker, or was sent to one that has not said yet that it began.
    Pending,
    /// A worker said that it began.
    Running,
    /// Is being ended on request; its worker is not yet proven dead.
    Cancelling,
    /// Ended with a result.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended on request: no code of it runs any more.
    Cancelled,
}

impl JobStatus {
    /// Whether the job has ended. A terminal state is never left.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a worker is busy with the job: running, or being cancelled.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }

    /// The name in lower case, as in JSON and in event names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
