use ostler_wire::Payload;

use super::JobManager;
use crate::error::chain;
use crate::service::{ExecutorError, PluginExecutor};
use crate::{JobError, JobType, NewJob, PluginId};

/// Any manager can run the jobs of a [`JobService`](crate::JobService): a payload is decoded into its job type, and the
/// output encoded like the payload. Attachments travel along, both ways.
impl<J: JobType> PluginExecutor for JobManager<J> {
    async fn execute_plugin(&self, plugin: &str, mut payload: Payload) -> Result<Payload, ExecutorError> {
        let encoding = payload.encoding();
        let attachments = payload.take_attachments();
        let invalid = |error: &dyn std::fmt::Display| ExecutorError::new("InvalidPayload", error.to_string());
        let spec = payload.decode::<J>().map_err(|error| invalid(&error))?;
        let new = NewJob { attachments, ..NewJob::new(PluginId::from(plugin), spec) };
        let handle =
            self.start(new).await.map_err(|error| ExecutorError::new("StartError", chain(&error)))?;
        let output = handle.output().await.map_err(|error| match error {
            JobError::Failed(failure) => ExecutorError::from(*failure),
            JobError::Cancelled => ExecutorError::new("Cancelled", error.to_string()),
        })?;
        let mut answer = Payload::encode(encoding, &output).map_err(|error| invalid(&error))?;
        for attachment in &handle.finished().await.attachments {
            answer.push(attachment.clone());
        }
        Ok(answer)
    }
}
