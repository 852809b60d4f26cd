use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::queue::Place;
use crate::retry::{Score, is_crash};
use crate::{FailureKind, JobFailure, PluginKey, RetryPolicy, SlotId};

/// A job that has not ended. What it is doing on a worker stands in the worker's slot, once.
#[derive(Debug)]
pub(crate) struct JobEntry {
    pub(crate) place: Place,
    pub(crate) plugin: PluginKey,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stall_timeout: Option<Duration>,
    /// Until when it must have begun for the first time.
    pub(crate) queue_deadline: Option<Instant>,
    /// None for the pool's.
    pub(crate) retry: Option<Arc<RetryPolicy>>,
    pub(crate) attempt: u32,
    pub(crate) score: Score,
    /// The run that goes on is counted as a crash already.
    pub(crate) suspect: bool,
    pub(crate) whereabouts: Whereabouts,
    /// Why its last run failed.
    pub(crate) evidence: Option<Box<JobFailure>>,
}

impl JobEntry {
    /// Counts a run as a crash before it begins: nobody may be there to count it afterwards.
    pub(crate) fn suspect(&mut self) {
        if !self.suspect {
            self.suspect = true;
            self.score.crashes += 1;
        }
    }

    /// The run was no crash.
    pub(crate) fn acquit(&mut self) {
        if std::mem::take(&mut self.suspect) {
            self.score.crashes -= 1;
        }
    }

    /// The score as it is if the run that goes on fails like this.
    pub(crate) fn score_after(&self, kind: FailureKind) -> Score {
        let mut score = self.score;
        if is_crash(kind) {
            return score;
        }
        score.crashes -= u32::from(self.suspect);
        match kind {
            FailureKind::Interrupted => score.evictions += 1,
            _ => score.failures += 1,
        }
        score
    }
}

/// Where a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whereabouts {
    /// In the queue.
    Queued,
    /// In the queue, but its time has not come.
    Delayed(Instant),
    /// Put aside: it crashed too often.
    Quarantined,
    /// With a slot: reserved for it, busy with it, or dying with it.
    InSlot(SlotId),
    /// With a process that does not die.
    Undead,
}

/// What becomes of the job of a worker that is being killed, once the death is proven.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Fate {
    /// It was cancelled.
    Cancelled,
    /// It failed, and this is why.
    Failed(Box<JobFailure>),
    /// It never began: back to its place in the queue, unblamed.
    Requeued,
}
