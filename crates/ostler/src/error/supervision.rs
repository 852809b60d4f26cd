use ostler_lifecycle::{DownReason, JobId, JobStatus};

/// Why a job cannot be let out of quarantine.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuarantineError {
    /// It is unknown, has ended, waits, or runs.
    #[error("job {job} is not in quarantine")]
    NotQuarantined {
        /// The job.
        job: JobId,
    },
    /// There is nobody to run it.
    #[error("no worker is available: {0}; find out why, then call restart_worker()")]
    WorkerUnavailable(DownReason),
    /// The manager is shut down.
    #[error("the manager is shut down")]
    ShutDown,
}

/// Why a job cannot be run again.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RerunError {
    /// It is not known, or not any more.
    #[error(
        "job {job} is unknown; ended jobs are forgotten as finished_jobs_kept and finished_jobs_kept_for say"
    )]
    Unknown {
        /// The job.
        job: JobId,
    },
    /// It has not ended.
    #[error("job {job} is {status}; only a job that has ended can be run again")]
    NotEnded {
        /// The job.
        job: JobId,
        /// Where it stands.
        status: JobStatus,
    },
}

/// A pool cannot be that large.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be {bound}")]
pub struct ResizeError {
    /// Which number.
    pub field: &'static str,
    /// What it may be.
    pub bound: &'static str,
}
