//! What the pool does next, so that it has the workers that it is to have and no others.
//!
//! That is a function of what the pool is to be and of what its slots are. It is asked after each input, one step at a
//! time, until nothing is left to do: so it does not matter what has changed, nor in which order. Jobs are given to workers
//! after that: no job goes to one that is to go, and a job that a worker gets makes nothing else due.

use std::cmp::Reverse;
use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::slot::{Slot, SlotState};
use crate::standing::{Over, Standing};
use crate::{Effect, EndReason, RecycleReason, SlotId};

/// One thing that is to be done to the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Its worker has something loaded that the pool is not to have: it is killed.
    End(SlotId),
    /// Its worker takes one of the pool's places from now on: it was to go since it was too many, or it stands beside the
    /// others and need not replace anybody any more.
    Admit(SlotId),
    /// Its worker was to go, since nobody needed a replacement any more, and somebody needs one again.
    Recall(SlotId),
    /// It is too many: it goes when it is free, and at once if it is.
    LetGo(SlotId),
    /// A pool-wide operation waits for its worker, which is idle.
    BeginControl(SlotId),
    /// A worker is started to replace one that has reached the end of its life.
    StartReplacement,
    /// Its worker has reached the end of its life, and another one can take its place.
    Replace(SlotId, RecycleReason),
}

impl Machine {
    /// Does one step after the other until nothing is left to do.
    pub(super) fn carry_out_plan(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.carry_out_all(now, out, |machine| machine.next_step(now));
    }

    /// Brings what there is to the pool's size.
    pub(super) fn carry_out_size(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.carry_out_all(now, out, Self::step_to_size);
    }

    fn carry_out_all(&mut self, now: Instant, out: &mut Vec<Effect>, next: impl Fn(&Self) -> Option<Step>) {
        // Each step brings a slot closer to its end, and none has four: a bound that is reached is a fault of the plan, and
        // must not be a hang.
        let mut steps = 0..4 * (self.slots.len() + 1);
        while let Some(step) = next(self) {
            if steps.next().is_none() {
                debug_assert!(false, "the plan has no end: {step:?}, and {:?}", self.slots);
                return;
            }
            self.carry_out(now, step, out);
        }
    }

    fn carry_out(&mut self, now: Instant, step: Step, out: &mut Vec<Effect>) {
        match step {
            Step::End(id) => self.kill(now, id, EndReason::Retired, None, out),
            Step::Admit(id) => self.slot(id).standing = Standing::Member,
            Step::Recall(id) => self.slot(id).standing = Standing::Replacement,
            Step::LetGo(id) => self.let_go(now, id, out),
            Step::BeginControl(id) => self.begin_control(now, id, out),
            Step::StartReplacement => self.start_replacement(now, out),
            Step::Replace(id, reason) => {
                // Who is too many leaves its place to nobody.
                if !self.slot(id).standing.is_too_many() {
                    self.hand_over(now, id, out);
                }
                self.stop(now, id, EndReason::Recycled(reason), out);
            }
        }
    }

    fn next_step(&self, now: Instant) -> Option<Step> {
        self.end_of_the_obsolete()
            .or_else(|| self.step_to_size())
            .or_else(|| self.end_of_the_used())
            .or_else(|| self.operation_to_begin(now))
            .or_else(|| self.step_of_recycling())
    }

    /// Who must not go on and has no job is ended.
    fn end_of_the_obsolete(&self) -> Option<Step> {
        let is_free = |slot: &&Slot| matches!(slot.state, SlotState::Idle | SlotState::Reserved { .. });
        let mut obsolete = self.slots.iter().filter(|slot| slot.life.over == Some(Over::Obsolete));
        obsolete.find(is_free).map(|slot| Step::End(slot.id))
    }

    /// Who has run its one job goes, and another one comes.
    fn end_of_the_used(&self) -> Option<Step> {
        let mut idle = self.slots.iter().filter(|slot| matches!(slot.state, SlotState::Idle));
        idle.find(|slot| slot.life.over == Some(Over::Used))
            .map(|slot| Step::Replace(slot.id, RecycleReason::FreshProcess))
    }

