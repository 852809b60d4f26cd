use std::fmt;

use ostler_lifecycle::JobFailure;

use super::chain;

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

/// As a `main` that returns it prints it.
impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
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
