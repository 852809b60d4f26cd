//! How many workers there are to be, and which of them go when there are too many.

use std::cmp::Reverse;
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

    /// Workers that the pool keeps although there is nothing to do, and that a restart policy may start.
    pub(super) fn floor(&self) -> usize {
        let least = (self.config.min_workers + self.config.standby) as usize;
        if self.config.idle_timeout.is_some() { least.min(self.target()) } else { self.target() }
    }

    /// Places that are taken: by a worker, also one that is dying, or by one whose time to start has not come.
    pub(super) fn taken(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.is_vacant() && !slot.beside).count()
    }

    /// Jobs that workers have, or are reserved for. A worker that is being killed does not count: another one may
    /// take its place.
    pub(super) fn running(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_taken()).count()
    }

    /// An empty slot, made if there is none; rather one that a fault has left, since somebody has to pay for that.
    pub(super) fn vacant_slot(&mut self) -> SlotId {
        let vacant = self.slots.iter().filter(|slot| slot.is_vacant());
        if let Some(slot) = vacant.min_by_key(|slot| matches!(slot.state, SlotState::Vacant { owes: None })) {
            return slot.id;
        }
        self.add_slot()
    }

    pub(super) fn add_slot(&mut self) -> SlotId {
        let id = SlotId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        self.slots.push(Slot::new(id));
        id
    }

    /// Starts workers until there are as many as there are to be, or notes that they are wanted.
    fn fill_up(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.short_of_memory {
            return self.want_all_later();
        }
        while self.down.is_none() && self.taken() < self.floor() {
            let id = self.vacant_slot();
            self.fill(now, id, out);
        }
    }

    pub(super) fn resize(&mut self, now: Instant, max_workers: u32, standby: u32, out: &mut Vec<Effect>) {
        self.config.max_workers = max_workers;
        self.config.standby = standby;
        // Also a pool that shuts down may have jobs that wait for them.
        while self.slots.len() < self.target() {
            self.add_slot();
        }
        // A pool that is down gets its size when it comes up again.
        if self.intake == Intake::Open && self.down.is_none() {
            self.fit(now, out);
        }
    }

    /// Brings the pool to its size.
    pub(super) fn fit(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let mut missing = self.target().saturating_sub(self.staying().count());
        for slot in self.slots.iter_mut().filter(|slot| slot.retire == Some(EndReason::Surplus)) {
            if missing > 0 && slot.is_ready() {
                slot.stay();
                missing -= 1;
            }
        }
        // Who is on its way out still takes its place: it is filled again after that, whatever the policy says, unless the
        // pool has its size by then.
        for slot in self.slots.iter_mut().filter(|slot| slot.leaves_as_surplus()) {
            slot.wanted = missing > 0;
        }
        self.fill_up(now, out);
        self.shrink(now, out);
    }

    /// Who has had nothing to do for long goes, as long as there are more than the pool keeps: first who has been idle for
    /// longest.
    pub(super) fn let_idle_go(&mut self, now: Instant, out: &mut Vec<Effect>) {
        while let Some((_, id)) = self.next_to_idle_out().filter(|(due, _)| *due <= now) {
            self.stop(now, id, EndReason::Idle, out);
        }
    }

    /// The next that goes because it has nothing to do, and when. Nobody does while a job waits that could start.
    pub(super) fn next_to_idle_out(&self) -> Option<(Instant, SlotId)> {
        let patience = self.config.idle_timeout?;
        let is_open = self.intake == Intake::Open && self.down.is_none();
        // Who waits for its budget is no worker that is kept.
        let kept = self.staying().filter(|slot| !slot.waits_for_budget()).count();
        if !is_open || self.wanting() > 0 || kept <= self.floor() {
            return None;
        }
        let idle = self.slots.iter().filter(|slot| slot.is_idle() && slot.retire.is_none() && !slot.beside);
        idle.filter_map(|slot| Some((slot.life.idle_since? + patience, slot.id))).min()
    }

    /// Workers that nobody has told to go, and those to come. An old one counts until another has taken its place.
    fn staying(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| !slot.beside && (slot.stays() || slot.is_old()))
    }

    /// Whether a worker that was to go when it is free still has to.
    pub(super) fn is_too_many(&self) -> bool {
        self.intake == Intake::Open && self.staying().count() >= self.target()
    }

    /// Lets go of those who are too many: first who is of no use yet, last who has a job, and that one ends first.
    fn shrink(&mut self, now: Instant, out: &mut Vec<Effect>) {
        // Whoever goes may end an operation of the pool, by which others have to go as well: so it is counted each time.
        for _ in 0..self.slots.len() {
            if self.staying().count() <= self.target() {
                return;
            }
            let least = |slot: &&Slot| (usefulness(&slot.state), !slot.is_old(), Reverse(slot.id));
            let Some(id) = self.staying().min_by_key(least).map(|slot| slot.id) else { return };
            self.let_go(now, id, out);
        }
    }

    /// Of those who are too many the first one that is free goes: if a busy one was to go, it stays instead.
    pub(super) fn go_for_a_busy_one(&mut self, id: SlotId) {
        let slot = self.slot(id);
        if slot.beside || !(slot.retire.is_none() || slot.is_old()) {
            return;
        }
        // A replacement that nobody needs takes no place that another one could give up for it.
        let busy = |slot: &&mut Slot| {
            !slot.beside
                && slot.retire == Some(EndReason::Surplus)
                && matches!(slot.state, SlotState::Busy(_))
        };
        if let Some(other) = self.slots.iter_mut().find(busy) {
            other.retire = None;
            self.slot(id).retire = Some(EndReason::Surplus);
        }
    }

    pub(super) fn let_go(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        match slot.state {
            SlotState::Waiting { after } => {
                slot.held = false;
                slot.enter(SlotState::Vacant { owes: Some(after) }, None);
            }
            SlotState::Starting | SlotState::Loading { .. } => {
                self.kill(now, id, EndReason::Surplus, None, out);
            }
            SlotState::Idle => self.stop(now, id, EndReason::Surplus, out),
            _ => slot.retire = Some(EndReason::Surplus),
        }
    }
}

/// How much is lost with a worker in this state.
fn usefulness(state: &SlotState) -> u8 {
    match state {
        SlotState::Vacant { .. } | SlotState::Waiting { .. } => 0,
        SlotState::Starting | SlotState::Loading { .. } => 1,
        SlotState::Idle => 2,
        SlotState::Controlling { .. } => 3,
        SlotState::Reserved { .. } => 4,
        SlotState::Busy(_) | SlotState::Draining { .. } | SlotState::Dying(_) => 5,
    }
}
