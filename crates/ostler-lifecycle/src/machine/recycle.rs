//! Replacing workers that have reached the end of their lives, one at a time, the new one before the old one.

use std::time::Instant;

use super::Machine;
use crate::bytes::mib;
use crate::slot::{Slot, Wanted};
use crate::standing::{Over, Standing};
use crate::{DownReason, Effect, EndReason, RecycleReason, SlotId};

impl Machine {
    /// A worker has run a job: it may have reached the end of its life.
    pub(super) fn ran_a_job(&mut self, now: Instant, id: SlotId, resident: u64, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        slot.life.jobs_done += 1;
        let (jobs, baseline) = (slot.life.jobs_done, slot.life.baseline);
        // Of a worker whose first size is not known, nobody knows how it has grown.
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
        // A replacement has its own life before it when it has taken its place.
        let Some(ready_at) = slot.life.ready_at.filter(|_| slot.may_grow_old()) else { return };
        let age = now.saturating_duration_since(ready_at);
        if let Some(reason) = self.config.recycling.reached(slot.life.jobs_done, age, growth) {
            self.slot(id).life.over = Some(Over::Old(reason));
        }
    }

    fn refuse_growth_limit(&mut self, now: Instant, baseline: u64, growth: u64, out: &mut Vec<Effect>) {
        let limit = self.config.recycling.after_growth.take().unwrap_or_default();
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.life.over == Some(Over::Old(RecycleReason::Growth)) {
                slot.life.over = None;
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
        let due = self.slots.iter().filter(|slot| slot.may_grow_old());
        due.filter_map(|slot| slot.life.ready_at).map(|ready_at| ready_at + limit).min()
    }

    pub(super) fn check_ages(&mut self, now: Instant) {
        let Some(limit) = self.config.recycling.after_age else { return };
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.life.ready_at.is_some_and(|ready_at| ready_at + limit <= now) {
                self.check_life(now, slot.id, 0);
            }
        }
    }

    /// The replacement, if there is one, has the place from now on. Otherwise a standby takes over, or nobody does, and another
    /// worker is started there when this one is gone, whatever the policy says.
    pub(super) fn hand_over(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let takes_a_place = self.slot(id).standing.takes_a_place();
        match self.replacement().filter(|_| takes_a_place) {
            Some(new) if self.slot(new).has_worker() => {
                let old = self.slot(id);
                old.standing = Standing::Replaced;
                let idle_since = old.life.idle_since;
                let new = self.slot(new);
                new.standing = Standing::Member;
                // It is there for a new life and not for a new wait, unless it has worked meanwhile.
                if new.life.jobs_done == 0 && !new.is_taken() {
                    new.life.idle_since = idle_since;
                }
            }
            // One whose time to start has not come is worth less than one that can be started at once.
            waiting => {
                if let Some(new) = waiting {
                    self.let_go(now, new, out);
                }
                let slot = self.slot(id);
                slot.wanted = Some(Wanted { needs: 0, idle_since: slot.life.idle_since });
            }
        }
    }

    pub(super) fn start_replacement(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let id = self.vacant_slot();
        self.fill(now, id, out);
        let slot = self.slot(id);
        if !slot.is_vacant() {
            slot.standing = Standing::Replacement;
        }
    }

    /// The worker that is here, or is coming, to replace an old one.
    pub(super) fn replacement(&self) -> Option<SlotId> {
        self.slots
            .iter()
            .find(|slot| slot.standing == Standing::Replacement && slot.stays())
            .map(|slot| slot.id)
    }

    /// An old worker has ended by itself: its replacement is there already, or nearly so.
    pub(super) fn promote_replacement(&mut self) {
        if let Some(id) = self.replacement() {
            self.slot(id).standing = Standing::Member;
        }
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

    /// Ends a worker that a limit would end again and again, and the pool with it, unless another worker shows that there is
    /// room below the limit.
    pub(super) fn refuse_limit(&mut self, now: Instant, id: SlotId, figures: String, out: &mut Vec<Effect>) {
        self.kill(now, id, EndReason::LoadFailed(figures.clone()), None, out);
        if !self.slots.iter().any(Slot::is_ready) {
            self.go_down(now, DownReason::LimitTooLow { figures }, out);
        }
    }
}
