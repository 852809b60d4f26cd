//! What waits: whether it may start, and how much there is of it.

use ostler_lifecycle::{BlockReason, Input, JobId};
use serde_json::Value;

use super::{JobManager, JobRequest};
use crate::engine::Cargo;
use crate::{JobCounts, JobType, RerunError};

impl<J: JobType> JobManager<J> {
    /// From now on no job starts, until [`resume`](Self::resume). Those that were given to a worker go on, also to their
    /// end, and are cancelled and timed out as ever. New ones are accepted and wait.
    ///
    /// The time that jobs may wait goes on as well: a `queue_timeout` says how long its caller is patient, whatever the
    /// reason. A shutdown does not end the pause: it waits for what runs, and what waits then ends as `Interrupted` at its
    /// deadline, unless it is resumed before. A manager that is paused twice is resumed by one call.
    pub fn pause(&self) {
        self.core().feed(Input::Pause, Cargo::None);
    }

    /// Lets jobs start again, in the order in which they would have.
    pub fn resume(&self) {
        self.core().feed(Input::Resume, Cargo::None);
    }

    /// Whether the manager is [paused](Self::pause).
    pub fn is_paused(&self) -> bool {
        self.core().is_paused()
    }

    /// Why a pending job does not start, as things stand now: the manager is paused, as many jobs of its plugin run as may,
    /// or what stands on its record as [`block_reason`](crate::Job::block_reason). `None` if it only waits for its turn,
    /// and for a job that is not pending or unknown.
    pub fn why_waits(&self, id: JobId) -> Option<BlockReason> {
        self.core().why_waits(id)
    }

    /// A job that has ended, to be started again as a new job, which has [`rerun_of`](crate::Job::rerun_of) on its record.
    /// It has the same plugin, spec, priority, timeouts, retry policy, and the metadata that the old one has now; the request
    /// may change all but the first two before it is [started](JobRequest::start). What was attached to the old request is
    /// not kept: attach it again.
    ///
    /// # Errors
    /// The job is unknown, or has not ended.
    pub fn rerun(&self, id: JobId) -> Result<JobRequest<'_, J>, RerunError> {
        let old = self.get_job(id).ok_or(RerunError::Unknown { job: id })?;
        if !old.status.is_terminal() {
            return Err(RerunError::NotEnded { job: id, status: old.status });
        }
        Ok(JobRequest::new(self, old.again()))
    }

    /// Remembers a value of a job under a name, in the place of the one that it has, also after the job's end: true, unless
    /// the job is unknown. Its record and its events have it, and so have the manager's events. Whoever got the record
    /// before has it as it was. What is remembered of a job takes memory as long as its record.
    pub fn set_metadata(&self, id: JobId, name: impl Into<String>, value: impl Into<Value>) -> bool {
        self.core().set_metadata(id, name.into(), value.into())
    }

    /// How many jobs there are, by where they stand. It costs the same however many they are.
    pub fn counts(&self) -> JobCounts {
        self.core().read(|ledger| ledger.counts())
    }
}
