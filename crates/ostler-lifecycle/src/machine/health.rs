//! What the pool does when a start is not allowed: it goes on with the workers that live, or it is down.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::restart::Fault;
use crate::slot::{Slot, SlotState};
use crate::{DegradedReason, DownReason, Effect, Health, SlotId};

impl Machine {
    /// A budget does not allow the start of a worker here. While another one lives, or may be started, the slot is held until
    /// there is room again.
    pub(super) fn refuse_start(&mut self, now: Instant, id: SlotId, fault: Fault, out: &mut Vec<Effect>) {
        let last_end = self.slot(id).last_end.clone();
        let reason = self.spent(last_end, fault);
        // It takes a place from now on, if it is held.
        if self.nobody_will_live(now) && !self.may_start_freely(1) {
            return self.go_down(now, reason.into(), out);
        }
        self.slot(id).held = true;
        let backed_off = now + self.backoff(id);
        self.hold(now, id, fault, backed_off);
        if !self.degraded {
            self.degraded = true;
            out.push(Effect::Degraded { reason });
        }
    }

    /// The slot has waited for its time: starts a worker there, unless others have taken the room in the budget meanwhile.
    pub(super) fn start_or_hold(&mut self, now: Instant, id: SlotId, fault: Fault, out: &mut Vec<Effect>) {
        let itself = usize::from(self.slot(id).waits_for_its_time());
        let others = self.waiting_after(fault).saturating_sub(itself);
        if self.budget(fault).has_room(now, others) {
            self.start_after_fault(now, id, fault, out);
        } else {
            self.hold(now, id, fault, now);
        }
    }

    /// Lets a slot wait until the budget has room, and not less than until then.
    pub(super) fn hold(&mut self, now: Instant, id: SlotId, fault: Fault, not_before: Instant) {
        let waiting = self.waiting_after(fault);
        let room_at = self.budget(fault).room_at(now, waiting);
        self.slot(id).enter(SlotState::Waiting { after: fault }, room_at.map(|at| at.max(not_before)));
    }

    /// Starts that are decided and have yet to come.
    pub(super) fn waiting_after(&self, fault: Fault) -> usize {
        let waits = |state: &SlotState| matches!(state, SlotState::Waiting { after } if *after == fault);
        self.slots.iter().filter(|slot| slot.waits_for_its_time() && waits(&slot.state)).count()
    }

    /// Whether there is no process, and none will be started within the budget. One that is dying may leave a place that is
    /// filled without asking the budget.
    fn nobody_will_live(&mut self, now: Instant) -> bool {
        if self.slots.iter().any(|slot| slot.has_worker() || slot.waits_for_its_time()) {
            return false;
        }
        // Nobody waits for its time, so that all room is for those that are held.
        let room_for = [Fault::Crash, Fault::Load].map(|fault| (fault, self.budget(fault).has_room(now, 0)));
        let only_backs_off = |slot: &Slot| slot.why_held().is_some_and(|why| room_for.contains(&(why, true)));
        !self.slots.iter().any(only_backs_off)
    }

    fn spent(&self, last_end: String, fault: Fault) -> DegradedReason {
        let window = self.config.restart_window;
        match fault {
            Fault::Crash => {
                DegradedReason::Crashes { restarts: self.config.max_restart_attempts, window, last_end }
            }
            Fault::Load => {
                DegradedReason::LoadFailures { restarts: self.config.max_start_attempts, window, last_end }
            }
        }
    }

    /// Why the first of those that are held is.
    fn why_degraded(&self) -> Option<DegradedReason> {
        let held = self.slots.iter().find_map(|slot| Some((slot.why_held()?, slot.last_end.clone())));
        held.map(|(fault, last_end)| self.spent(last_end, fault))
    }

    /// A worker is ready: if its start followed one that failed, what was in the way may be gone for the others as well.
    pub(super) fn start_has_helped(&mut self, now: Instant, id: SlotId) {
        let slot = self.slot(id);
        let held = std::mem::take(&mut slot.held);
        let charged = slot.charged.take();
        if let Some((Fault::Load, taken_at)) = charged {
            self.load_budget.give_back(taken_at);
        }
        let helped = held || matches!(charged, Some((Fault::Load, _)));
        let waits = |state: &SlotState| matches!(state, SlotState::Waiting { after: Fault::Load });
        if helped && let Some(next) = self.slots.iter_mut().find(|slot| slot.held && waits(&slot.state)) {
            next.deadline = Some(now);
        }
    }

    /// After every input: whether workers are still missing, and whether anybody is left.
    pub(super) fn judge_health(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if !self.degraded {
            return;
        }
        // Who is not wanted any more is not missing.
        for slot in self.slots.iter_mut().filter(|slot| slot.is_vacant() && slot.wanted.is_none()) {
            slot.held = false;
        }
        if !self.slots.iter().any(|slot| slot.held) {
            self.degraded = false;
            if self.intake == Intake::Open {
                out.push(Effect::Recovered);
            }
        } else if self.nobody_will_live(now)
            && !self.may_start_freely(0)
            && let Some(reason) = self.why_degraded()
        {
            self.go_down(now, reason.into(), out);
        }
    }

    /// A place in the pool is better filled by a worker that can be started than kept for one that is held.
    pub(super) fn make_way_for_a_free_start(&mut self) {
        if self.taken() < self.target() {
            return;
        }
        let waits = |slot: &&mut Slot| slot.waits_for_budget() && slot.standing.takes_a_place();
        if let Some(slot) = self.slots.iter_mut().find(waits)
            && let SlotState::Waiting { after } = slot.state
        {
            slot.held = false;
            slot.enter(SlotState::Vacant { owes: Some(after) }, None);
        }
    }

    /// Whether a start in this empty slot would be refused and take the last place, where one in another slot costs nothing.
    pub(super) fn is_in_the_way(&mut self, now: Instant, id: SlotId) -> bool {
        let SlotState::Vacant { owes: Some(fault) } = self.slot(id).state else { return false };
        let waiting = self.waiting_after(fault);
        !self.budget(fault).has_room(now, waiting) && self.may_start_freely(0) && !self.may_start_freely(1)
    }

    /// Whether a worker can be started when a job wants it, without asking a budget, when so many places more are taken.
    fn may_start_freely(&self, more: usize) -> bool {
        let free = |state: &SlotState| matches!(state, SlotState::Vacant { owes: None });
        self.taken() + more < self.target() && self.slots.iter().any(|slot| free(&slot.state))
    }

    /// No worker will come. The first reason counts.
    pub(super) fn go_down(&mut self, now: Instant, reason: DownReason, out: &mut Vec<Effect>) {
        if self.down.is_some() {
            return;
        }
        self.degraded = false;
        for slot in &mut self.slots {
            slot.held = false;
            if let SlotState::Waiting { after } = slot.state {
                slot.enter(SlotState::Vacant { owes: Some(after) }, None);
            }
        }
        self.down = Some(reason.clone());
        out.push(Effect::Down { reason });
        self.end_pending(now, out);
    }

    /// Whether the pool has the workers that it should have, and if not, why.
    pub fn health(&self) -> Health {
        if let Some(reason) = &self.down {
            return Health::Down { reason: reason.clone() };
        }
        let missing = self.slots.iter().filter(|slot| slot.held).count();
        match self.why_degraded() {
            Some(reason) => Health::Degraded { missing: u32::try_from(missing).unwrap_or(u32::MAX), reason },
            None => Health::Healthy,
        }
    }
}
