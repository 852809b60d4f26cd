use std::fmt;

use serde::{Deserialize, Serialize};

use crate::RecycleReason;
use crate::bytes::mib;

/// Why we ended a worker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
pub enum EndReason {
    /// Its job was cancelled.
    Cancelled,
    /// Its job ran too long.
    TimedOut,
    /// It was given a job and did not begin.
    Stalled,
    /// Its job reported nothing for too long.
    Silent,
    /// It did not answer whether it lives.
    Unresponsive,
    /// It did not say hello in time.
    SilentAtStart,
    /// It did not load its plugins in time.
    LoadTimedOut,
    /// Its plugins cannot be loaded.
    LoadFailed(String),
    /// It did not carry out a reload or unload in time.
    ControlTimedOut,
    /// It broke the protocol.
    Protocol(String),
    /// It must not go on with what it has loaded.
    Retired,
    /// It has reached the end of its life; another one took its place.
    Recycled(RecycleReason),
    /// There are enough others: the pool was made smaller, or nobody is left for it to replace.
    Surplus,
    /// It had nothing to do for as long as it may.
    Idle,
    /// Its processes took more memory than they may.
    MemoryLimit {
        /// What they took together, in bytes.
        resident: u64,
        /// What they may.
        limit: u64,
    },
    /// The host was short of memory.
    MemoryPressure,
    /// The manager shut down.
    Shutdown,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("was killed to cancel its job"),
            Self::TimedOut => f.write_str("was killed because its job ran too long"),
            Self::Stalled => f.write_str("was killed because it did not begin the job that it was sent"),
            Self::SilentAtStart => {
                f.write_str("was killed because it did not say hello within worker_start_timeout")
            }
            Self::LoadTimedOut => {
                f.write_str("was killed because it did not load its plugins within load_timeout")
            }
            Self::LoadFailed(why) => write!(f, "could not load its plugins: {why}"),
            Self::ControlTimedOut => f.write_str("was killed because a reload or unload took too long"),
            Self::Protocol(how) => write!(f, "was killed because it broke the protocol: {how}"),
            Self::Silent => f.write_str("was killed because its job reported nothing for too long"),
            Self::Unresponsive => {
                f.write_str("was killed because it did not answer: it is stopped, starved or frozen")
            }
            Self::Retired => f.write_str("was retired"),
            Self::Recycled(RecycleReason::FreshProcess) => {
                f.write_str("was replaced since each job gets a fresh process")
            }
            Self::Recycled(RecycleReason::Jobs) => f.write_str("was recycled after its number of jobs"),
            Self::Recycled(RecycleReason::Age) => f.write_str("was recycled for its age"),
            Self::Recycled(RecycleReason::Growth) => f.write_str("was recycled because its memory had grown"),
            Self::Surplus => f.write_str("was ended because there are enough others"),
            Self::Idle => f.write_str("was ended because it had nothing to do for its idle_timeout"),
            Self::MemoryLimit { resident, limit } => {
                write!(
                    f,
                    "was killed because it took {} of memory and may take {}",
                    mib(*resident),
                    mib(*limit)
                )
            }
            Self::MemoryPressure => f.write_str("was ended because the host is short of memory"),
            Self::Shutdown => f.write_str("was ended by the shutdown"),
        }
    }
}
