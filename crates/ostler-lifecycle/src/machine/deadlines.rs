//! What happens when time has passed. Each slot has one deadline at most, that of its present state.
//!
//! What has taken too long is judged in two steps, if it is a worker's or its job's: first the driver feeds in all that the
//! worker has said, then it is judged by that. See `ReadMark`.

use std::time::{Duration, Instant};

use super::Machine;
use super::core::Intake;
use super::jobs::ENDED_AT_ONCE;
use super::workers::end_kind_of;
use crate::assignment::Stage;
use crate::job::{Fate, Whereabouts};
use crate::restart::Fault;
use crate::slot::{SlotState, Undead, Wanted};
use crate::{
    BlockReason, Category, Command, Effect, EndReason, FailureKind, JobFailure, JobId, SlotId, WorkerChange,
    WorkerKey,
};

impl Machine {
    /// When to call [`handle`](Self::handle) with [`Input::Tick`](crate::Input::Tick) if nothing else happens first.
    pub fn next_deadline(&self) -> Option<Instant> {
        // Nothing of these ends anybody's work, so nobody looks whether time is lost meanwhile: an idle host sleeps.
        let starts = self.slots.iter().filter_map(|slot| slot.starts_at());
        let idle_out = self.next_to_idle_out().map(|(at, _)| at);
        let uncounted =
            [self.ask_again_at, self.next_birthday(), idle_out].into_iter().flatten().chain(starts);
        let next = self.counted_deadlines().chain(uncounted).min();
        next.map(|at| self.clock.moment_of(at))
    }

    /// Whether a deadline runs for which it matters how long the host did not run. As long as one does, whoever feeds in
    /// [`Input::HostPaused`](crate::Input::HostPaused) must look often enough whether time was lost.
    pub fn counts_time(&self) -> bool {
        self.counted_deadlines().next().is_some()
    }

    fn counted_deadlines(&self) -> impl Iterator<Item = Instant> {
        let drain = match self.intake {
            Intake::Draining { deadline } => Some(deadline),
            Intake::Open | Intake::Ending | Intake::Closed => None,
        };
        let slots = self.slots.iter().flat_map(|slot| slot.deadlines());
        // As long as the driver reads what one of its workers has said, it cannot be judged.
        let controls = self.controls.iter().filter(|control| !self.is_being_read(control));
        slots
            .chain(controls.map(|control| control.deadline))
            .chain([drain, self.queue.next_deadline()].into_iter().flatten())
    }

    pub(super) fn tick(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for index in 0..self.slots.len() {
            let id = self.slots[index].id;
            if self.slots[index].wait_ends_at().is_some_and(|at| at <= now) {
                self.wait_ended(now, id, out);
            }
            self.ask_for_a_sign_of_life(now, id, out);
            self.judge_all(now, id, out);
        }
        self.check_ages(now);
        self.time_out_controls(now, out);
        if self.ask_again_at.is_some_and(|at| at <= now) {
            self.freed();
        }
        self.end_some_pending(out);
        self.queue.take_due(&mut self.jobs, now, ENDED_AT_ONCE);
        self.time_out_pending(now, out);
        self.let_idle_go(now, out);
        if let Intake::Draining { deadline } = self.intake
            && deadline <= now
        {
            self.end_everything(now, Some(deadline), out);
        }
    }

    /// The driver has fed in all that a worker had said when it was asked to.
    pub(super) fn caught_up(&mut self, now: Instant, worker: WorkerKey, out: &mut Vec<Effect>) {
        let Some(slot) = self.living(worker) else { return };
        let id = slot.id;
        if slot.read.answered() {
            self.judge_all(now, id, out);
            self.time_out_controls(now, out);
        }
    }

    /// Asks the driver to feed in all that the worker has said until now, unless it is at that already.
    pub(super) fn catch_up(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        if slot.read.ask(now) {
            out.push(Effect::CatchUp { worker: slot.worker() });
        }
    }

    /// Judges what took a worker too long, as far as that can be judged by what was read of it, and asks for the rest.
    pub(super) fn judge_all(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        while self.judge(now, id, out) {}
        if self.slot(id).endings().any(|at| at <= now) {
            self.catch_up(now, id, out);
        }
    }

