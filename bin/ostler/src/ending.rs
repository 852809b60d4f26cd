use std::sync::Arc;

use ostler::{CancelError, FailureKind, JobId, JobStatus};

use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::job::{Job, JobHandle};

/// What became of a job.
pub(crate) enum Ending {
    /// It ended.
    Finished(Arc<Job>),
    /// It was killed and does not die; it is in cancelling for as long as that lasts.
    StillDying { id: JobId, error: CancelError },
}

impl Ending {
    /// Waits for a job's end, and cancels it when the user asks for that.
    pub(crate) async fn of(handle: JobHandle, mut interrupt: Interrupt) -> Self {
        tokio::select! {
            job = handle.finished() => return Self::Finished(job),
            () = interrupt.asked() => {}
        }
        match handle.cancel().await {
            // False means that the end came first: then that is what counts.
            Ok(_) => Self::Finished(handle.finished().await),
            Err(error) => Self::StillDying { id: handle.id(), error },
        }
    }

    /// The exit code that says it.
    pub(crate) fn exit(&self) -> Exit {
        let Self::Finished(job) = self else { return Exit::Cancelled };
        match (job.status, &job.error) {
            (JobStatus::Completed, _) => Exit::Completed,
            (JobStatus::Cancelled, _) => Exit::Cancelled,
            (_, Some(failure)) if failure.kind == FailureKind::TimedOut => Exit::TimedOut,
            _ => Exit::Failed,
        }
    }
}
