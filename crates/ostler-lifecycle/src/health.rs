use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DegradedReason, DownReason};

/// Whether a pool has the workers that it should have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// Workers live, or are started when they are needed.
    Healthy,
    /// Workers are missing, and cannot be started at the moment. Jobs run in those that live; the others are tried again
    /// as soon as the restart budget allows it.
    Degraded {
        /// How many are missing.
        missing: u32,
        /// Why the first of them could not be started.
        reason: DegradedReason,
    },
    /// No worker lives, and none will be started: jobs are refused.
    Down {
        /// Why.
        reason: DownReason,
    },
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::Degraded { missing: 1, reason } => write!(f, "degraded, 1 worker is missing: {reason}"),
            Self::Degraded { missing, reason } => {
                write!(f, "degraded, {missing} workers are missing: {reason}")
            }
            Self::Down { reason } => write!(f, "down: {reason}"),
        }
    }
}
