use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{JobContext, PluginError, PluginManifest};

/// Code that runs jobs in a worker: loaded once, executed many times.
///
/// What it prints does not reach a terminal: it becomes events of the job that runs, as far as it is not too much, and
/// the host logs it by `tracing`, as `ostler::worker::stdout` at debug and `ostler::worker::stderr` at info. Say with [`JobContext::info`] and its like what the host should see.
///
/// What it says by `tracing` at INFO or above, on whatever thread, is in the log of the job that runs, unless the program
/// has set a subscriber of its own before [`run_if_worker`](crate::run_if_worker). The environment variable
/// `OSTLER_WORKER_LOG` chooses another level, such as `debug` or `off`.
///
/// A plugin lives on the worker's main thread and need not be `Send`. If it panics, the job fails as
/// `Panicked`, and the plugin is dropped and loaded afresh before its next job.
pub trait Plugin: Sized + 'static {
    /// The name that jobs ask for; unique in a worker.
    const NAME: &str;
    /// What [`load`](Self::load) needs. An empty configuration is also tried as `null`, so that `()` works.
    type Config: DeserializeOwned;
    /// What a job is given.
    type Request: DeserializeOwned;
    /// What a job gives back. It is sent in the encoding of its request.
    type Response: Serialize;

    /// What the plugin says about itself. The name is always [`NAME`](Self::NAME).
    fn manifest() -> PluginManifest {
        PluginManifest::new(Self::NAME)
    }

    /// Makes the plugin ready: the place for everything slow, as reading a model.
    ///
    /// # Errors
    /// If it cannot work with this configuration.
    fn load(config: Self::Config) -> Result<Self, PluginError>;

    /// Runs one job. Dropping `self` is how a plugin is unloaded.
    ///
    /// # Errors
    /// If the job failed; the error's category tells the host whether another attempt makes sense.
    fn execute(&mut self, request: Self::Request, job: &JobContext) -> Result<Self::Response, PluginError>;
}