    /// Those who are too many go: first who is of no use yet, last who has a job, and that one ends first. Of those whose
    /// jobs are to end first, the first worker that is free goes for the others.
    fn step_to_size(&self) -> Option<Step> {
        let (staying, target) = (self.staying().count(), self.target());
        let is_open = self.intake == Intake::Open && self.down.is_none();
        // A pool that shuts down goes on with what it has.
        if staying < target || !is_open {
            return self.one_to_admit().map(Step::Admit);
        }
        if staying > target {
            let least = |slot: &&Slot| (usefulness(&slot.state), !slot.is_old(), Reverse(slot.id));
            return self.staying().min_by_key(least).map(|slot| Step::LetGo(slot.id));
        }
        if let Some(slot) = self.too_many().find(|slot| slot.is_idle()) {
            return Some(Step::LetGo(slot.id));
        }
        // One that takes no place has none that another one could give up for it.
        self.too_many()
            .find(|slot| slot.standing == Standing::Surplus && matches!(slot.state, SlotState::Busy(_)))?;
        self.staying().find(|slot| slot.is_idle()).map(|slot| Step::LetGo(slot.id))
    }

    /// Those that are ready, and were to go when they are free since there were enough others.
    fn too_many(&self) -> impl Iterator<Item = &Slot> {
        let may_stay =
            |slot: &Slot| slot.is_ready() && !matches!(slot.life.over, Some(Over::Obsolete | Over::Used));
        self.slots.iter().filter(move |slot| slot.standing.is_too_many() && may_stay(slot))
    }

    /// Of those, one that is to stay. One that takes no place needs one that is free; if it is idle, it has the place of one
    /// that is on its way out.
    fn one_to_admit(&self) -> Option<SlotId> {
        let has_room = self.taken() < self.target();
        let surplus = self.too_many().find(|slot| slot.standing == Standing::Surplus);
        let dismissed = || self.too_many().find(|slot| has_room || slot.is_idle());
        surplus.or_else(dismissed).map(|slot| slot.id)
    }

    fn operation_to_begin(&self, now: Instant) -> Option<Step> {
        if self.controls.is_empty() {
            return None;
        }
        let mut idle = self.slots.iter().filter(|slot| slot.is_idle());
        idle.find(|slot| self.next_control(now, slot.worker()).is_some())
            .map(|slot| Step::BeginControl(slot.id))
    }

    /// Those that have reached the end of their lives are replaced, one at a time: the old one goes once its replacement is
    /// ready, or a standby is; until then a replacement is started beside the others.
    fn step_of_recycling(&self) -> Option<Step> {
        if self.intake != Intake::Open || self.down.is_some() || self.slots.iter().any(is_being_replaced) {
            return None;
        }
        let old = self.slots.iter().filter(|slot| slot.is_old());
        // Rather one that need not be waited for, and the oldest of those, so that each has its turn.
        let Some(old) = old.min_by_key(|slot| (!matches!(slot.state, SlotState::Idle), slot.life.ready_at))
        else {
            return self.end_of_the_replacement();
        };
        let takes_over = |slot: &&Slot| slot.can_take_over() && slot.standing.takes_a_place();
        let enough = self.slots.iter().filter(takes_over).count() >= self.config.max_workers as usize;
        // One that waits for its budget may wait for long: rather a standby takes over.
        let is_waited_for = |slot: &&Slot| !(enough && slot.waits_for_budget());
        let mut besides = self.slots.iter().filter(|slot| !slot.standing.takes_a_place());
        match besides.find(is_waited_for) {
            Some(slot) if slot.standing == Standing::Dismissed && slot.is_ready() => {
                return Some(Step::Recall(slot.id));
            }
            Some(slot) if !slot.can_take_over() => return None,
            Some(_) => {}
            None if enough => {}
            // Who is too many goes first.
            None if self.short_of_memory || self.taken() > self.target() => return None,
            None => return Some(Step::StartReplacement),
        }
        // It is not stopped in the middle of a job.
        let Some(Over::Old(reason)) = old.life.over.filter(|_| matches!(old.state, SlotState::Idle)) else {
            return None;
        };
        Some(Step::Replace(old.id, reason))
    }

    /// Nobody is to be replaced any more: the replacement stays if there is a place, and goes if there is none. It takes the
    /// place of an old one that is being killed for another reason as soon as that is dead.
    fn end_of_the_replacement(&self) -> Option<Step> {
        let id = self.replacement()?;
        if self.slots.iter().any(Slot::dies_old) {
            None
        } else if self.taken() < self.target() {
            Some(Step::Admit(id))
        } else {
            Some(Step::LetGo(id))
        }
    }
}

/// One worker is replaced at a time.
fn is_being_replaced(slot: &Slot) -> bool {
    matches!(slot.state, SlotState::Draining { reason: EndReason::Recycled(_) })
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
