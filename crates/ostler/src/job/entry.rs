use std::mem;
use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::{JobId, JobStatus, OfJob};

use super::waiting::Waiting;
use super::{Job, JobType, PluginId};

/// A job's number in the order of their creation: ids are made elsewhere, and need not sort by age.
pub(crate) type Place = u64;

/// One job of a ledger.
pub(super) struct Entry<J: JobType> {
    pub(super) place: Place,
    record: Record<J>,
}

enum Record<J: JobType> {
    Waiting(Waiting<J>),
    Told(Arc<Job<J>>),
    /// While one becomes the other.
    Turning(JobId),
}

impl<J: JobType> Entry<J> {
    pub(super) fn waiting(place: Place, waiting: Waiting<J>) -> Self {
        Self { place, record: Record::Waiting(waiting) }
    }

    pub(super) fn told(place: Place, job: Arc<Job<J>>) -> Self {
        Self { place, record: Record::Told(job) }
    }

    pub(super) fn status(&self) -> JobStatus {
        match &self.record {
            Record::Told(job) => job.status,
            Record::Waiting(_) | Record::Turning(_) => JobStatus::Pending,
        }
    }

    /// None while the record is being made.
    pub(super) fn plugin(&self) -> Option<&PluginId> {
        match &self.record {
            Record::Waiting(waiting) => Some(&waiting.cell.plugin),
            Record::Told(job) => Some(&job.plugin_id),
            Record::Turning(_) => None,
        }
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        match &self.record {
            Record::Waiting(waiting) => waiting.timeout(),
            Record::Told(job) => job.timeout,
            Record::Turning(_) => None,
        }
    }

    /// The record, made if nobody has asked for it before. It is always there: nothing is left half turned.
    pub(super) fn record(&mut self) -> Option<&mut Arc<Job<J>>> {
        let turning = match &self.record {
            Record::Waiting(waiting) => Some(Record::Turning(waiting.cell.id)),
            Record::Told(_) | Record::Turning(_) => None,
        };
        if let Some(turning) = turning
            && let Record::Waiting(waiting) = mem::replace(&mut self.record, turning)
        {
            self.record = Record::Told(Arc::new(waiting.into_job()));
        }
        match &mut self.record {
            Record::Told(job) => Some(job),
            Record::Waiting(_) | Record::Turning(_) => None,
        }
    }
}

impl<J: JobType> OfJob for Entry<J> {
    fn job(&self) -> JobId {
        match &self.record {
            Record::Waiting(waiting) => waiting.cell.id,
            Record::Told(job) => job.id,
            Record::Turning(job) => *job,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    struct Spec(u64);
    impl JobType for Spec {
        type Output = ();
    }

    #[test]
    fn a_million_jobs_fit() {
        assert!(size_of::<Entry<Spec>>() - size_of::<Spec>() <= 32, "{}", size_of::<Entry<Spec>>());
    }
}
