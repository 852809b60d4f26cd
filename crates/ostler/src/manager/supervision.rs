//! What an operator does to many jobs, to jobs in quarantine, and to the pool.

use std::sync::Arc;

use ostler_lifecycle::{Input, JobId};

use super::{CancelRequest, CancelSummary, JobManager, PoolSize};
use crate::{CancelError, Job, JobType, PluginId, QuarantineError, ResizeError};

impl<J: JobType> JobManager<J> {
    /// Cancels a job like [`cancel_job`](Self::cancel_job), and notes who asked, why, and with which grace.
    ///
    /// # Errors
    /// The job's process was killed and does not die within `kill_timeout`.
    ///
    /// # Cancel safety
    /// The cancel goes on if the future is dropped.
    pub async fn cancel_job_with(&self, id: JobId, request: CancelRequest) -> Result<bool, CancelError> {
        Ok(self.core().cancel(id, request).await?.is_cancelled())
    }

    /// Cancels many jobs at once, in this order: all are killed before the first is waited for.
    ///
    /// # Cancel safety
    /// The cancels go on if the future is dropped.
    pub async fn cancel_jobs(
        &self,
        ids: impl IntoIterator<Item = JobId>,
        request: CancelRequest,
    ) -> CancelSummary {
        self.core().cancel_many(ids.into_iter().collect(), request).await
    }

    /// Cancels all jobs that have not ended, also those in quarantine; the youngest first, so that none begins meanwhile
    /// that would have to be killed. One that is started meanwhile may stay.
    ///
    /// # Cancel safety
    /// The cancels go on if the future is dropped.
    pub async fn cancel_all(&self, request: CancelRequest) -> CancelSummary {
        self.core().cancel_all(|_| true, request).await
    }

    /// Cancels all jobs of one plugin that have not ended.
    ///
    /// # Cancel safety
    /// The cancels go on if the future is dropped.
    pub async fn cancel_plugin(&self, plugin: impl Into<PluginId>, request: CancelRequest) -> CancelSummary {
        let plugin = plugin.into();
        self.core().cancel_all(|of| *of == plugin, request).await
    }

    /// The jobs that crashed so often that they are not run again by themselves, oldest first. Each has the reason and
    /// its last crash in [`block_reason`](Job::block_reason).
    pub fn quarantined(&self) -> Vec<Arc<Job<J>>> {
        self.core().quarantined()
    }

    /// Lets a job out of quarantine: it runs again, with as many crashes and attempts before it as a new one has. Its
    /// `attempt` counts on, and its `past_failures` stay.
    ///
    /// # Errors
    /// The job is not in quarantine, or the manager has no workers any more.
    pub fn release_job(&self, id: JobId) -> Result<(), QuarantineError> {
        self.core().release(id)
    }

    /// Lets a job in quarantine fail, with its last crash.
    ///
    /// # Errors
    /// The job is not in quarantine.
    pub fn fail_job(&self, id: JobId) -> Result<(), QuarantineError> {
        self.core().give_up(id)
    }

    /// Changes how many jobs may run at once, and how many workers are kept loaded beside them. A larger pool is filled at
    /// once. A smaller one lets idle workers go at once, and busy ones when their jobs have ended: no job ends because
    /// of it. A manager that is down or shut down gets no workers by this.
    ///
    /// # Errors
    /// A number is out of bounds; nothing changed.
    pub fn resize(&self, max_workers: u32, standby: u32) -> Result<(), ResizeError> {
        PoolSize { max_workers, standby }.check()?;
        self.core().feed(Input::Resize { max_workers, standby }, crate::engine::Cargo::None);
        Ok(())
    }

    /// How large the pool is to be.
    pub fn pool_size(&self) -> PoolSize {
        let (max_workers, standby) = self.core().pool_size();
        PoolSize { max_workers, standby }
    }
}
