use ostler_process::HostError;
use ostler_wire::{DecodeError, EncodeError};

use super::{
    CancelError, CommandError, ControlError, HookPanicked, JobError, LaunchError, QuarantineError,
    RerunError, ResizeError, ShutdownError, StartError,
};
use crate::events::Missed;
use crate::integration::{MemoryError, RegistryError};
use crate::service::{ExecutorError, ServiceError};

/// Any error of this crate, for hosts that let them all pass with `?`.
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
    /// A job was not run again.
    #[error(transparent)]
    Rerun(#[from] RerunError),
    /// The pool was not resized.
    #[error(transparent)]
    Resize(#[from] ResizeError),
    /// A shutdown left something behind.
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
    /// A [`JobService`](crate::JobService) has no answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A [`PluginExecutor`](crate::PluginExecutor) has no answer.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// A [`PluginRegistry`](crate::PluginRegistry) has no answer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The system does not tell its memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A value cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A payload is not the value that was expected.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A hook of the host panicked.
    #[error(transparent)]
    HookPanicked(#[from] HookPanicked),
    /// A reader of events was too slow.
    #[error(transparent)]
    Missed(#[from] Missed),
    /// An [`AnyManager`](crate::AnyManager) of another kind has no answer.
    #[error(transparent)]
    OfOtherManager(Box<dyn std::error::Error + Send + Sync>),
}

/// A program that cannot be run is a launch that failed.
impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        Self::Launch(error.into())
    }
}

/// So is a process that cannot have workers.
impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        Self::Launch(error.into())
    }
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails to compile for an error that has no way.
    #[test]
    fn every_error_of_the_crate_passes_with_a_question_mark() {
        fn passes<E: Into<Error>>() {}
        passes::<LaunchError>();
        passes::<CommandError>();
        passes::<HostError>();
        passes::<StartError>();
        passes::<JobError>();
        passes::<CancelError>();
        passes::<ControlError>();
        passes::<QuarantineError>();
        passes::<ResizeError>();
        passes::<ShutdownError>();
        passes::<ServiceError>();
        passes::<ExecutorError>();
        passes::<RegistryError>();
        passes::<MemoryError>();
        passes::<EncodeError>();
        passes::<DecodeError>();
        passes::<Missed>();
    }
}
