//! What happens when time has passed. Each slot has one deadline at most, that of its present state.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use super::workers::end_kind_of;
use crate::job::{Fate, Whereabouts};
use crate::slot::{SlotState, Stage, Undead};
use crate::{Category, Effect, EndReason, FailureKind, JobFailure, JobId, SlotId};

impl Machine {
    /// When to call [`handle`](Self::handle) with [`Input::Tick`](crate::Input::Tick) if nothing else happens first.
    pub fn next_deadline(&self) -> Option<Instant> {
        let drain = match self.intake {
            Intake::Draining { deadline } => Some(deadline),
            Intake::Open | Intake::Ending | Intake::Closed => None,
        };
        let slots = self.slots.iter().flat_map(|slot| [slot.deadline, slot.hung_up]).flatten();
        let controls = self.controls.iter().map(|control| control.deadline);
        slots.chain(controls).chain(self.ask_again_at).chain(drain).min()
    }

    pub(super) fn tick(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for index in 0..self.slots.len() {
            if self.slots[index].hung_up.is_some_and(|deadline| deadline <= now) {
                let message = "it closed its connection and did not exit".to_owned();
                self.fault(now, self.slots[index].id, message, out);
            }
            if self.slots[index].deadline.is_some_and(|deadline| deadline <= now) {
                self.slot_timed_out(now, self.slots[index].id, out);
            }
        }
        self.time_out_controls(now, out);
        if self.ask_again_at.is_some_and(|at| at <= now) {
            self.freed();
        }
        if matches!(self.intake, Intake::Draining { deadline } if deadline <= now) {
            self.end_everything(now, out);
        }
    }

    fn slot_timed_out(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let reason = match &self.slot(id).state {
            SlotState::Waiting => return self.end_wait(now, id, out),
            SlotState::Dying(_) => return self.give_up(now, id, out),
            SlotState::Starting => EndReason::SilentAtStart,
            SlotState::Loading { .. } => EndReason::LoadTimedOut,
            SlotState::Draining => EndReason::Shutdown,
            SlotState::Busy(assignment) => match assignment.stage {
                Stage::Sent => EndReason::Stalled,
                Stage::Running { .. } => EndReason::TimedOut,
                Stage::Leaving => EndReason::Cancelled,
            },
            SlotState::Vacant { .. }
            | SlotState::Idle
            | SlotState::Reserved { .. }
            | SlotState::Controlling { .. } => return,
        };
        let timeout = self.timeout_of_job_in(id);
        let victim = self.slot(id).state.victim(|| {
            let message = match timeout {
                Some(timeout) => format!("the job ran longer than its timeout of {timeout:?} and was killed"),
                None => "the job ran too long and was killed".to_owned(),
            };
            JobFailure::new(FailureKind::TimedOut, Category::Transient, message)
        });
        self.kill(now, id, reason, victim, out);
    }

    /// The delay of the restart policy is over. A pool that shuts down starts only what a job waits for.
    fn end_wait(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let wanted = match self.intake {
            Intake::Open => true,
            Intake::Draining { deadline } => now < deadline && !self.queue.is_empty(),
            Intake::Ending | Intake::Closed => false,
        };
        if wanted {
            self.budget.take(now);
            self.spawn(id, out);
        } else {
            self.slot(id).enter(SlotState::Vacant { owes: true }, None);
        }
    }

    fn timeout_of_job_in(&mut self, id: SlotId) -> Option<std::time::Duration> {
        match &self.slot(id).state {
            SlotState::Busy(assignment) => {
                let job = assignment.job;
                self.jobs.get(&job)?.timeout
            }
            _ => None,
        }
    }

    /// A killed worker does not die: the slot goes on without it.
    fn give_up(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        let (worker, pid) = (slot.worker(), slot.pid);
        let SlotState::Dying(mut death) =
            std::mem::replace(&mut slot.state, SlotState::Vacant { owes: false })
        else {
            return;
        };
        death.victim = self.leave_behind(death.victim, pid, out);
        let (kind, last_end) = (end_kind_of(&death.reason), format!("{}, and does not die", death.reason));
        self.forget_in_controls(worker, out);
        self.undead.push(Undead { worker, pid, death });
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
