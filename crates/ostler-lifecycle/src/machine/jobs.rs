//! A job's way in, and its ways out.

use std::time::{Duration, Instant};

use super::Machine;
use super::core::Intake;
use crate::assignment::Stage;
use crate::job::{Fate, JobEntry, Whereabouts};
use crate::slot::{Death, SlotState};
use crate::{
    Category, Command, DownReason, Effect, EndReason, FailureKind, JobChange, JobFailure, JobId, Outcome,
    Rejection, SlotId, Submit,
};

/// Jobs that are ended in one step because of one thing that happened to all of them. A million may wait, and whoever
/// wants something else done must not wait until all are told; nor shall a worker that is to be killed.
pub(super) const ENDED_AT_ONCE: usize = 1_024;

impl Machine {
    /// Whether a job would be accepted now.
    ///
    /// # Errors
    /// The reason why not; nothing changed.
    pub fn can_accept(&self) -> Result<(), Rejection> {
        if self.intake != Intake::Open {
            return Err(Rejection::ShutDown);
        }
        if let Some(reason) = &self.down {
            return Err(Rejection::Down(reason.clone()));
        }
        let capacity = self.config.queue_capacity;
        if capacity > 0 && self.queue.len() >= capacity {
            return Err(Rejection::QueueFull { capacity });
        }
        Ok(())
    }

    /// Queues the job. Returns it if the resource hook has just agreed, so that it need not be asked again.
    pub(super) fn submit(
        &mut self,
        now: Instant,
        mut submit: Submit,
        out: &mut Vec<Effect>,
    ) -> Option<JobId> {
        if let Err(rejection) = self.can_accept() {
            out.push(Effect::Reject { job: submit.job, rejection });
            return None;
        }
        let (job, blocked) = (submit.job, submit.blocked.take());
        let place = self.queue.new_place(now, submit.priority);
        let queue_deadline = submit.queue_timeout.map(|patience| now + patience);
        let Ok(spot) = self.jobs.add(JobEntry::new(submit, place, queue_deadline)) else {
            debug_assert!(false, "the job {job} is here already");
            return None;
        };
        if let Some(deadline) = queue_deadline {
            self.queue.set_deadline(deadline, place, job);
        }
        out.push(Effect::Publish { job, change: JobChange::Queued });
        match blocked {
            None => {
                self.queue.push_new(&mut self.jobs, spot);
                Some(job)
            }
            Some(reason) => {
                self.block(now, job, reason, out);
                None
            }
        }
    }

    pub(super) fn cancel(
        &mut self,
        now: Instant,
        job: JobId,
        grace: Option<Duration>,
        out: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.jobs.get(&job) else { return };
        match entry.whereabouts {
            Whereabouts::InSlot(slot) => self.cancel_in_slot(now, job, slot, grace, out),
            Whereabouts::Undead => self.report_undead(job, out),
            Whereabouts::InLane | Whereabouts::Returned | Whereabouts::Delayed | Whereabouts::Quarantined => {
                self.take_out(job);
                self.settle(job, Outcome::Cancelled(None), out);
            }
        }
    }

    /// Takes a pending job out, wherever it waits.
    pub(super) fn take_out(&mut self, job: JobId) {
        self.queue.remove(&mut self.jobs, job);
        if let Some(entry) = self.jobs.get(&job) {
            self.quarantine.remove(&entry.place);
        }
    }

    fn cancel_in_slot(
        &mut self,
        now: Instant,
        job: JobId,
        id: SlotId,
        asked_grace: Option<Duration>,
        out: &mut Vec<Effect>,
    ) {
        let grace = asked_grace.unwrap_or(self.config.cancel_grace);
        let slot = self.slot(id);
        let worker = slot.worker();
        match &mut slot.state {
            SlotState::Reserved { .. } => {
                self.become_idle(now, id, out);
                self.settle(job, Outcome::Cancelled(None), out);
            }
            SlotState::Dying(_) => self.cancel_in_dying(job, id, out),
            SlotState::Busy(assignment) if assignment.stage == Stage::Leaving => {
                // Nobody who asks again makes it longer.
                if let Some(patience) = asked_grace {
                    let sooner =
                        slot.deadline.map_or(now + patience, |deadline| deadline.min(now + patience));
                    slot.deadline = Some(sooner);
                    if sooner <= now {
                        self.kill(now, id, EndReason::Cancelled, Some((job, Fate::Cancelled)), out);
                    }
                }
            }
            SlotState::Busy(assignment) => {
                let running = matches!(assignment.stage, Stage::Running { .. });
                out.push(Effect::Publish { job, change: JobChange::Cancelling });
                // It was asked to end already. Nobody who asks again makes it longer.
                if let Stage::Overtime { .. } = assignment.stage
                    && !grace.is_zero()
                {
                    assignment.stage = Stage::Leaving;
                    slot.deadline = slot.deadline.map(|deadline| deadline.min(now + grace));
                    return;
                }
                // A job that never began has nothing to tidy up.
                if grace.is_zero() || !running {
                    self.kill(now, id, EndReason::Cancelled, Some((job, Fate::Cancelled)), out);
                } else {
                    assignment.stage = Stage::Leaving;
                    slot.deadline = Some(now + grace);
                    self.send(worker, Command::Cancel { job }, out);
                }
            }
            state => debug_assert!(false, "job {job} is in slot {id}, which is {state:?}"),
        }
    }