    /// Whether anything was judged. The order is that in which reasons count.
    fn judge(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) -> bool {
        let slot = &self.slots[id.0 as usize];
        // What is read up to a time was read after that time.
        let is_over = |at: Option<Instant>| at.is_some_and(|at| slot.read.covers(at));
        if is_over(slot.hung_up) {
            self.hung_up_for_good(now, id, out);
        } else if is_over(slot.state_ends_at()) {
            self.slot_timed_out(now, id, out);
        } else if is_over(slot.stalls_at()) {
            self.stalled(now, id, out);
        } else if is_over(slot.heartbeat.and_then(|heartbeat| heartbeat.dies_at())) {
            self.gave_no_sign_of_life(now, id, out);
        } else if is_over(slot.interrupted_at()) {
            self.interrupt(now, id, out);
        } else {
            return false;
        }
        true
    }

    /// No worker has a say in this.
    fn wait_ended(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        match self.slot(id).state {
            SlotState::Waiting { after } => self.end_wait(now, id, after, out),
            SlotState::Reserved { job, .. } => self.hook_timed_out(now, id, job, out),
            _ => {}
        }
    }

    /// Why a worker was told to stop counts more than how it does.
    fn hung_up_for_good(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        match &self.slot(id).state {
            SlotState::Draining { reason } => {
                let reason = reason.clone();
                self.kill(now, id, reason, None, out);
            }
            _ => self.fault(now, id, "it closed its connection and did not exit".to_owned(), out),
        }
    }

    fn slot_timed_out(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let reason = match &self.slots[id.0 as usize].state {
            SlotState::Dying(_) => return self.give_up(now, id, out),
            SlotState::Starting => EndReason::SilentAtStart,
            SlotState::Loading { .. } => EndReason::LoadTimedOut,
            SlotState::Draining { reason } => reason.clone(),
            SlotState::Busy(assignment) => match assignment.stage {
                Stage::Sent => EndReason::Stalled,
                Stage::Running { .. } if !self.config.timeout_grace.is_zero() => {
                    return self.ask_to_end(now, id, out);
                }
                Stage::Running { .. } | Stage::Overtime { .. } => EndReason::TimedOut,
                Stage::Leaving => EndReason::Cancelled,
            },
            // Of an operation that a shutdown has refused.
            SlotState::Controlling { .. } => EndReason::ControlTimedOut,
            SlotState::Vacant { .. }
            | SlotState::Waiting { .. }
            | SlotState::Idle
            | SlotState::Reserved { .. } => return,
        };
        let timeout = self.timeout_of_job_in(id);
        let victim = self.slot(id).state.victim(|| JobFailure::ran_too_long(timeout));
        self.kill(now, id, reason, victim, out);
    }

    /// A job has run for as long as it may: it has some time more to end by itself, so that its worker need not be killed.
    fn ask_to_end(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let timeout = self.timeout_of_job_in(id);
        let deadline = now + self.config.timeout_grace;
        let slot = self.slot(id);
        let worker = slot.worker();
        let SlotState::Busy(assignment) = &mut slot.state else { return };
        assignment.stage = Stage::Overtime { timeout };
        slot.deadline = Some(deadline);
        let job = assignment.job;
        let request = self.send(worker, Command::Cancel { job }, out);
        self.slot(id).asked_to_end = Some(request);
    }

    /// Its job reports nothing.
    fn stalled(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let SlotState::Busy(assignment) = &self.slot(id).state else { return };
        let patience = assignment.stall.map(|(patience, _)| patience).unwrap_or_default();
        let victim = self.slot(id).state.victim(|| {
            let message =
                format!("the job reported nothing for its stall_timeout of {patience:?} and was killed");
            JobFailure::new(FailureKind::Stalled, Category::Transient, message)
        });
        self.kill(now, id, EndReason::Silent, victim, out);
    }

