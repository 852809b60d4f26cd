//! How many workers there are to be, and which of them go when there are too many.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::slot::{Slot, SlotState};
use crate::{Effect, EndReason, SlotId};

impl Machine {
    /// Workers that the pool keeps: those that run jobs, and the standbys.
    pub(super) fn target(&self) -> usize {
        (self.config.max_workers + self.config.standby) as usize
    }

    /// Places that are taken: by a worker, also one that is dying, or by one whose time to start has not come.
    pub(super) fn taken(&self) -> usize {
        self.slots.iter().filter(|slot| !matches!(slot.state, SlotState::Vacant { .. })).count()
    }

    /// Jobs that workers have, or are reserved for. A worker that is being killed does not count: another one may
    /// take its place.
    pub(super) fn running(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_taken()).count()
    }

    /// An empty slot, made if there is none.
    pub(super) fn vacant_slot(&mut self) -> SlotId {
        if let Some(slot) = self.slots.iter().find(|slot| matches!(slot.state, SlotState::Vacant { .. })) {
            return slot.id;
        }
        self.add_slot()
    }

    fn add_slot(&mut self) -> SlotId {
        let id = SlotId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        self.slots.push(Slot::new(id));
        id
    }

    /// Starts workers until there are as many as there are to be.
    pub(super) fn fill_up(&mut self, out: &mut Vec<Effect>) {
        while self.taken() < self.target() {
            let id = self.vacant_slot();
            self.spawn(id, out);
        }
    }

    pub(super) fn resize(&mut self, now: Instant, max_workers: u32, standby: u32, out: &mut Vec<Effect>) {
        self.config.max_workers = max_workers;
        self.config.standby = standby;
        while self.slots.len() < self.target() {
            self.add_slot();
        }
        if self.intake != Intake::Open {
            return;
        }
        let mut missing = self.target().saturating_sub(self.staying());
        for slot in &mut self.slots {
            if missing > 0 && slot.retire == Some(EndReason::Surplus) && slot.is_ready() {
                slot.retire = None;
                missing -= 1;
            }
        }
        if self.staying() < self.target() {
            self.grow(now, out);
        }
        self.shrink(now, out);
    }

    /// Starts workers until there are as many as there are to be, and those that follow a fault within the budget. On a
    /// host that is short of memory they come later.
    fn grow(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let missing = self.target().saturating_sub(self.taken());
        let vacant = |slot: &&Slot| matches!(slot.state, SlotState::Vacant { .. });
        let vacant: Vec<SlotId> =
            self.slots.iter().filter(vacant).map(|slot| slot.id).take(missing).collect();
        for id in vacant {
            if self.pressure.is_on() {
                self.slot(id).wanted = true;
            } else if self.down.is_none() {
                self.fill(now, id, out);
            }
        }
    }

    /// Workers that nobody has told to go, and those to come.
    pub(super) fn staying(&self) -> usize {
        let stays = |slot: &&Slot| {
            let goes = matches!(
                slot.state,
                SlotState::Vacant { .. } | SlotState::Dying(_) | SlotState::Draining { .. }
            );
            !goes && slot.retire.is_none()
        };
        self.slots.iter().filter(stays).count()
    }

    /// Lets go of those who are too many: first who is of no use yet, last who has a job, and that one ends first.
    pub(super) fn shrink(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let mut excess = self.staying().saturating_sub(self.target());
        let order: [fn(&SlotState) -> bool; 4] = [
            |state| matches!(state, SlotState::Waiting { .. }),
            |state| matches!(state, SlotState::Starting | SlotState::Loading { .. }),
            |state| matches!(state, SlotState::Idle),
            |_| true,
        ];
        for fits in order {
            for index in (0..self.slots.len()).rev() {
                let slot = &self.slots[index];
                let stays = slot.retire.is_none()
                    && !matches!(
                        slot.state,
                        SlotState::Vacant { .. } | SlotState::Dying(_) | SlotState::Draining { .. }
                    );
                if excess > 0 && stays && fits(&slot.state) {
                    self.let_go(now, slot.id, out);
                    excess -= 1;
                }
            }
        }
    }

    fn let_go(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        match slot.state {
            SlotState::Waiting { after } => slot.enter(SlotState::Vacant { owes: Some(after) }, None),
            SlotState::Starting | SlotState::Loading { .. } => {
                self.kill(now, id, EndReason::Surplus, None, out);
            }
            SlotState::Idle => self.stop(now, id, EndReason::Surplus, out),
            _ => slot.retire = Some(EndReason::Surplus),
        }
    }
}
