use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why there are no workers any more, and none will come by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DownReason {
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
    /// A limit would end every worker again and again.
    LimitTooLow {
        /// Which one, what it is, and what a worker needs.
        figures: String,
    },
}

impl DownReason {
    /// How the last worker ended, as the rest of a sentence that begins with "the last worker".
    pub fn last_end(&self) -> Option<&str> {
        match self {
            Self::Crashes { last_end, .. } | Self::LoadFailures { last_end, .. } => Some(last_end),
            Self::LimitTooLow { .. } => None,
        }
    }
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashes { restarts, window, last_end } => {
                write!(f, "gave up after {restarts} restarts within {window:?}; the last worker {last_end}")
            }
            Self::LoadFailures { restarts, window, last_end } => write!(
                f,
                "gave up after {restarts} restarts within {window:?} of workers that did not become ready; the last worker \
                 {last_end}"
            ),
            Self::LimitTooLow { figures } => write!(f, "a limit is too low: {figures}"),
        }
    }
}
