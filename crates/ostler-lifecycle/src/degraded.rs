use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::DownReason;

/// Why workers are missing in a pool that works with those it has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DegradedReason {
    /// Workers that were ready died too often.
    Crashes {
        /// Restarts that were allowed and used.
        restarts: u32,
        /// Within how long.
        #[serde(with = "crate::serde_form::duration")]
        window: Duration,
        /// How the last worker ended.
        last_end: String,
    },
    /// Workers did not become ready too often.
    LoadFailures {
        /// Restarts that were allowed and used.
        restarts: u32,
        /// Within how long.
        #[serde(with = "crate::serde_form::duration")]
        window: Duration,
        /// How the last worker ended.
        last_end: String,
    },
}

impl DegradedReason {
    /// How the last worker ended, as the rest of a sentence that begins with "the last worker".
    pub fn last_end(&self) -> &str {
        match self {
            Self::Crashes { last_end, .. } | Self::LoadFailures { last_end, .. } => last_end,
        }
    }
}

/// What takes a pool down when no worker lives.
impl From<DegradedReason> for DownReason {
    fn from(reason: DegradedReason) -> Self {
        match reason {
            DegradedReason::Crashes { restarts, window, last_end } => {
                Self::Crashes { restarts, window, last_end }
            }
            DegradedReason::LoadFailures { restarts, window, last_end } => {
                Self::LoadFailures { restarts, window, last_end }
            }
        }
    }
}

impl fmt::Display for DegradedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (restarts, window, of_whom) = match self {
            Self::Crashes { restarts, window, .. } => (restarts, window, "workers that died"),
            Self::LoadFailures { restarts, window, .. } => {
                (restarts, window, "workers that did not become ready")
            }
        };
        let last_end = self.last_end();
        write!(
            f,
            "{restarts} restarts of {of_whom} within {window:?} are used up; the last worker {last_end}"
        )
    }
}
