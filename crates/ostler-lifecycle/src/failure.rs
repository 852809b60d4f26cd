use std::fmt;
use std::time::Duration;

use ostler_wire::Category;
use serde::{Deserialize, Serialize};

use crate::Forensics;

/// What made a job fail.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The plugin returned an error, or could not use the request.
    Plugin,
    /// The plugin panicked; its worker lives on.
    Panicked,
    /// The worker died under the job.
    Crashed,
    /// The job ran longer than its timeout, and its worker was killed; or it did not begin within its queue timeout.
    TimedOut,
    /// The worker did not begin with the job, or it or the job said nothing for too long; it was killed.
    Stalled,
    /// The manager shut down, or the host ran short of memory, before the job could end.
    Interrupted,
    /// The worker broke the protocol; it was killed.
    Protocol,
    /// No worker can be had: the restart policy gave up.
    WorkerUnavailable,
    /// The resource hook refused the job when its turn came.
    Refused,
}

/// Why a job failed, as data.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JobFailure {
    /// What happened.
    pub kind: FailureKind,
    /// Whose turn it is.
    pub category: Category,
    /// What a person should read.
    pub message: String,
    /// What is known of the worker's end, if the job died with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forensics: Option<Box<Forensics>>,
}

impl JobFailure {
    /// A failure without forensics.
    pub fn new(kind: FailureKind, category: Category, message: impl Into<String>) -> Self {
        Self { kind, category, message: message.into(), forensics: None }
    }

    /// A job that ran for longer than its timeout.
    pub(crate) fn ran_too_long(timeout: Duration) -> Self {
        let message = format!("the job ran longer than its timeout of {timeout:?}");
        Self::new(FailureKind::TimedOut, Category::Transient, message)
    }

    /// An error that a plugin or an executor returned.
    pub fn plugin(category: Category, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Plugin, category, message)
    }
}

impl From<&str> for JobFailure {
    fn from(message: &str) -> Self {
        Self::plugin(Category::Fatal, message)
    }
}

impl From<String> for JobFailure {
    fn from(message: String) -> Self {
        Self::plugin(Category::Fatal, message)
    }
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for JobFailure {}
