//! Replacing workers that have reached the end of their lives, one at a time, the new one before the old one.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::bytes::mib;
use crate::slot::{Slot, SlotState};
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

    /// Takes the next step: the old one goes once its replacement is ready, or a standby is; until then a replacement is
    /// started beside the others.
    pub(super) fn recycle(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.intake != Intake::Open || self.down.is_some() || self.slots.iter().any(is_going) {
            return;
        }
        let old = self.slots.iter().filter(|slot| slot.is_old());
        // Rather one that need not be waited for, and the oldest of those, so that each has its turn.
        let Some(old) = old.min_by_key(|slot| (!matches!(slot.state, SlotState::Idle), slot.life.ready_at))
        else {
            return self.dismiss_replacement(now, out);
        };
        let idle = matches!(old.state, SlotState::Idle);
        let (id, reason) = (old.id, old.retire.clone());
        // A replacement that was to go when its job ends, since nobody needed it, is needed again.
        let dismissed =
            |slot: &&mut Slot| slot.beside && slot.is_ready() && slot.retire == Some(EndReason::Surplus);
        if let Some(slot) = self.slots.iter_mut().find(dismissed) {
            slot.retire = None;
        }
        let others = self.slots.iter().filter(|slot| slot.can_take_over() && !slot.beside).count();
        let enough = others >= self.config.max_workers as usize;
        // One that waits for its budget may wait for long: rather a standby takes over.
        let replacement = self.slots.iter().find(|slot| slot.beside && !(enough && slot.waits_for_budget()));
        match replacement.map(Slot::can_take_over) {
            None if !enough => self.start_replacement(now, out),
            Some(false) => {}
            _ => {
                // It is not stopped in the middle of a job.
                let Some(reason) = reason.filter(|_| idle) else { return };
                self.hand_over(now, id, out);
                self.stop(now, id, reason, out);
            }
        }
    }

    /// Each job gets a process that has run no other.
    pub(super) fn go_after_one_job(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        self.go_for_a_busy_one(id);
        let too_many = self.is_too_many();
        // It has no job any more.
        self.slot(id).enter(SlotState::Idle, None);
        match self.slot(id).retire {
            Some(EndReason::Retired) => return self.kill(now, id, EndReason::Retired, None, out),
            Some(EndReason::Surplus) if too_many => {}
            _ => self.hand_over(now, id, out),
        }
        self.stop(now, id, EndReason::Recycled(RecycleReason::FreshProcess), out);
    }

    /// The replacement, if there is one, has the place from now on. Otherwise a standby takes over, or nobody does, and another
    /// worker is started there when this one is gone, whatever the policy says.
    fn hand_over(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let replacement = self.replacement().filter(|_| !self.slots[id.0 as usize].beside);
        match replacement {
            Some(new) if self.slot(new).has_worker() => {
                self.slot(new).beside = false;
                self.slot(id).beside = true;
            }
            // One whose time to start has not come is worth less than one that can be started at once.
            waiting => {
                if let Some(new) = waiting {
                    self.let_go(now, new, out);
                }
                self.slot(id).wanted = true;
            }
        }
    }

    fn start_replacement(&mut self, now: Instant, out: &mut Vec<Effect>) {
        // Who is too many goes first.
        if self.short_of_memory || self.taken() > self.target() {
            return;
        }
        let id = self.vacant_slot();
        self.fill(now, id, out);
        let slot = self.slot(id);
        slot.beside = !slot.is_vacant();
    }

    /// Nobody is to be replaced any more: the replacement stays if there is a place, and goes if there is none. It takes the
    /// place of an old one that is being killed for another reason as soon as that is dead.
    fn dismiss_replacement(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let Some(id) = self.replacement() else { return };
        if self.slots.iter().any(Slot::dies_old) {
            return;
        }
        if self.taken() < self.target() {
            self.slot(id).beside = false;
        } else {
            self.let_go(now, id, out);
        }
    }

    /// The worker that is here, or is coming, to replace an old one.
    fn replacement(&self) -> Option<SlotId> {
        self.slots.iter().find(|slot| slot.beside && slot.stays()).map(|slot| slot.id)
    }

    /// An old worker has ended by itself: its replacement is there already, or nearly so.
    pub(super) fn promote_replacement(&mut self) {
        if let Some(id) = self.replacement() {
            self.slot(id).beside = false;
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

/// One worker is replaced at a time.
fn is_going(slot: &Slot) -> bool {
    matches!(slot.state, SlotState::Draining { reason: EndReason::Recycled(_) })
}
