use super::JobTracker;
use super::job_tracker::OnJobCompleted;
use crate::{Job, JobType};

/// Sets up a [`JobTracker`].
#[must_use = "build() makes the tracker"]
pub struct JobTrackerBuilder<J: JobType> {
    finished_kept: usize,
    on_job_completed: Option<OnJobCompleted<J>>,
}

impl<J: JobType> Default for JobTrackerBuilder<J> {
    fn default() -> Self {
        Self { finished_kept: usize::MAX, on_job_completed: None }
    }
}

impl<J: JobType> JobTrackerBuilder<J> {
    /// How many finished jobs to keep; the one that ended first goes first. Without it all are kept until
    /// [`clear_completed`](JobTracker::clear_completed).
    pub fn finished_kept(mut self, jobs: usize) -> Self {
        self.finished_kept = jobs;
        self
    }

    /// Calls this once for each job that completes, when its record and result can be read, on the thread
    /// that completed it. It may use the tracker. A panic in it is logged and changes nothing.
    pub fn on_job_completed(
        mut self,
        callback: impl Fn(&JobTracker<J>, &Job<J>) + Send + Sync + 'static,
    ) -> Self {
        self.on_job_completed = Some(Box::new(callback));
        self
    }

    /// Makes the tracker.
    pub fn build(self) -> JobTracker<J> {
        JobTracker::with(self.finished_kept, self.on_job_completed)
    }
}
