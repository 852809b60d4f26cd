use ostler_lifecycle::JobId;

use crate::CancelError;

/// What became of many jobs that were cancelled at once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CancelSummary {
    /// Proven cancelled.
    pub cancelled: Vec<JobId>,
    /// Unknown, or ended otherwise before the cancel was handled.
    pub not_cancelled: Vec<JobId>,
    /// Killed, and their processes do not die.
    pub still_dying: Vec<CancelError>,
}

impl CancelSummary {
    pub(crate) fn add(&mut self, job: JobId, outcome: Result<bool, CancelError>) {
        match outcome {
            Ok(true) => self.cancelled.push(job),
            Ok(false) => self.not_cancelled.push(job),
            Err(error) => self.still_dying.push(error),
        }
    }
}
