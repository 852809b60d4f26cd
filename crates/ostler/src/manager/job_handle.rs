use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use ostler_lifecycle::{JobId, JobStatus};

use super::{CancelOutcome, CancelRequest};
use crate::engine::{Core, ended_before};
use crate::events::JobEvents;
use crate::job::JobCell;
use crate::{CancelError, Job, JobError, JobType, PluginId};

/// A job that was started. A clone is cheap, and the same job. Dropping it detaches it: the job goes on. It does not keep
/// its manager alive.
///
/// To await it is to await its [`output`](Self::output): `manager.start_job("word_counter", spec).await?.await?`.
pub struct JobHandle<J: JobType> {
    cell: Arc<JobCell<J>>,
    core: Weak<Core<J>>,
}

impl<J: JobType> JobHandle<J> {
    pub(super) fn new(cell: Arc<JobCell<J>>, core: &Arc<Core<J>>) -> Self {
        Self { cell, core: Arc::downgrade(core) }
    }

    /// The job's id.
    pub fn id(&self) -> JobId {
        self.cell.id
    }

    /// The job's plugin.
    pub fn plugin_id(&self) -> &PluginId {
        &self.cell.plugin
    }

    /// Where the job stands.
    pub fn status(&self) -> JobStatus {
        let ended = || self.cell.record().map(|job| job.status);
        let alive = || self.core.upgrade()?.read(|ledger| ledger.status(self.cell.id));
        // Asked again at last: it may have ended, and been forgotten, in between.
        ended().or_else(alive).or_else(ended).unwrap_or(JobStatus::Pending)
    }

    /// Waits for the job's end and returns what it answered.
    ///
    /// # Errors
    /// The job failed or was cancelled.
    ///
    /// # Cancel safety
    /// Cancel safe: the job goes on, and can be waited for again.
    pub async fn output(&self) -> Result<J::Output, JobError> {
        let job = self.cell.ended().await;
        if let Some(error) = self.cell.instead() {
            return Err(error.clone());
        }
        match (&job.result, &job.error) {
            (Some(output), _) => Ok(output.clone()),
            (None, Some(failure)) => Err(JobError::Failed(failure.clone())),
            (None, None) => Err(JobError::Cancelled),
        }
    }

    /// Waits for the job's end and returns its record, with its times, its worker and its attachments.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn finished(&self) -> Arc<Job<J>> {
        Arc::clone(self.cell.ended().await)
    }

    /// All that happens to the job, from its queueing to its end.
    pub fn events(&self) -> JobEvents {
        JobEvents::new(Arc::clone(self.cell.log()))
    }

    /// Cancels the job, as [`JobManager::cancel_job`](crate::JobManager::cancel_job) does, and says what that has come to.
    ///
    /// # Errors
    /// The job's process was killed and does not die.
    ///
    /// # Cancel safety
    /// The cancel goes on if the future is dropped.
    pub async fn cancel(&self) -> Result<CancelOutcome, CancelError> {
        self.cancel_with(CancelRequest::new()).await
    }

    /// Cancels the job, and notes who asked, why, and with which grace; see
    /// [`JobManager::cancel_job_with`](crate::JobManager::cancel_job_with).
    ///
    /// # Errors
    /// The job's process was killed and does not die.
    ///
    /// # Cancel safety
    /// The cancel goes on if the future is dropped.
    pub async fn cancel_with(&self, request: CancelRequest) -> Result<CancelOutcome, CancelError> {
        // Its record may have been forgotten since.
        if let Some(record) = self.cell.record() {
            return Ok(ended_before(Some(record.status)));
        }
        match self.core.upgrade() {
            Some(core) => core.cancel(self.cell.id, request).await,
            // A manager that is gone has ended all of its jobs.
            None => Ok(ended_before(self.cell.record().map(|job| job.status))),
        }
    }
}

impl<J: JobType> Clone for JobHandle<J> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), core: Weak::clone(&self.core) }
    }
}

impl<J: JobType> IntoFuture for JobHandle<J> {
    type Output = Result<J::Output, JobError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.output().await })
    }
}

impl<J: JobType> fmt::Debug for JobHandle<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle")
            .field("id", &self.cell.id)
            .field("plugin_id", &self.cell.plugin)
            .finish_non_exhaustive()
    }
}
