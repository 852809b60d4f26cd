use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a pending job cannot start, although a worker may be free.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BlockReason {
    /// The resource hook told it to wait.
    Resources {
        /// What it waits for, in the hook's words.
        reason: String,
    },
}

impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resources { reason } => write!(f, "waits for resources: {reason}"),
        }
    }
}
