use ostler_wire::Payload;

use super::JobManager;
use crate::any::AnyManager;
use crate::error::chain;
use crate::service::{ExecutorError, PluginExecutor};
use crate::{Error, JobError, JobType, NewJob};

/// Any manager can run the jobs of a [`JobService`](crate::JobService): a payload is decoded into its job type, and the
/// output encoded like the payload. Attachments travel along, both ways.
impl PluginExecutor for dyn AnyManager {
    async fn execute_plugin(&self, plugin: &str, payload: Payload) -> Result<Payload, ExecutorError> {
        let job = self.start(NewJob::new(plugin, payload)).await.map_err(told)?;
        job.output.await.map_err(told)
    }
}

impl<J: JobType> PluginExecutor for JobManager<J> {
    async fn execute_plugin(&self, plugin: &str, payload: Payload) -> Result<Payload, ExecutorError> {
        (self as &dyn AnyManager).execute_plugin(plugin, payload).await
    }
}

fn told(error: Error) -> ExecutorError {
    match error {
        Error::Decode(error) => ExecutorError::new("InvalidPayload", error.to_string()),
        Error::Encode(error) => ExecutorError::new("InvalidPayload", error.to_string()),
        Error::Start(error) => ExecutorError::new("StartError", chain(&error)),
        Error::Job(JobError::Failed(failure)) => ExecutorError::from(*failure),
        Error::Job(JobError::Cancelled) => ExecutorError::new("Cancelled", JobError::Cancelled.to_string()),
        other => ExecutorError::new("ManagerError", chain(&other)),
    }
}
