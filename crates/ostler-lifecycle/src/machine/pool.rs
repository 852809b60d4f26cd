//! How many workers there are to be, and how many there are.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::slot::{Slot, SlotState, Wanted};
use crate::standing::Standing;
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
        self.slots.iter().filter(|slot| !slot.is_vacant() && slot.standing.takes_a_place()).count()
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
        // Whoever is kept is not missing.
        self.carry_out_size(now, out);
        let missing = self.target() > self.staying().count();
        // Who is on its way out still takes its place: it is filled again after that, whatever the policy says, unless the
        // pool has its size by then.
        for slot in self.slots.iter_mut().filter(|slot| slot.leaves_as_surplus()) {
            slot.wanted = missing.then(Wanted::default);
        }
        self.fill_up(now, out);
    }

    /// Who has had nothing to do for long goes, as long as there are more than the pool keeps: first who has been idle for
    /// longest.
    pub(super) fn let_idle_go(&mut self, now: Instant, out: &mut Vec<Effect>) {
        while let Some((_, id)) = self.next_to_idle_out().filter(|(due, _)| *due <= now) {
            let was_old = self.slot(id).is_old();
            self.stop(now, id, EndReason::Idle, out);
            // Whoever was to replace it would only be idle too.
            if was_old
                && !self.slots.iter().any(|slot| slot.is_old() || slot.dies_old())
                && let Some(replacement) = self.replacement()
            {
                self.let_go(now, replacement, out);
            }
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
        let idle = self.staying().filter(|slot| slot.is_idle());
        idle.filter_map(|slot| Some((slot.life.idle_since? + patience, slot.id))).min()
    }

    /// Workers that nobody has told to go, and those to come. An old one counts until another has taken its place.
    pub(super) fn staying(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.standing.takes_a_place() && (slot.stays() || slot.is_old()))
    }

    /// It is too many, and goes when it is free.
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
            _ if slot.standing.takes_a_place() => slot.standing = Standing::Surplus,
            _ => slot.standing = Standing::Dismissed,
        }
    }
}
