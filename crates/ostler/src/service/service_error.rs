use ostler_lifecycle::{JobId, JobStatus};

use super::ServiceFailure;

/// Why a [`JobService`](super::JobService) has no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ServiceError {
    /// No such job was created here, or it was cleared.
    #[error("there is no job {id}; create_job returns the ids that are known")]
    JobNotFound {
        /// The id that was asked for.
        id: JobId,
    },
    /// A job runs once.
    #[error("job {id} was run already and is {status}; create a new job to run it again")]
    AlreadyRun {
        /// The job.
        id: JobId,
        /// Where it stands.
        status: JobStatus,
    },
    /// The job ran and failed.
    #[error("the job failed")]
    Failed(#[source] ServiceFailure),
}