    /// Asks a worker that says nothing whether it lives.
    fn ask_for_a_sign_of_life(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        let worker = slot.worker();
        if let Some(heartbeat) = &mut slot.heartbeat
            && heartbeat.asks_at().is_some_and(|at| at <= now)
        {
            heartbeat.ask(now);
            self.send(worker, Command::Ping, out);
        }
    }

    fn gave_no_sign_of_life(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let timeout = self.config.heartbeat_timeout;
        let victim = self.slot(id).state.victim(|| {
            let message = format!(
                "the worker did not answer for {timeout:?} and was killed: its process was stopped, starved or frozen"
            );
            JobFailure::new(FailureKind::Stalled, Category::Transient, message)
        });
        self.kill(now, id, EndReason::Unresponsive, victim, out);
    }

    /// A question that nobody answers must not hold up the others behind it.
    fn hook_timed_out(&mut self, now: Instant, id: SlotId, job: JobId, out: &mut Vec<Effect>) {
        self.become_idle(now, id, out);
        let reason = format!("the resource hook did not answer within {:?}", self.config.hook_timeout);
        self.block(now, job, BlockReason::Resources { reason }, out);
    }

    /// The delay of the restart policy is over. A pool that shuts down starts only what a job waits for; one that was made
    /// smaller may have given its places to others.
    fn end_wait(&mut self, now: Instant, id: SlotId, after: Fault, out: &mut Vec<Effect>) {
        let held = self.slot(id).held;
        let wanted = match self.intake {
            _ if self.taken() > self.target() => false,
            Intake::Open => !held || self.is_wanted_after(id, after),
            Intake::Draining { deadline } => now < deadline && self.wanting() > 0,
            Intake::Ending | Intake::Closed => false,
        };
        if !wanted {
            self.slot(id).enter(SlotState::Vacant { owes: Some(after) }, None);
        } else if held && self.short_of_memory && !self.one_has_to_start() {
            self.slot(id).enter(SlotState::Vacant { owes: Some(after) }, None);
            self.want_later(id, Wanted::default());
        } else {
            self.start_or_hold(now, id, after, out);
        }
    }

    /// How long the job may run that the worker has.
    fn timeout_of_job_in(&self, id: SlotId) -> Duration {
        let job = self.slots[id.0 as usize].job();
        job.and_then(|job| self.jobs.get(&job)?.timeout()).unwrap_or_default()
    }

    /// A killed worker does not die: the slot goes on without it.
    fn give_up(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        let (worker, pid, jobs_done) = (slot.worker(), slot.pid, slot.life.jobs_done);
        let SlotState::Dying(mut death) = std::mem::replace(&mut slot.state, SlotState::VACANT) else {
            return;
        };
        death.victim = self.leave_behind(death.victim, pid, out);
        let (kind, last_end) =
            (end_kind_of(&death.reason, death.was_ready), format!("{}, and does not die", death.reason));
        let reason = death.reason.clone();
        out.push(Effect::Worker { worker, change: WorkerChange::GivenUp { reason } });
        self.forget_in_controls(worker, out);
        self.undead.push(Undead { worker, pid, jobs_done, death });
        self.refill(now, id, kind, last_end, out);
        self.freed();
    }

    /// Decides over the job of a worker that does not die. Only a cancelled one waits for the death.
    fn leave_behind(
        &mut self,
        victim: Option<(JobId, Fate)>,
        pid: Option<u32>,
        out: &mut Vec<Effect>,
    ) -> Option<(JobId, Fate)> {
        match victim? {
            (job, Fate::Cancelled) => {
                if let Some(entry) = self.jobs.get_mut(&job) {
                    entry.whereabouts = Whereabouts::Undead;
                }
                out.push(Effect::StillDying { job, pid });
                Some((job, Fate::Cancelled))
            }
            (job, Fate::Failed(failure)) => {
                self.fail(job, *failure, out);
                None
            }
            // It cannot run a second time: that it never began is no longer certain.
            (job, Fate::Requeued) => {
                let message = "the worker that was sent this job was killed and does not die";
                self.fail(job, JobFailure::new(FailureKind::Stalled, Category::Transient, message), out);
                None
            }
        }
    }
}
