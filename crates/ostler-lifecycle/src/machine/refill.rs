//! Filling slots again: what the policy, the budgets and the pending jobs say.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::restart::{self, EndKind, Fault, Refill};
use crate::slot::SlotState;
use crate::{DownReason, Effect, EndReason, SlotId};

impl Machine {
    /// Applies the restart policy to a slot that has just become empty.
    pub(super) fn refill(
        &mut self,
        now: Instant,
        id: SlotId,
        kind: EndKind,
        last_end: String,
        out: &mut Vec<Effect>,
    ) {
        let slot = self.slot(id);
        slot.last_end = last_end;
        let wanted = std::mem::take(&mut slot.wanted);
        let owes = match kind {
            // Of a slot that somebody wants filled, the past is forgotten.
            EndKind::Fault(fault) if !wanted => Some(fault),
            EndKind::Fault(_) | EndKind::Asked => None,
        };
        let (beside, old) = (slot.beside, matches!(slot.retire.take(), Some(EndReason::Recycled(_))));
        slot.enter(SlotState::Vacant { owes }, None);
        if self.down.is_some() || self.intake != Intake::Open {
            return;
        }
        if old {
            self.promote_replacement();
        }
        // A replacement is started by `recycle`, if anybody is to be replaced; what pending jobs need is seen to by
        // `fill_for_pending`. Both run after every input.
        if beside || self.taken() >= self.target() {
            return;
        }
        let policy = restart::refill(self.config.restart_policy, kind, false);
        if self.short_of_memory {
            if wanted || policy != Refill::Leave {
                self.want_later(id);
            }
        } else if wanted {
            self.spawn(id, out);
        } else if policy != Refill::Leave {
            self.fill(now, id, out);
        }
    }

    /// Starts a worker in an empty slot, at the cost of the budget if the last one there ended by a fault.
    pub(super) fn fill(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        match self.slot(id).state {
            SlotState::Vacant { owes: Some(fault) } => self.refill_after_fault(now, id, fault, out),
            _ => self.spawn(id, out),
        }
    }

    fn refill_after_fault(&mut self, now: Instant, id: SlotId, fault: Fault, out: &mut Vec<Effect>) {
        let waits =
            |slot: &&crate::slot::Slot| matches!(slot.state, SlotState::Waiting { after } if after == fault);
        let waiting = self.slots.iter().filter(waits).count();
        let Some(before) = self.budget(fault).used(now, waiting) else {
            let reason = self.spent(id, fault);
            self.go_down(now, reason, out);
            return;
        };
        match restart::refill(self.config.restart_policy, EndKind::Fault(fault), true) {
            Refill::AfterBackoff => {
                let (base, max) = (self.config.restart_backoff_base, self.config.restart_backoff_max);
                let at = now + restart::backoff(base, max, before, &mut self.jitter);
                self.slot(id).enter(SlotState::Waiting { after: fault }, Some(at));
            }
            Refill::Now | Refill::Leave => {
                self.budget(fault).take(now);
                self.spawn(id, out);
            }
        }
    }

    /// Fills empty slots while more jobs wait than workers are free or on their way.
    pub(super) fn fill_for_pending(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let waiting = self.queue.wanting();
        if waiting == 0 || !matches!(self.intake, Intake::Open | Intake::Draining { .. }) {
            return;
        }
        let mut coming = self.slots.iter().filter(|slot| slot.is_on_its_way()).count();
        // Short of memory, one worker has to do.
        let enough = if self.short_of_memory { usize::from(self.running() == 0) } else { waiting };
        for index in 0..self.slots.len() {
            if self.down.is_some() || coming >= enough || self.taken() >= self.target() {
                return;
            }
            if self.slots[index].is_vacant() {
                self.fill(now, self.slots[index].id, out);
                coming += 1;
            }
        }
    }

    fn spent(&mut self, id: SlotId, fault: Fault) -> DownReason {
        let (restarts, window) = (self.config.max_restart_attempts, self.config.restart_window);
        let last_end = self.slot(id).last_end.clone();
        match fault {
            Fault::Crash => DownReason::Crashes { restarts, window, last_end },
            Fault::Load => DownReason::LoadFailures { restarts, window, last_end },
        }
    }

    /// No worker will come. The first reason counts.
    pub(super) fn go_down(&mut self, now: Instant, reason: DownReason, out: &mut Vec<Effect>) {
        if self.down.is_some() {
            return;
        }
        for slot in &mut self.slots {
            if let SlotState::Waiting { after } = slot.state {
                slot.enter(SlotState::Vacant { owes: Some(after) }, None);
            }
        }
        self.down = Some(reason.clone());
        out.push(Effect::Down { reason });
        self.end_pending(now, out);
    }
}
