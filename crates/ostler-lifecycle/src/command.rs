use crate::{ControlId, JobId};

/// What a worker is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Load the plugins.
    Init,
    /// Run a job.
    Execute {
        /// The job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
    /// Please end this job; a kill follows.
    Cancel {
        /// The job.
        job: JobId,
    },
    /// Load a plugin afresh.
    Reload {
        /// The operation that says which one.
        id: ControlId,
    },
    /// Drop a plugin.
    Unload {
        /// The operation that says which one.
        id: ControlId,
    },
    /// Say what is loaded and what runs.
    GetState,
    /// Say that you live.
    Ping,
    /// Drop the plugins and exit.
    Stop,
}
