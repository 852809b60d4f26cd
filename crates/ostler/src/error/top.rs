use std::fmt;

use super::{
    CancelError, ControlError, JobError, LaunchError, QuarantineError, ResizeError, ShutdownError,
    StartError, chain,
};

/// Any error of a manager's operations, for hosts that let them all pass with `?`.
///
/// Its `Debug` form is the message with all its causes: that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
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
    /// A job was not let out of quarantine.
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    /// The pool was not resized.
    #[error(transparent)]
    Resize(#[from] ResizeError),
    /// A shutdown left something behind.
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;
