use std::marker::PhantomData;
use std::pin::Pin;

use ostler_lifecycle::Admission;
use ostler_wire::Payload;

use crate::default_hook::OwnHooks;
use crate::integration::WorkerState;
use crate::{BaseJobManager, HookError, Job, JobManager, JobType, NewJob, PluginConfig, PluginId};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`BaseJobManager`] without its type, so that [`JobManager`] does not name the implementor.
pub(crate) trait Host<J: JobType>: Send + Sync + 'static {
    fn worker_type(&self) -> &str;
    fn supports_streaming(&self) -> bool;
    fn own_hooks(&self) -> OwnHooks;
    fn create_job(&self, new: NewJob<J>) -> Result<NewJob<J>, HookError>;
    fn prepare(&self, job: &Job<J>) -> Result<Payload, HookError>;
    fn extract(&self, job: &Job<J>, response: Payload) -> Result<J::Output, HookError>;
    fn resource(&self, config: &PluginConfig) -> String;
    fn validate<'a>(
        &'a self,
        plugin: &'a PluginId,
        config: &'a PluginConfig,
        workers: &'a [WorkerState],
    ) -> BoxFuture<'a, Admission>;
    fn completed<'a>(&'a self, manager: &'a JobManager<J>, job: &'a Job<J>) -> BoxFuture<'a, ()>;
}

/// The only implementor of [`Host`].
pub(crate) struct Erased<B, J>(B, PhantomData<fn(J)>);

impl<B, J> Erased<B, J> {
    pub(crate) fn new(base: B) -> Self {
        Self(base, PhantomData)
    }
}

impl<J: JobType, B: BaseJobManager<J>> Host<J> for Erased<B, J> {
    fn worker_type(&self) -> &str {
        self.0.worker_type()
    }

    fn supports_streaming(&self) -> bool {
        self.0.supports_streaming()
    }

    fn own_hooks(&self) -> OwnHooks {
        OwnHooks::of::<J, B>()
    }

    fn create_job(&self, new: NewJob<J>) -> Result<NewJob<J>, HookError> {
        self.0.create_job(new)
    }

    fn prepare(&self, job: &Job<J>) -> Result<Payload, HookError> {
        self.0.prepare_execute_request(job)
    }

    fn extract(&self, job: &Job<J>, response: Payload) -> Result<J::Output, HookError> {
        self.0.extract_job_result(job, response)
    }

    fn resource(&self, config: &PluginConfig) -> String {
        self.0.extract_plugin_resource_identifier(config)
    }

    fn validate<'a>(
        &'a self,
        plugin: &'a PluginId,
        config: &'a PluginConfig,
        workers: &'a [WorkerState],
    ) -> BoxFuture<'a, Admission> {
        // Called in there, so that it is part of the future even if it panics before it makes one.
        Box::pin(async move { self.0.validate_resources(plugin, config, workers).await })
    }

    fn completed<'a>(&'a self, manager: &'a JobManager<J>, job: &'a Job<J>) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.0.on_job_completed(manager, job).await })
    }
}
