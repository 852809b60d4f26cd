use std::marker::PhantomData;
use std::pin::Pin;

use ostler_lifecycle::Admission;
use ostler_wire::Payload;

use crate::caught::hook;
use crate::default_hook::OwnHooks;
use crate::integration::WorkerState;
use crate::{
    BaseJobManager, HookError, HookPanicked, Job, JobManager, JobStatus, JobType, NewJob, PluginConfig,
    PluginId, WorkerCommand,
};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`BaseJobManager`] without its type, so that [`JobManager`] does not name the implementor. A panic in a method is
/// an error here; one in a future is its caller's to catch.
pub(crate) trait Host<J: JobType>: Send + Sync + 'static {
    /// What is asked once, at launch.
    fn face(&self) -> Result<Face, HookPanicked>;
    fn create_job(&self, new: NewJob<J>) -> Result<Result<NewJob<J>, HookError>, HookPanicked>;
    fn prepare(&self, job: &Job<J>) -> Result<Result<Payload, HookError>, HookPanicked>;
    fn extract(&self, job: &Job<J>, response: Payload) -> Result<Result<J::Output, HookError>, HookPanicked>;
    fn resource(&self, config: &PluginConfig) -> Result<String, HookPanicked>;
    fn validate<'a>(
        &'a self,
        plugin: &'a PluginId,
        config: &'a PluginConfig,
        workers: &'a [WorkerState],
    ) -> BoxFuture<'a, Admission>;
    /// The hook for a job that has ended, by how it has.
    fn ended<'a>(&'a self, manager: &'a JobManager<J>, job: &'a Job<J>) -> BoxFuture<'a, ()>;
}

/// What a host says of itself, once and for all.
pub(crate) struct Face {
    pub(crate) worker_type: String,
    pub(crate) category: String,
    pub(crate) entry_point: WorkerCommand,
    pub(crate) supports_streaming: bool,
    pub(crate) own_hooks: OwnHooks,
}

/// The only implementor of [`Host`].
pub(crate) struct Erased<B, J>(B, PhantomData<fn(J)>);

impl<B, J> Erased<B, J> {
    pub(crate) fn new(base: B) -> Self {
        Self(base, PhantomData)
    }
}

impl<J: JobType, B: BaseJobManager<J>> Host<J> for Erased<B, J> {
    fn face(&self) -> Result<Face, HookPanicked> {
        Ok(Face {
            worker_type: hook("worker_type", || self.0.worker_type().to_owned())?,
            category: hook("category", || self.0.category().to_owned())?,
            entry_point: hook("get_worker_entry_point", || self.0.get_worker_entry_point())?,
            supports_streaming: hook("supports_streaming", || self.0.supports_streaming())?,
            own_hooks: OwnHooks::of::<J, B>(),
        })
    }

    fn create_job(&self, new: NewJob<J>) -> Result<Result<NewJob<J>, HookError>, HookPanicked> {
        hook("create_job", || self.0.create_job(new))
    }

    fn prepare(&self, job: &Job<J>) -> Result<Result<Payload, HookError>, HookPanicked> {
        hook("prepare_execute_request", || self.0.prepare_execute_request(job))
    }

    fn extract(&self, job: &Job<J>, response: Payload) -> Result<Result<J::Output, HookError>, HookPanicked> {
        hook("extract_job_result", || self.0.extract_job_result(job, response))
    }

    fn resource(&self, config: &PluginConfig) -> Result<String, HookPanicked> {
        hook("extract_plugin_resource_identifier", || self.0.extract_plugin_resource_identifier(config))
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

    fn ended<'a>(&'a self, manager: &'a JobManager<J>, job: &'a Job<J>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            match job.status {
                JobStatus::Completed => self.0.on_job_completed(manager, job).await,
                JobStatus::Cancelled => self.0.on_job_cancelled(manager, job).await,
                JobStatus::Failed => self.0.on_job_failed(manager, job).await,
                // It is called for those that have ended.
                JobStatus::Pending | JobStatus::Running | JobStatus::Cancelling => {}
            }
        })
    }
}
