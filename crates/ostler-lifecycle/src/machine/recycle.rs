//! Replacing workers that have reached the end of their lives, one at a time, the new one before the old one.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::effect::mib;
use crate::slot::SlotState;
use crate::{DownReason, Effect, EndReason, RecycleReason, SlotId};

impl Machine {
    /// A worker has run a job: it may have reached the end of its life.
    pub(super) fn ran_a_job(&mut self, now: Instant, id: SlotId, resident: u64, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        slot.life.jobs_done += 1;
        let (jobs, baseline) = (slot.life.jobs_done, slot.life.baseline);
        // Who cannot tell what it took has not grown.
        let growth = if baseline == 0 { 0 } else { resident.saturating_sub(baseline) };
        let limit = self.config.recycling.after_growth;
        let too_large = limit.is_some_and(|limit| growth > limit);
        if limit.is_some() && self.growth.after_job(jobs, too_large) {
            self.refuse_growth_limit(now, baseline, growth, out);
        }
        self.check_life(now, id, growth);
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
        for slot in &mut self.slots {
            if slot.retire == Some(EndReason::Recycled(RecycleReason::Growth)) {
                slot.retire = None;
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
        // Who was started as a replacement may be one too many now.
        if self.intake == Intake::Open {
            self.shrink(now, out);
        }
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

    /// Takes the next step: the old one goes once the pool has its number of workers without it; until then a
    /// replacement is started beside it.
    pub(super) fn recycle(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.intake != Intake::Open || self.down.is_some() {
            return;
        }
        let is_old = |slot: &&crate::slot::Slot| {
            slot.is_ready() && matches!(slot.retire, Some(EndReason::Recycled(_)))
        };
        let Some(first) = self.slots.iter().find(is_old) else { return };
        let others = self
            .slots
            .iter()
            .filter(|slot| slot.is_ready() && slot.hung_up.is_none() && slot.retire.is_none())
            .count();
        if others >= self.config.max_workers as usize {
            let idle = self.slots.iter().filter(is_old).find(|slot| matches!(slot.state, SlotState::Idle));
            if let Some((id, Some(reason))) = idle.map(|slot| (slot.id, slot.retire.clone())) {
                self.stop(now, id, reason, out);
            }
        } else if self.taken() <= self.target() && first.is_ready() && !self.pressure.is_on() {
            let id = self.vacant_slot();
            // An empty slot that a fault has left is the restart policy's.
            if matches!(self.slot(id).state, SlotState::Vacant { owes: None }) {
                self.spawn(id, out);
            }
        }
    }

    /// Places that a replacement may take beside all others.
    pub(super) fn surge(&self) -> usize {
        let recycles =
            |slot: &crate::slot::Slot| slot.is_ready() && matches!(slot.retire, Some(EndReason::Recycled(_)));
        usize::from(self.slots.iter().any(recycles))
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
