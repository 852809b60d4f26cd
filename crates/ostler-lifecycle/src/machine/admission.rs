//! Who runs next: matching jobs with idle workers, and asking the resource hook.

use std::time::Instant;

use super::Machine;
use super::core::{ASK_AGAIN, Intake};
use crate::assignment::{Assignment, Stage};
use crate::job::Whereabouts;
use crate::slot::{Slot, SlotState};
use crate::{
    Admission, BlockReason, Category, Command, Effect, FailureKind, JobChange, JobFailure, JobId, PluginKey,
    SlotId, Ticket, WorkerChange,
};

impl Machine {
    /// Gives idle workers to those whose turn it is. `fresh` is a job that the hook has just agreed to; every
    /// other one had to wait, so the hook, if there is one, is asked again.
    pub(super) fn dispatch(&mut self, now: Instant, fresh: Option<JobId>, out: &mut Vec<Effect>) {
        if self.paused || self.intake == Intake::Ending || self.intake == Intake::Closed {
            return;
        }
        while self.running() < self.config.max_workers as usize {
            let Some(job) = self.next_in_line() else { return };
            let Some(slot) = self.idle_slot_for(job) else { return };
            self.queue.remove(&mut self.jobs, job);
            if fresh == Some(job) || !self.config.has_hook {
                self.execute(now, slot, job, out);
            } else {
                let ticket = self.next_ticket();
                let deadline = now + self.config.hook_timeout;
                self.slot(slot).enter(SlotState::Reserved { job, ticket }, Some(deadline));
                self.set_whereabouts(job, Whereabouts::InSlot(slot));
                out.push(Effect::AskAdmission { job, ticket });
            }
        }
    }

    /// The job whose turn it is.
    fn next_in_line(&self) -> Option<JobId> {
        self.queue.peek(&self.jobs, |plugin| self.room(plugin))
    }

    /// Jobs that would start now if there were workers for all.
    pub(super) fn wanting(&self) -> usize {
        if self.paused { 0 } else { self.queue.wanting(|plugin| self.room(plugin)) }
    }

    /// How many more jobs of a plugin may start.
    pub(super) fn room(&self, plugin: PluginKey) -> usize {
        let limits = &self.config.plugin_limits;
        let Some((_, limit)) = limits.iter().find(|(limited, _)| *limited == plugin) else {
            return usize::MAX;
        };
        let of_plugin = |job: JobId| self.jobs.get(&job).is_some_and(|entry| entry.plugin == plugin);
        let taken = self.slots.iter().filter_map(Slot::job).filter(|job| of_plugin(*job)).count();
        (*limit as usize).saturating_sub(taken)
    }

    /// An idle worker: rather one that stays than one that is about to be replaced, rather one that has the job's plugin
    /// loaded than one that has not.
    fn idle_slot_for(&self, job: JobId) -> Option<SlotId> {
        let plugin = self.jobs.get(&job)?.plugin;
        let idle = self.slots.iter().filter(|slot| slot.is_idle());
        let best = idle.min_by_key(|slot| (slot.is_to_go(), !slot.life.warm.contains(&plugin)));
        best.map(|slot| slot.id)
    }

    pub(super) fn admission(
        &mut self,
        now: Instant,
        job: JobId,
        ticket: Ticket,
        answer: Admission,
        out: &mut Vec<Effect>,
    ) {
        let asked_by = |state: &SlotState| matches!(state, SlotState::Reserved { job: asked, ticket: current } if *asked == job && *current == ticket);
        let Some(slot) = self.slots.iter().find(|slot| asked_by(&slot.state)).map(|slot| slot.id) else {
            return;
        };
        match answer {
            Admission::Proceed => self.execute(now, slot, job, out),
            Admission::Wait { reason } => {
                self.become_idle(now, slot, out);
                self.block(now, job, BlockReason::Resources { reason }, out);
            }
            Admission::Refuse { reason } => {
                self.become_idle(now, slot, out);
                let message = format!("Resource validation failed: {reason}");
                self.fail(job, JobFailure::new(FailureKind::Refused, Category::Resource, message), out);
            }
        }
    }

    fn execute(&mut self, now: Instant, id: SlotId, job: JobId, out: &mut Vec<Effect>) {
        self.set_whereabouts(job, Whereabouts::InSlot(id));
        let Some(entry) = self.jobs.get_mut(&job) else { return };
        entry.suspect();
        let (attempt, plugin) = (entry.attempt, entry.plugin);
        let stall = entry.stall_timeout().map(|patience| (patience, now));
        let deadline = now + self.config.start_timeout;
        let worker = self.slot(id).worker();
        let request = self.send(worker, Command::Execute { job, attempt }, out);
        let assignment =
            Assignment { job, attempt, request, stage: Stage::Sent, stall, interrupted_at: None };
        let slot = self.slot(id);
        slot.enter(SlotState::Busy(assignment), Some(deadline));
        slot.life.uses(plugin);
        self.listen_to(id, now);
        out.push(Effect::Worker { worker, change: WorkerChange::Busy { job } });
    }

    /// Lets later jobs pass this one until something is freed.
    pub(super) fn block(&mut self, now: Instant, job: JobId, reason: BlockReason, out: &mut Vec<Effect>) {
        let Some(entry) = self.jobs.get_mut(&job) else { return };
        self.queue.push_blocked(entry);
        self.ask_again_at.get_or_insert(now + ASK_AGAIN);
        out.push(Effect::Publish { job, change: JobChange::Blocked(reason) });
    }

    /// Something was freed: everybody who waits for a resource gets another turn.
    pub(super) fn freed(&mut self) {
        self.queue.unblock();
        self.ask_again_at = None;
    }

    fn set_whereabouts(&mut self, job: JobId, whereabouts: Whereabouts) {
        if let Some(entry) = self.jobs.get_mut(&job) {
            entry.whereabouts = whereabouts;
        }
    }
}
