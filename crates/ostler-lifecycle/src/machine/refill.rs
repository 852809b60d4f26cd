//! Filling slots again: what the policy, the budgets and the pending jobs say.

use std::time::{Duration, Instant};

use super::Machine;
use super::core::Intake;
use crate::restart::{self, EndKind, Fault, Refill};
use crate::slot::{Slot, SlotState};
use crate::{Effect, SlotId};

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
        let window = self.config.restart_window;
        let slot = self.slot(id);
        slot.last_end = last_end;
        let wanted = slot.wanted.take();
        match kind {
            EndKind::Fault(_) if wanted.is_none() => {
                // Who was ready for so long did well too.
                let lasted = slot.life.ready_at.is_some_and(|ready_at| ready_at + window <= now);
                slot.faults = if lasted { 1 } else { slot.faults.saturating_add(1) };
            }
            EndKind::Fault(_) | EndKind::Asked => slot.held = false,
        }
        let owes = match kind {
            // Of a slot that somebody wants filled, the past is forgotten.
            EndKind::Fault(fault) if wanted.is_none() => Some(fault),
            EndKind::Fault(_) | EndKind::Asked => None,
        };
        let (beside, old) = (!slot.standing.takes_a_place(), slot.leaves_a_place_for_another());
        slot.life.over = None;
        slot.enter(SlotState::Vacant { owes }, None);
        // Also a pool that shuts down has no more workers than places.
        if old && self.taken() < self.target() {
            self.promote_replacement();
        }
        let goes_on = matches!(self.intake, Intake::Open | Intake::Draining { .. }) && self.down.is_none();
        if goes_on && kind == EndKind::Asked && !beside && !self.short_of_memory {
            self.make_way_for_a_free_start();
        }
        if self.down.is_some() || self.intake != Intake::Open {
            return;
        }
        // A replacement is started by the plan, if anybody is to be replaced; what pending jobs need is seen to by
        // `fill_for_pending`. Both run after every input.
        if beside || self.taken() >= self.target() {
            return;
        }
        let mut policy = restart::refill(self.config.restart_policy, kind, false);
        let held =
            self.slots.iter().filter(|slot| slot.waits_for_budget() && slot.standing.takes_a_place()).count();
        if self.taken() - held >= self.floor() {
            policy = Refill::Leave;
        }
        if self.short_of_memory && !self.slot(id).held {
            if wanted.is_some() || policy != Refill::Leave {
                self.want_later(id, wanted.unwrap_or_default());
            }
        } else if let Some(wanted) = wanted {
            self.spawn(id, out);
            self.slot(id).life.idle_since = wanted.idle_since;
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
        let waiting = self.waiting_after(fault);
        if !self.budget(fault).has_room(now, waiting) {
            return self.refuse_start(now, id, fault, out);
        }
        // Who was held is not tried again at once, whatever the policy says.
        let held = self.slot(id).held;
        match restart::refill(self.config.restart_policy, EndKind::Fault(fault), true) {
            Refill::Now | Refill::Leave if !held => self.start_after_fault(now, id, fault, out),
            _ => {
                let at = now + self.backoff(id);
                self.slot(id).enter(SlotState::Waiting { after: fault }, Some(at));
            }
        }
    }

    /// Whether a worker is to be started here after a fault: the policy says so, a job waits for it, or another worker does
    /// that is to be replaced.
    pub(super) fn is_wanted_after(&self, id: SlotId, fault: Fault) -> bool {
        let policy = restart::refill(self.config.restart_policy, EndKind::Fault(fault), false);
        let beside = !self.slots[id.0 as usize].standing.takes_a_place();
        let replaces = beside && self.slots.iter().any(Slot::is_old);
        policy != Refill::Leave || self.wanting() > 0 || replaces
    }

    /// The delay before the next start in this slot.
    pub(super) fn backoff(&mut self, id: SlotId) -> Duration {
        let (base, max) = (self.config.restart_backoff_base, self.config.restart_backoff_max);
        let before = self.slot(id).faults.saturating_sub(1);
        restart::backoff(base, max, before, &mut self.jitter)
    }

    pub(super) fn start_after_fault(
        &mut self,
        now: Instant,
        id: SlotId,
        fault: Fault,
        out: &mut Vec<Effect>,
    ) {
        self.budget(fault).take(now);
        self.spawn(id, out);
        self.slot(id).charged = Some((fault, now));
    }

    /// Fills empty slots while more jobs wait than workers are free or on their way.
    pub(super) fn fill_for_pending(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let waiting = self.wanting();
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
            let id = self.slots[index].id;
            if self.slots[index].is_vacant() && !self.is_in_the_way(now, id) {
                self.fill(now, id, out);
                coming += usize::from(self.slots[index].is_on_its_way());
            }
        }
    }
}
