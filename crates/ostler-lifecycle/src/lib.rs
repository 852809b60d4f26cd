//! The rules of a job manager as a pure state machine: jobs, queue, slots, restarts.
mod exit;
mod failure;
mod id;
mod status;

pub use exit::{ExitStatus, Forensics, WorkerExit, signal_name};
pub use failure::{Category, FailureKind, JobFailure};
pub use id::{Generation, JobId, SlotId, WorkerKey};
pub use status::JobStatus;
