use super::{CancelError, ControlError, JobError, LaunchError, ShutdownError, StartError};

/// Any error of this crate's operations, for hosts that let them all pass with `?`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manager could not be launched.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A job was not accepted.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A job has no output.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A cancel has no outcome yet.
    #[error(transparent)]
    Cancel(#[from] CancelError),
    /// A reload or unload did not reach every worker.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A shutdown left something behind.
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;
