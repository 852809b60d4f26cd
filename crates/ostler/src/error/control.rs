use ostler_lifecycle::ControlFailure;

use super::HookPanicked;

/// Why a reload or unload did not reach every worker.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No worker did it: none is alive, or the one that was told died before it answered.
    #[error(
        "no worker did it: none is alive, or the one that was told died before it answered; a job or restart_worker() starts \
         one"
    )]
    NoLiveWorker,
    /// A worker did not do it in time, and one that hung in it was killed; or none came in time.
    #[error("a worker did not do it in time, or none came in time")]
    TimedOut,
    /// The plugin said no.
    #[error("{0}")]
    Plugin(String),
    /// The new configuration is not the fields of one.
    #[error("the configuration of plugin {plugin} cannot be used: {reason}")]
    InvalidConfig {
        /// The plugin.
        plugin: String,
        /// What was wrong.
        reason: String,
    },
    /// The new configuration does not fit into a frame, or not beside those of the other plugins.
    #[error(
        "the configuration of {plugin} is too large: {size} bytes, limit {limit} for all plugins together"
    )]
    ConfigTooLarge {
        /// The plugin.
        plugin: String,
        /// What all would weigh together, in bytes.
        size: usize,
        /// What fits.
        limit: usize,
    },
    /// The manager was shut down.
    #[error("the manager is shut down")]
    ShutDown,
    /// A hook of the host panicked; nothing was begun.
    #[error(transparent)]
    HookPanicked(#[from] HookPanicked),
    /// No worker has such a plugin.
    #[error("there is no plugin {plugin:?}")]
    UnknownPlugin {
        /// What was asked for.
        plugin: String,
    },
}

impl From<ControlFailure> for ControlError {
    fn from(failure: ControlFailure) -> Self {
        match failure {
            ControlFailure::NoLiveWorker => Self::NoLiveWorker,
            ControlFailure::TimedOut => Self::TimedOut,
            ControlFailure::Plugin(message) => Self::Plugin(message),
            ControlFailure::ShutDown => Self::ShutDown,
        }
    }
}
