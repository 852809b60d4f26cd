use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::lane::Links;
use crate::place::Place;
use crate::retry::{Score, is_crash};
use crate::{FailureKind, JobFailure, JobId, OfJob, PluginKey, RetryPolicy, SlotId, Submit};

/// A job that has not ended. What it is doing on a worker stands in the worker's slot, once.
#[derive(Debug)]
pub(crate) struct JobEntry {
    pub(crate) job: JobId,
    pub(crate) place: Place,
    pub(crate) links: Links,
    pub(crate) plugin: PluginKey,
    pub(crate) attempt: u32,
    pub(crate) score: Score,
    /// The run that goes on is counted as a crash already.
    pub(crate) suspect: bool,
    pub(crate) whereabouts: Whereabouts,
    /// Among which of the queue's crowds it waits.
    pub(crate) crowd: u16,
    /// Apart, because a million jobs may wait that have nothing of it.
    rare: Option<Box<Rare>>,
}

/// What most jobs do not have.
#[derive(Default, Debug)]
struct Rare {
    timeout: Option<Duration>,
    stall_timeout: Option<Duration>,
    queue_deadline: Option<Instant>,
    delayed_until: Option<Instant>,
    retry: Option<Arc<RetryPolicy>>,
    evidence: Option<Box<JobFailure>>,
}

impl OfJob for JobEntry {
    fn job(&self) -> JobId {
        self.job
    }
}

impl JobEntry {
    /// A new job, which is in no lane yet.
    pub(crate) fn new(submit: Submit, place: Place, queue_deadline: Option<Instant>) -> Self {
        let Submit { job, plugin, timeout, stall_timeout, retry, .. } = submit;
        let is_plain =
            timeout.is_none() && stall_timeout.is_none() && queue_deadline.is_none() && retry.is_none();
        let rare = || Box::new(Rare { timeout, stall_timeout, queue_deadline, retry, ..Rare::default() });
        Self {
            job,
            place,
            links: Links::default(),
            plugin,
            attempt: 1,
            score: Score::default(),
            suspect: false,
            whereabouts: Whereabouts::InLane,
            crowd: 0,
            rare: (!is_plain).then(rare),
        }
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.rare.as_ref()?.timeout
    }

    pub(crate) fn stall_timeout(&self) -> Option<Duration> {
        self.rare.as_ref()?.stall_timeout
    }

    /// Until when it must have begun for the first time.
    pub(crate) fn queue_deadline(&self) -> Option<Instant> {
        self.rare.as_ref()?.queue_deadline
    }

    pub(crate) fn take_queue_deadline(&mut self) -> Option<Instant> {
        self.rare.as_mut()?.queue_deadline.take()
    }

    /// None for the pool's.
    pub(crate) fn retry(&self) -> Option<&Arc<RetryPolicy>> {
        self.rare.as_ref()?.retry.as_ref()
    }

    /// Lets it wait until its time has come.
    pub(crate) fn delay(&mut self, until: Instant) {
        self.whereabouts = Whereabouts::Delayed;
        self.rare.get_or_insert_default().delayed_until = Some(until);
    }

    /// Until when it waits, if it is delayed.
    pub(crate) fn delayed_until(&self) -> Option<Instant> {
        self.rare.as_ref()?.delayed_until
    }

    /// Remembers why its last run failed.
    pub(crate) fn set_evidence(&mut self, failure: Box<JobFailure>) {
        self.rare.get_or_insert_default().evidence = Some(failure);
    }

    pub(crate) fn take_evidence(&mut self) -> Option<Box<JobFailure>> {
        self.rare.as_mut()?.evidence.take()
    }

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
    /// In the queue, as it came.
    InLane,
    /// In the queue, at its old place: it has come back, or waits for a resource.
    Returned,
    /// In the queue, but its time has not come.
    Delayed,
    /// Put aside: it crashed too often.
    Quarantined,
    /// With a slot: reserved for it, busy with it, or dying with it.
    InSlot(SlotId),
    /// With a process that does not die.
    Undead,
}

impl Whereabouts {
    /// Whether it waits for its turn.
    pub(crate) fn is_in_line(self) -> bool {
        matches!(self, Self::InLane | Self::Returned)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_jobs_fit() {
        assert_eq!(size_of::<JobEntry>(), 72);
    }
}