    /// The job is being cancelled already, or ended for a reason that came first. Or it would begin elsewhere, since it
    /// never began or may be tried again: that it must not.
    fn cancel_in_dying(&mut self, job: JobId, id: SlotId, out: &mut Vec<Effect>) {
        let goes_on = match &self.slot(id).state {
            SlotState::Dying(Death { victim: Some((_, Fate::Failed(failure))), .. }) => {
                let failure = failure.clone();
                self.would_go_on(job, &failure)
            }
            SlotState::Dying(Death { victim: Some((_, Fate::Requeued)), .. }) => true,
            _ => false,
        };
        if let (true, SlotState::Dying(death)) = (goes_on, &mut self.slot(id).state) {
            death.victim = Some((job, Fate::Cancelled));
            out.push(Effect::Publish { job, change: JobChange::Cancelling });
        }
    }

    fn report_undead(&mut self, job: JobId, out: &mut Vec<Effect>) {
        let holder = self
            .undead
            .iter()
            .find(|undead| undead.death.victim.as_ref().is_some_and(|(victim, _)| *victim == job));
        if let Some(undead) = holder {
            out.push(Effect::StillDying { job, pid: undead.pid });
        }
    }

    /// The one place where a job ends.
    pub(super) fn settle(&mut self, job: JobId, outcome: Outcome, out: &mut Vec<Effect>) {
        let Some(mut entry) = self.jobs.remove(&job) else { return };
        if let Some(deadline) = entry.take_queue_deadline() {
            self.queue.clear_deadline(deadline, entry.place);
        }
        out.push(Effect::Settle { job, outcome });
    }

    /// It has begun, or may have, or never will: its `queue_timeout` is no longer counted.
    pub(super) fn need_not_begin_by_a_time(&mut self, job: JobId) {
        let Some(entry) = self.jobs.get_mut(&job) else { return };
        if let Some(deadline) = entry.take_queue_deadline() {
            self.queue.clear_deadline(deadline, entry.place);
        }
    }

    pub(super) fn fail(&mut self, job: JobId, failure: JobFailure, out: &mut Vec<Effect>) {
        self.settle(job, Outcome::Failed(Box::new(failure)), out);
    }

    /// Back to its own place, unblamed.
    pub(super) fn requeue(&mut self, now: Instant, job: JobId, out: &mut Vec<Effect>) {
        if let Some(reason) = &self.down {
            let failure = unavailable(reason);
            self.fail(job, failure, out);
        } else if self.intake == Intake::Ending {
            self.fail(job, interrupted(), out);
        } else if let Some(entry) = self.jobs.get_mut(&job) {
            entry.acquit();
            if entry.queue_deadline().is_some_and(|deadline| deadline <= now) {
                return self.fail(job, waited_too_long(), out);
            }
            self.queue.push_returned(entry);
        }
    }

    /// Ends all jobs that wait, but for those in quarantine: they wait for no worker. If they are many, the rest follows
    /// with the next ticks, whatever happens meanwhile: none of them starts any more.
    pub(super) fn end_pending(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.queue.doom_all(now, self.why_pending_end());
        self.end_some_pending(out);
        for index in 0..self.slots.len() {
            if let SlotState::Reserved { job, .. } = self.slots[index].state {
                self.become_idle(now, self.slots[index].id, out);
                let failure = self.why_pending_end();
                self.fail(job, failure, out);
            }
        }
    }

    /// Those that wait for their next attempt fail as they did before.
    pub(super) fn end_some_pending(&mut self, out: &mut Vec<Effect>) {
        for _ in 0..ENDED_AT_ONCE {
            let Some((job, failure)) = self.queue.pop_doomed(&mut self.jobs) else { return };
            let delayed = self.jobs.get_mut(&job).filter(|entry| entry.whereabouts == Whereabouts::Delayed);
            let failure = delayed.and_then(JobEntry::take_evidence).unwrap_or_else(|| Box::new(failure));
            self.settle(job, Outcome::Failed(failure), out);
        }
    }

    fn why_pending_end(&self) -> JobFailure {
        match &self.down {
            Some(reason) => unavailable(reason),
            None => interrupted(),
        }
    }

    /// Ends the jobs that have waited too long for their first start. One that was just sent is left alone: if it comes
    /// back, it is ended then.
    pub(super) fn time_out_pending(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for job in self.queue.take_overdue(now, ENDED_AT_ONCE) {
            let Some(whereabouts) = self.jobs.get(&job).map(|entry| entry.whereabouts) else { continue };
            match whereabouts {
                Whereabouts::InSlot(slot) if matches!(self.slot(slot).state, SlotState::Reserved { .. }) => {
                    self.become_idle(now, slot, out);
                }
                // It was sent, and may be cancelled meanwhile.
                Whereabouts::InSlot(_) | Whereabouts::Undead => continue,
                Whereabouts::InLane
                | Whereabouts::Returned
                | Whereabouts::Delayed
                | Whereabouts::Quarantined => {}
            }
            self.take_out(job);
            self.fail(job, waited_too_long(), out);
        }
    }
}

fn waited_too_long() -> JobFailure {
    let message = "no worker began with the job within its queue_timeout";
    JobFailure::new(FailureKind::TimedOut, Category::Resource, message)
}

fn unavailable(why: &DownReason) -> JobFailure {
    JobFailure::new(FailureKind::WorkerUnavailable, Category::Fatal, format!("no worker is available: {why}"))
}

pub(super) fn interrupted() -> JobFailure {
    let message = "the manager shut down before the job ended";
    JobFailure::new(FailureKind::Interrupted, Category::Transient, message)
}
