use std::sync::Arc;

use ostler::{CancelError, CancelRequest, FailureKind, JobId, JobStatus};

use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::job::{Job, JobHandle, Manager};
use crate::quarantine;

/// What became of a job.
pub(crate) enum Ending {
    /// It ended.
    Finished(Arc<Job>),
    /// It was killed and does not die; it is in cancelling for as long as that lasts.
    StillDying { id: JobId, error: CancelError },
}

impl Ending {
    /// Waits for a job's end, and cancels it when the user asks for that.
    pub(crate) async fn of(manager: &Manager, handle: JobHandle, mut interrupt: Interrupt) -> Self {
        let finished = async {
            quarantine::refuse(manager, &handle).await;
            handle.finished().await
        };
        let by = tokio::select! {
            job = finished => return Self::Finished(job),
            by = interrupt.asked() => by,
        };
        match manager.cancel_job_with(handle.id(), CancelRequest::new().by(by)).await {
            // False means that the end came first: then that is what counts.
            Ok(_) => Self::Finished(handle.finished().await),
            Err(error) => Self::StillDying { id: handle.id(), error },
        }
    }

    /// Shuts down, and looks again: what a dead worker had left behind is counted after the job's end.
    pub(crate) async fn with_last_evidence(self, manager: &Manager) -> Self {
        // What it says of processes that do not die, it also logs.
        let _ = manager.shutdown().await;
        match self {
            Self::Finished(job) => Self::Finished(manager.get_job(job.id).unwrap_or(job)),
            Self::StillDying { .. } => self,
        }
    }

    /// The exit code that says it.
    pub(crate) fn exit(&self) -> Exit {
        let Self::Finished(job) = self else { return Exit::Cancelled };
        match (job.status, &job.error) {
            (JobStatus::Completed, _) => Exit::Completed,
            (JobStatus::Cancelled, _) => Exit::Cancelled,
            (_, Some(failure)) => match failure.kind {
                FailureKind::TimedOut | FailureKind::Stalled => Exit::TimedOut,
                FailureKind::Interrupted => Exit::Cancelled,
                _ => Exit::Failed,
            },
            (_, None) => Exit::Failed,
        }
    }
}
