use ostler_lifecycle::JobFailure;

/// Why a job has no output.
#[derive(Clone, PartialEq, thiserror::Error)]
pub enum JobError {
    /// It failed.
    #[error("{0}")]
    Failed(Box<JobFailure>),
    /// It was cancelled.
    #[error("the job was cancelled")]
    Cancelled,
}

impl JobError {
    /// The failure, if it is one.
    pub fn failure(&self) -> Option<&JobFailure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Cancelled => None,
        }
    }
}
