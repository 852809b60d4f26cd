use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::RetryPolicy;

use super::cell::JobCell;
use super::{Job, JobType, Metadata, NewJob};

/// A job that waits, and nobody has looked at: just what its record will be made of. A record is several times as large,
/// and most of it is about what has not happened yet.
pub(crate) struct Waiting<J: JobType> {
    pub(super) cell: Arc<JobCell<J>>,
    spec: J,
    metadata: Metadata,
    terms: Option<Box<Terms>>,
}

/// What most jobs do not ask for.
struct Terms {
    timeout: Option<Duration>,
    queue_timeout: Option<Duration>,
    stall_timeout: Option<Duration>,
    retry: Option<Arc<RetryPolicy>>,
}

impl<J: JobType> Waiting<J> {
    /// A job that was just asked for. The attachments of its request are no part of the record.
    pub(crate) fn new(cell: Arc<JobCell<J>>, job: Job<J>) -> Self {
        let Job { spec, metadata, timeout, queue_timeout, stall_timeout, retry, .. } = job;
        let is_plain =
            timeout.is_none() && queue_timeout.is_none() && stall_timeout.is_none() && retry.is_none();
        let terms = || Box::new(Terms { timeout, queue_timeout, stall_timeout, retry });
        Self { cell, spec, metadata, terms: (!is_plain).then(terms) }
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.terms.as_ref()?.timeout
    }

    pub(super) fn into_job(self) -> Job<J> {
        let Self { cell, spec, metadata, terms } = self;
        let new = NewJob { priority: cell.priority, metadata, ..NewJob::new(cell.plugin.clone(), spec) };
        let new = match terms {
            None => new,
            Some(terms) => {
                let Terms { timeout, queue_timeout, stall_timeout, retry } = *terms;
                NewJob { timeout, queue_timeout, stall_timeout, retry, ..new }
            }
        };
        new.into_job(cell.id, cell.created_at).0
    }
}
