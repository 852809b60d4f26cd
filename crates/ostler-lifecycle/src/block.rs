use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::JobFailure;

/// Why a pending job cannot start, although a worker may be free.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BlockReason {
    /// The resource hook told it to wait.
    Resources {
        /// What it waits for, in the hook's words.
        reason: String,
    },
    /// The pool is paused.
    Paused,
    /// As many jobs of its plugin run as may.
    PluginLimit {
        /// How many may run.
        limit: u32,
    },
    /// It failed, and waits for its next attempt.
    Retry {
        /// Which attempt comes next.
        attempt: u32,
        /// How long it waits, from the failure on.
        #[serde(with = "crate::serde_form::duration")]
        delay: Duration,
        /// Why the last one failed.
        failure: Box<JobFailure>,
    },
    /// It took its worker along too often. It waits to be released, failed or cancelled by somebody.
    Quarantined {
        /// How often it crashed.
        crashes: u32,
        /// The last crash: the evidence.
        failure: Box<JobFailure>,
    },
}

impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resources { reason } => write!(f, "waits for resources: {reason}"),
            Self::Paused => f.write_str("waits until the manager is resumed"),
            Self::PluginLimit { limit } => {
                write!(f, "waits until fewer than {limit} jobs of its plugin run")
            }
            Self::Retry { attempt, delay, failure } => {
                write!(f, "waits {delay:.1?} for attempt {attempt}; the last one failed: {failure}")
            }
            Self::Quarantined { crashes, failure } => {
                let crashes = if *crashes == 1 { "a crash".to_owned() } else { format!("{crashes} crashes") };
                write!(f, "is in quarantine after {crashes}; the last one: {failure}")
            }
        }
    }
}
