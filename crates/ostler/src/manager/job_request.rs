use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ostler_lifecycle::{Priority, RetryPolicy};
use serde_json::Value;

use super::{JobHandle, JobManager};
use crate::{JobType, NewJob, StartError};

/// A job that is about to be started with more than plugin and spec. Made by [`JobManager::job`].
#[derive(Debug)]
#[must_use = "nothing runs before start()"]
pub struct JobRequest<'a, J: JobType> {
    manager: &'a JobManager<J>,
    new: NewJob<J>,
}

impl<'a, J: JobType> JobRequest<'a, J> {
    pub(super) fn new(manager: &'a JobManager<J>, new: NewJob<J>) -> Self {
        Self { manager, new }
    }

    /// Its place in the queue: a higher one goes first.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.new = self.new.priority(priority);
        self
    }

    /// How long it may run, from its start; then it is killed, or asked to end first with a
    /// [`timeout_grace`](crate::WorkerConfig::timeout_grace).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.new = self.new.timeout(timeout);
        self
    }

    /// How long it may wait for its first start; then it fails as timed out.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.new = self.new.queue_timeout(timeout);
        self
    }

    /// How long it may report nothing while it runs (no progress, chunk, log line or output); then it is killed.
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.new = self.new.stall_timeout(timeout);
        self
    }

    /// Whether it runs again when it fails, instead of what the manager says.
    pub fn retry(mut self, policy: impl Into<Arc<RetryPolicy>>) -> Self {
        self.new = self.new.retry(policy);
        self
    }

    /// Remembers a value under a name.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.new = self.new.metadata(name, value);
        self
    }

    /// Adds bytes that travel with the request.
    pub fn attach(
        mut self,
        name: impl Into<String>,
        media_type: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        self.new = self.new.attach(name, media_type, bytes);
        self
    }

    /// Starts it; see [`JobManager::start_job`].
    ///
    /// # Errors
    /// The job was not accepted, and nothing was queued.
    ///
    /// # Cancel safety
    /// If the future is dropped, the job was either accepted or not; nothing is half done.
    pub async fn start(self) -> Result<JobHandle<J>, StartError> {
        self.manager.start(self.new).await
    }
}
