use ostler::{DeathCause, FailureKind, JobFailure, JobStatus, LimitKind};

use crate::job::Job;

/// What one line adds to the tally.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Mark {
    pub(super) result: LineResult,
    /// Workers that it cost.
    pub(super) crashed: u64,
    /// Workers that it cost because they took more memory than they may.
    pub(super) over_memory: u64,
    /// It needed more than one attempt.
    pub(super) again: bool,
    /// It crashed so often that it was put into quarantine.
    pub(super) quarantined: bool,
    /// Nobody was left to run it.
    pub(super) unavailable: bool,
}

/// How a line came out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum LineResult {
    Completed,
    #[default]
    Failed,
    /// The batch was stopped before its job could end.
    Interrupted,
}

impl Mark {
    pub(super) fn of(job: &Job, quarantined: bool) -> Self {
        let failures = || crate::attempts::before_the_last(job).iter().chain(job.error.as_deref());
        let kind = job.error.as_ref().map(|failure| failure.kind);
        let result = match (job.status, kind) {
            (JobStatus::Completed, _) => LineResult::Completed,
            (JobStatus::Cancelled, _) | (_, Some(FailureKind::Interrupted)) => LineResult::Interrupted,
            _ => LineResult::Failed,
        };
        let count = |is: fn(&JobFailure) -> bool| failures().filter(|failure| is(failure)).count() as u64;
        Self {
            result,
            crashed: count(|failure| is_crash(failure) && !is_over_memory(failure)),
            over_memory: count(is_over_memory),
            again: job.attempt > 1,
            quarantined,
            unavailable: kind == Some(FailureKind::WorkerUnavailable),
        }
    }

    /// Of a line that is no job.
    pub(super) fn no_job(unavailable: bool) -> Self {
        Self { unavailable, ..Self::default() }
    }
}

fn is_crash(failure: &JobFailure) -> bool {
    matches!(failure.kind, FailureKind::Crashed | FailureKind::Protocol)
}

fn is_over_memory(failure: &JobFailure) -> bool {
    let cause = failure.forensics.as_ref().map(|forensics| &forensics.cause);
    matches!(cause, Some(DeathCause::Limit { limit: LimitKind::Memory }))
}
