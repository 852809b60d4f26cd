use std::time::Duration;

use ostler_lifecycle::JobId;

use crate::{PluginConfig, PluginId, PoolSize};

/// What an operator does to a manager. Each is named after the method of [`JobManager`](crate::JobManager) that does it.
#[derive(Clone, PartialEq, Debug)]
pub enum Control {
    /// No job starts any more.
    Pause,
    /// Jobs start again.
    Resume,
    /// Past failures are forgotten, and empty slots are filled.
    RestartWorkers,
    /// The pool gets this size.
    Resize(PoolSize),
    /// Every worker loads a plugin with this configuration.
    ReloadPlugin {
        /// The plugin.
        plugin: PluginId,
        /// Its new configuration.
        config: PluginConfig,
    },
    /// Every worker drops a plugin until its next job.
    UnloadPlugin {
        /// The plugin.
        plugin: PluginId,
    },
    /// A job in quarantine runs again.
    ReleaseJob(JobId),
    /// A job in quarantine fails.
    FailJob(JobId),
    /// The jobs that have ended are forgotten.
    ClearCompletedJobs,
    /// The manager ends; within this time, or within that of its configuration.
    Shutdown {
        /// How long jobs may still run.
        within: Option<Duration>,
    },
}
