//! Filling slots again: what the policy, the budget and the pending jobs say.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use super::jobs::unavailable;
use crate::restart::{self, EndKind, Refill};
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
        let slot = self.slot(id);
        slot.last_end = last_end;
        slot.enter(SlotState::Vacant { owes: kind == EndKind::Fault }, None);
        if self.down.is_some() || self.intake != Intake::Open {
            return;
        }
        if self.slot(id).wanted {
            return self.spawn(id, out);
        }
        // What pending jobs need is seen to by `fill_for_pending`, which runs after every input.
        match (restart::refill(self.config.restart_policy, kind, false), kind) {
            (Refill::Leave, _) => {}
            (Refill::Now | Refill::AfterBackoff, EndKind::Asked) => self.spawn(id, out),
            (Refill::Now | Refill::AfterBackoff, EndKind::Fault) => self.refill_after_fault(now, id, out),
        }
    }

    fn refill_after_fault(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let waiting = self.slots.iter().filter(|slot| matches!(slot.state, SlotState::Waiting)).count();
        let Some(before) = self.budget.used(now, waiting) else {
            self.go_down(now, id, out);
            return;
        };
        match restart::refill(self.config.restart_policy, EndKind::Fault, true) {
            Refill::AfterBackoff => {
                let (base, max) = (self.config.restart_backoff_base, self.config.restart_backoff_max);
                let at = now + restart::backoff(base, max, before, &mut self.jitter);
                self.slot(id).enter(SlotState::Waiting, Some(at));
            }
            Refill::Now | Refill::Leave => {
                self.budget.take(now);
                self.spawn(id, out);
            }
        }
    }

    /// Fills empty slots while more jobs wait than workers are free or on their way.
    pub(super) fn fill_for_pending(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.queue.is_empty() || !matches!(self.intake, Intake::Open | Intake::Draining { .. }) {
            return;
        }
        let mut coming = self.slots.iter().filter(|slot| slot.is_on_its_way()).count();
        for index in 0..self.slots.len() {
            if self.down.is_some() || coming >= self.queue.len() {
                return;
            }
            if let SlotState::Vacant { owes } = self.slots[index].state {
                let id = self.slots[index].id;
                if owes {
                    self.refill_after_fault(now, id, out);
                } else {
                    self.spawn(id, out);
                }
                coming += 1;
            }
        }
    }

    fn go_down(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let last_end = self.slot(id).last_end.clone();
        let reason = DownReason {
            restarts: self.config.max_restart_attempts,
            window: self.config.restart_window,
            last_end,
        };
        for slot in &mut self.slots {
            if matches!(slot.state, SlotState::Waiting) {
                slot.enter(SlotState::Vacant { owes: true }, None);
            }
        }
        self.down = Some(reason.clone());
        let failure = unavailable(reason.to_string());
        out.push(Effect::Down { reason });
        self.fail_pending(now, &failure, out);
    }
}
