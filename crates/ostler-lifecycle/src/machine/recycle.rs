//! Replacing workers that have reached the end of their lives, one at a time, the new one before the old one.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::effect::mib;
use crate::slot::{Slot, SlotState};
use crate::{DownReason, Effect, EndReason, RecycleReason, SlotId};

impl Machine {
    /// A worker has run a job: it may have reached the end of its life. True if that showed that a limit is futile: who
    /// was started as a replacement may be one too many now.
    pub(super) fn ran_a_job(
        &mut self,
        now: Instant,
        id: SlotId,
        resident: u64,
        out: &mut Vec<Effect>,
    ) -> bool {
        let slot = self.slot(id);
        slot.life.jobs_done += 1;
        let (jobs, baseline) = (slot.life.jobs_done, slot.life.baseline);
        // Who cannot tell what it took has not grown.
        let growth = if baseline == 0 { 0 } else { resident.saturating_sub(baseline) };
        let limit = self.config.recycling.after_growth;
        let too_large = limit.is_some_and(|limit| growth > limit);
        let futile = limit.is_some() && self.growth.after_job(jobs, too_large);
        if futile {
            self.refuse_growth_limit(now, baseline, growth, out);
        }
        self.check_life(now, id, growth);
        futile
    }

    /// Marks a worker that has reached the end of its life.
    pub(super) fn check_life(&mut self, now: Instant, id: SlotId, growth: u64) {
        let slot = &self.slots[id.0 as usize];
        let Some(ready_at) = slot.life.ready_at.filter(|_| slot.retire.is_none()) else { return };
        let age = now.saturating_duration_since(ready_at);
        if let Some(reason) = self.config.recycling.reached(slot.life.jobs_done, age, growth) {
            self.slot(id).retire = Some(EndReason::Recycled(reason));
        }
    }

    fn refuse_growth_limit(&mut self, now: Instant, baseline: u64, growth: u64, out: &mut Vec<Effect>) {
        let limit = self.config.recycling.after_growth.take().unwrap_or_default();
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.retire == Some(EndReason::Recycled(RecycleReason::Growth)) {
                slot.retire = None;
                // It may have reached another limit since.
                let id = slot.id;
                self.check_life(now, id, 0);
            }
        }
        let figures = format!(
            "recycling after a growth of {} is off: the last workers each grew by more with their first job, the last one \
             from {} by {}, so every job would get a worker of its own",
            mib(limit),
            mib(baseline),
            mib(growth)
        );
        out.push(Effect::RecyclingRefused { figures });
    }

    /// When the next worker that is ready has reached its age.
    pub(super) fn next_birthday(&self) -> Option<Instant> {
        let limit = self.config.recycling.after_age?;
        let due = self.slots.iter().filter(|slot| slot.is_ready() && slot.retire.is_none());
        due.filter_map(|slot| slot.life.ready_at).map(|ready_at| ready_at + limit).min()
    }

    pub(super) fn check_ages(&mut self, now: Instant) {
        if self.config.recycling.after_age.is_none() {
            return;
        }
        for index in 0..self.slots.len() {
            if self.slots[index].is_ready() {
                self.check_life(now, self.slots[index].id, 0);
            }
        }
    }

    /// Takes the next step: an old one goes once the pool has its number of workers without it, other old ones among
    /// them; until then a replacement is started beside it.
    pub(super) fn recycle(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.intake != Intake::Open || self.down.is_some() {
            return;
        }
        while let Some((id, reason)) = self.dispensable() {
            // It made room for another one, whatever the policy says.
            self.slot(id).wanted = true;
            self.stop(now, id, reason, out);
        }
        let Some(first) = self.slots.iter().find(|slot| is_old(slot)) else { return };
        let enough = self.serving_beside(first) >= self.config.max_workers as usize;
        if !enough && self.taken() <= self.target() && !self.pressure.is_on() {
            // An empty slot that a fault has left comes first: its start is one after a fault.
            let left_by_fault = |slot: &&Slot| matches!(slot.state, SlotState::Vacant { owes: Some(_) });
            let id = self.slots.iter().find(left_by_fault).map(|slot| slot.id);
            let id = id.unwrap_or_else(|| self.vacant_slot());
            self.fill(now, id, out);
        }
    }

    /// Who has reached the end of its life and can go now.
    fn dispensable(&self) -> Option<(SlotId, EndReason)> {
        let enough = |slot: &&Slot| self.serving_beside(slot) >= self.config.max_workers as usize;
        let idle = |slot: &&Slot| is_old(slot) && matches!(slot.state, SlotState::Idle);
        let slot = self.slots.iter().filter(idle).find(enough)?;
        slot.retire.clone().map(|reason| (slot.id, reason))
    }

    /// Workers beside this one that can run jobs and are not to go for another reason than their age.
    fn serving_beside(&self, slot: &Slot) -> usize {
        let serves = |other: &&Slot| {
            other.is_ready() && other.hung_up.is_none() && (other.retire.is_none() || is_old(other))
        };
        self.slots.iter().filter(serves).filter(|other| other.id != slot.id).count()
    }

    /// Places that a replacement may take beside all others.
    pub(super) fn surge(&self) -> usize {
        usize::from(self.slots.iter().any(is_old))
    }

    /// A worker has its plugins loaded. Whether a limit would end it, and all that come after it, at once.
    pub(super) fn hopeless_limit(&self, id: SlotId, now: Instant) -> Option<String> {
        let life = &self.slots[id.0 as usize].life;
        if let Some(limit) = self.config.memory.max_resident.filter(|&limit| life.baseline >= limit) {
            return Some(format!(
                "a worker may take {} of memory and takes {} once its plugins are loaded",
                mib(limit),
                mib(life.baseline)
            ));
        }
        let (limit, spawned_at) = (self.config.recycling.after_age?, life.spawned_at?);
        let loading = now.saturating_duration_since(spawned_at);
        (limit <= loading).then(|| {
            format!(
                "a worker is recycled at the age of {limit:?} and takes {loading:.1?} to load its plugins"
            )
        })
    }

    /// Ends a worker that a limit would end again and again, and the pool with it.
    pub(super) fn refuse_limit(&mut self, now: Instant, id: SlotId, figures: String, out: &mut Vec<Effect>) {
        self.kill(now, id, EndReason::LoadFailed(figures.clone()), None, out);
        self.go_down(now, DownReason::LimitTooLow { figures }, out);
    }
}

/// Whether its worker has reached the end of its life.
fn is_old(slot: &Slot) -> bool {
    slot.is_ready() && matches!(slot.retire, Some(EndReason::Recycled(_)))
}
