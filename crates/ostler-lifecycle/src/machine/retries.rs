//! A run has failed: whether the job runs again, waits in quarantine, or has failed.

use std::sync::Arc;
use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::job::Whereabouts;
use crate::retry::Verdict;
use crate::{BlockReason, Effect, JobChange, JobFailure, JobId, NotReleased, Outcome, RetryPolicy};

impl Machine {
    /// Decides over a job whose run has failed, and of which no code runs any more.
    pub(super) fn run_failed(
        &mut self,
        now: Instant,
        job: JobId,
        failure: Box<JobFailure>,
        out: &mut Vec<Effect>,
    ) {
        // A worker that broke the protocol may have begun without a word.
        self.need_not_begin_by_a_time(job);
        let Some(entry) = self.jobs.get_mut(&job) else { return };
        entry.score = entry.score_after(failure.kind);
        entry.suspect = false;
        let policy = Arc::clone(entry.retry().unwrap_or(&self.config.retry));
        match policy.verdict(failure.kind, failure.category, entry.score) {
            Verdict::Retry => self.try_again(now, job, &policy, failure, out),
            Verdict::Quarantine if self.intake == Intake::Open => self.quarantine(job, failure, out),
            Verdict::Fail | Verdict::Quarantine => self.settle(job, Outcome::Failed(failure), out),
        }
    }

    /// Whether a job may run again, or wait in quarantine, after a run that ends like this.
    pub(super) fn would_go_on(&self, job: JobId, failure: &JobFailure) -> bool {
        let Some(entry) = self.jobs.get(&job) else { return false };
        let policy = entry.retry().unwrap_or(&self.config.retry);
        match policy.verdict(failure.kind, failure.category, entry.score_after(failure.kind)) {
            Verdict::Fail => false,
            Verdict::Retry => match self.intake {
                // A pool that is down may be up again by then.
                Intake::Open => true,
                Intake::Draining { .. } => self.down.is_none(),
                Intake::Ending | Intake::Closed => false,
            },
            Verdict::Quarantine => self.intake == Intake::Open,
        }
    }

    fn try_again(
        &mut self,
        now: Instant,
        job: JobId,
        policy: &RetryPolicy,
        failure: Box<JobFailure>,
        out: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.jobs.get_mut(&job) else { return };
        let delay = policy.delay(entry.score, &mut self.jitter);
        let until = now + delay;
        let in_time = match self.intake {
            Intake::Open => true,
            Intake::Draining { deadline } => until < deadline,
            Intake::Ending | Intake::Closed => false,
        };
        // A worker that will not come is no reason to hide why it failed.
        if !in_time || self.down.is_some() {
            return self.settle(job, Outcome::Failed(failure), out);
        }
        entry.attempt += 1;
        let attempt = entry.attempt;
        entry.set_evidence(failure.clone());
        if delay.is_zero() {
            self.queue.push_returned(entry);
        } else {
            self.queue.push_delayed(until, entry);
        }
        let reason = BlockReason::Retry { attempt, delay, failure };
        out.push(Effect::Publish { job, change: JobChange::Blocked(reason) });
    }

    fn quarantine(&mut self, job: JobId, failure: Box<JobFailure>, out: &mut Vec<Effect>) {
        let Some(entry) = self.jobs.get_mut(&job) else { return };
        entry.whereabouts = Whereabouts::Quarantined;
        self.quarantine.insert(entry.place, job);
        entry.set_evidence(failure.clone());
        let reason = BlockReason::Quarantined { crashes: entry.score.crashes, failure };
        out.push(Effect::Publish { job, change: JobChange::Blocked(reason) });
    }

    /// Whether a job is in quarantine.
    pub fn is_quarantined(&self, job: JobId) -> bool {
        self.jobs.get(&job).is_some_and(|entry| entry.whereabouts == Whereabouts::Quarantined)
    }

    /// The jobs in quarantine, by priority and then by age.
    pub fn quarantined(&self) -> impl Iterator<Item = JobId> {
        self.quarantine.values().copied()
    }

    /// Whether a job would be let out of quarantine now. A full queue does not matter: the job was in it before.
    ///
    /// # Errors
    /// The reason why not: a pool that is down or ends has no chance to give.
    pub fn can_release(&self, job: JobId) -> Result<(), NotReleased> {
        if !self.is_quarantined(job) {
            return Err(NotReleased::NotQuarantined);
        }
        if self.intake != Intake::Open {
            return Err(NotReleased::ShutDown);
        }
        self.down.as_ref().map_or(Ok(()), |reason| Err(NotReleased::Down(reason.clone())))
    }

    /// Another chance, with a clean record; else the job stays where it is.
    pub(super) fn release(&mut self, job: JobId, out: &mut Vec<Effect>) {
        if self.can_release(job).is_err() {
            return;
        }
        let Some(entry) = self.jobs.get_mut(&job) else { return };
        entry.score = crate::retry::Score::default();
        entry.attempt += 1;
        self.quarantine.remove(&entry.place);
        self.queue.push_returned(entry);
        out.push(Effect::Publish { job, change: JobChange::Released });
    }

    /// It fails with its last crash.
    pub(super) fn give_up_quarantined(&mut self, job: JobId, out: &mut Vec<Effect>) {
        if !self.is_quarantined(job) {
            return;
        }
        self.take_out(job);
        let evidence = self.jobs.get_mut(&job).and_then(|entry| entry.take_evidence());
        if let Some(failure) = evidence {
            self.settle(job, Outcome::Failed(failure), out);
        }
    }

    /// A pool that shuts down lets nobody out of quarantine any more.
    pub(super) fn give_up_all_quarantined(&mut self, out: &mut Vec<Effect>) {
        let jobs: Vec<JobId> = self.quarantined().collect();
        for job in jobs {
            self.give_up_quarantined(job, out);
        }
    }
}
