use ostler_lifecycle::JobStatus;
use serde::Serialize;

/// How many jobs there are, by where they stand. Ended ones count as long as they are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct JobCounts {
    /// Wait, for whatever reason, or were sent to a worker that has not begun.
    pub pending: usize,
    /// Run.
    pub running: usize,
    /// Are being ended on request.
    pub cancelling: usize,
    /// Ended with a result.
    pub completed: usize,
    /// Ended with an error.
    pub failed: usize,
    /// Ended on request.
    pub cancelled: usize,
}

impl JobCounts {
    /// Those that have not ended.
    pub const fn unfinished(&self) -> usize {
        self.pending + self.running + self.cancelling
    }

    /// Those that have ended, and are known.
    pub const fn finished(&self) -> usize {
        self.completed + self.failed + self.cancelled
    }

    pub(super) fn add(&mut self, status: JobStatus) {
        *self.of(status) += 1;
    }

    pub(super) fn take(&mut self, status: JobStatus) {
        *self.of(status) -= 1;
    }

    fn of(&mut self, status: JobStatus) -> &mut usize {
        match status {
            JobStatus::Pending => &mut self.pending,
            JobStatus::Running => &mut self.running,
            JobStatus::Cancelling => &mut self.cancelling,
            JobStatus::Completed => &mut self.completed,
            JobStatus::Failed => &mut self.failed,
            JobStatus::Cancelled => &mut self.cancelled,
        }
    }
}
