use std::fmt;

use serde::{Deserialize, Serialize};

/// What a worker is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerPhase {
    /// Its process is being made, or has not said hello yet.
    Starting,
    /// It loads its plugins.
    Loading,
    /// It can take a job.
    Idle,
    /// It runs a job.
    Busy,
    /// It was told to stop.
    Draining,
    /// It is dead.
    Gone,
}

impl fmt::Display for WorkerPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Loading => "loading",
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Draining => "draining",
            Self::Gone => "gone",
        })
    }
}
