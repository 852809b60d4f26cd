use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::{JobId, RetryPolicy};

use super::cell::JobCell;
use super::{Job, JobType, Metadata, NewJob};

/// A job that waits, and nobody has looked at: just what its record will be made of. A record is several times as large,
/// and most of it is about what has not happened yet.
pub(crate) struct Waiting<J: JobType> {
    pub(super) cell: Arc<JobCell<J>>,
    spec: J,
    rare: Option<Box<Rare>>,
}

/// What most jobs do not have.
struct Rare {
    metadata: Metadata,
    timeout: Option<Duration>,
    queue_timeout: Option<Duration>,
    stall_timeout: Option<Duration>,
    retry: Option<Arc<RetryPolicy>>,
    rerun_of: Option<JobId>,
}

impl<J: JobType> Waiting<J> {
    /// A job that was just asked for. The attachments of its request are no part of the record.
    pub(crate) fn new(cell: Arc<JobCell<J>>, job: Job<J>) -> Self {
        let Job { spec, metadata, timeout, queue_timeout, stall_timeout, retry, rerun_of, .. } = job;
        let has_timeout = timeout.is_some() || queue_timeout.is_some() || stall_timeout.is_some();
        let is_plain = metadata.is_empty() && !has_timeout && retry.is_none() && rerun_of.is_none();
        let rare = || Box::new(Rare { metadata, timeout, queue_timeout, stall_timeout, retry, rerun_of });
        Self { cell, spec, rare: (!is_plain).then(rare) }
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.rare.as_ref()?.timeout
    }

    pub(super) fn into_job(self) -> Job<J> {
        let Self { cell, spec, rare } = self;
        let new = NewJob { priority: cell.priority, ..NewJob::new(cell.plugin.clone(), spec) };
        let new = match rare {
            None => new,
            Some(rare) => {
                let Rare { metadata, timeout, queue_timeout, stall_timeout, retry, rerun_of } = *rare;
                NewJob { metadata, timeout, queue_timeout, stall_timeout, retry, rerun_of, ..new }
            }
        };
        new.into_job(cell.id, cell.created_at).0
    }
}
