//! Filling slots again: what the policy, the budgets and the pending jobs say.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use super::jobs::unavailable;
use crate::restart::{self, EndKind, Fault, Refill};
use crate::slot::SlotState;
use crate::{DownReason, Effect, SlotId};

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
        let owes = match kind {
            EndKind::Asked => None,
            EndKind::Fault(fault) => Some(fault),
        };
        let slot = self.slot(id);
        slot.last_end = last_end;
        slot.enter(SlotState::Vacant { owes }, None);
        if self.down.is_some() || self.intake != Intake::Open {
            return;
        }
        if self.taken() >= self.target() + self.surge() {
            self.slot(id).wanted = false;
            return;
        }
        // It had to go to make room for something else than another one: what is promised comes afterwards.
        if self.pressure.is_on() {
            let promised = self.promises_restart(kind);
            self.slot(id).wanted |= promised;
            return;
        }
        if self.slot(id).wanted {
            return self.spawn(id, out);
        }
        // What pending jobs need is seen to by `fill_for_pending`, which runs after every input.
        match (restart::refill(self.config.restart_policy, kind, false), kind) {
            (Refill::Leave, _) => {}
            (Refill::Now | Refill::AfterBackoff, EndKind::Asked) => self.spawn(id, out),
            (Refill::Now | Refill::AfterBackoff, EndKind::Fault(fault)) => {
                self.refill_after_fault(now, id, fault, out);
            }
        }
    }

    /// Whether the policy fills a slot again after such an end, also if nothing is pending.
    pub(super) fn promises_restart(&self, kind: EndKind) -> bool {
        restart::refill(self.config.restart_policy, kind, false) != Refill::Leave
    }

    /// Fills an empty slot that nobody needs to go on: not if that would spend the budget.
    pub(super) fn fill(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let SlotState::Vacant { owes } = self.slot(id).state else { return };
        match owes {
            None => self.spawn(id, out),
            Some(fault) if self.starts_after(now, fault).is_some() => {
                self.refill_after_fault(now, id, fault, out);
            }
            Some(_) => {}
        }
    }

    /// Starts after this kind of fault, made and to come, if there may be one more.
    fn starts_after(&mut self, now: Instant, fault: Fault) -> Option<u32> {
        let waits =
            |slot: &&crate::slot::Slot| matches!(slot.state, SlotState::Waiting { after } if after == fault);
        let waiting = self.slots.iter().filter(waits).count();
        self.budget(fault).used(now, waiting)
    }

    pub(super) fn refill_after_fault(
        &mut self,
        now: Instant,
        id: SlotId,
        fault: Fault,
        out: &mut Vec<Effect>,
    ) {
        let Some(before) = self.starts_after(now, fault) else {
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
        let enough = if self.pressure.is_on() { usize::from(self.running() == 0) } else { waiting };
        for index in 0..self.slots.len() {
            if self.down.is_some() || coming >= enough || self.taken() >= self.target() {
                return;
            }
            if let SlotState::Vacant { owes } = self.slots[index].state {
                let id = self.slots[index].id;
                match owes {
                    Some(fault) => self.refill_after_fault(now, id, fault, out),
                    None => self.spawn(id, out),
                }
                coming += 1;
            }
        }
    }

    /// Whether a job waits and nobody runs one, nor will soon without this slot.
    pub(super) fn one_worker_is_needed(&self, id: SlotId) -> bool {
        let coming = self.slots.iter().any(|slot| slot.id != id && slot.is_on_its_way());
        self.queue.wanting() > 0 && self.running() == 0 && !coming
    }

    fn spent(&mut self, id: SlotId, fault: Fault) -> DownReason {
        let (restarts, window) = (self.config.max_restart_attempts, self.config.restart_window);
        let last_end = self.slot(id).last_end.clone();
        match fault {
            Fault::Crash => DownReason::Crashes { restarts, window, last_end },
            Fault::Load => DownReason::LoadFailures { restarts, window, last_end },
        }
    }

    /// The first reason counts: what ends while the pool is down changes nothing.
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
        let failure = unavailable(reason.to_string());
        out.push(Effect::Down { reason });
        self.fail_pending(now, &failure, out);
    }
}
