//! How many workers there may be, how many jobs may run, and who may be let go.

use std::ops::Range;

use ostler_lifecycle::{Machine, RestartPolicy, SlotId, WorkerKey};

use super::restart::{Filled, Owed};
use super::worker::{End, Stopped, Worker};
use super::{Model, Verdict, ensure};

impl Model {
    pub(super) fn target(&self) -> usize {
        (self.config.max_workers + self.config.standby) as usize
    }

    /// Places for workers: one more while one that is ready is to be recycled.
    pub(super) fn places(&self) -> usize {
        self.target() + usize::from(self.is_recycling())
    }

    /// Whether somebody who is ready has reached the end of its life.
    pub(super) fn is_recycling(&self) -> bool {
        self.workers
            .values()
            .any(|worker| worker.old.is_some() && !worker.obsolete && worker.ready && worker.listens())
    }

    /// Workers that are neither dying nor told to go.
    fn alive(&self) -> impl Iterator<Item = (&WorkerKey, &Worker)> {
        self.workers.iter().filter(|(_, worker)| worker.listens() && !worker.given_up)
    }

    /// Slots that have a worker or wait for one, but for this one: at least so many, and at most.
    pub(super) fn places_taken(&self, but: SlotId) -> Range<usize> {
        let others = || self.restarts.slots.iter().filter(|(slot, _)| **slot != but);
        let with = others().filter(|(_, filled)| matches!(filled, Filled::With(_))).count();
        let waits = |filled: &Filled| matches!(filled, Filled::NotAnyMore { end: End::Fault(_), .. });
        let may_wait = match self.config.restart_policy {
            RestartPolicy::Backoff => others().filter(|(_, filled)| waits(filled)).count(),
            _ => 0,
        };
        with..with + may_wait
    }

    /// Whether another worker may be started in place of one that has just gone, if that can be said.
    pub(super) fn has_room_for_another(&self, slot: SlotId) -> Option<bool> {
        let taken = self.places_taken(slot);
        // After a shrink, who is old may be marked as too many instead, which cannot be seen from outside. In a tick, an
        // operation that fails may make it obsolete first.
        let unclear = self.shrunk || self.step.gone.is_none();
        let least = if unclear { self.target() } else { self.places() };
        if taken.end < least { Some(true) } else { (taken.start >= self.places()).then_some(false) }
    }

    pub(super) fn no_more_workers_than_places(&self, key: WorkerKey) -> Verdict {
        let alive = self.alive().count();
        ensure(alive <= self.places(), "no_more_workers_than_the_pool_has_places", || {
            format!("with {key} there are {alive}, and {} places", self.places())
        })
    }

    /// Jobs that workers have, or are reserved for, as the machine stood before this step.
    pub(super) fn running(&self, machine: &Machine) -> usize {
        self.workers.values().filter(|worker| worker.is_busy()).count() + self.reserved(machine)
    }

    /// Jobs about which the hook is being asked, with a worker reserved for each.
    pub(super) fn reserved(&self, machine: &Machine) -> usize {
        let pending = self.jobs.values().filter(|job| job.is_pending()).count();
        let delayed = self.jobs.values().filter(|job| job.is_delayed()).count();
        pending.saturating_sub(machine.queued() - delayed.min(machine.queued()))
    }

    pub(super) fn no_more_jobs_run_than_may(&self, key: WorkerKey) -> Verdict {
        let others = self.workers.iter().filter(|(other, worker)| **other != key && worker.is_busy()).count();
        let max = self.config.max_workers as usize;
        ensure(others < max, "no_more_jobs_run_than_may", || {
            format!("{key} is given a job beside {others} others, and {max} may run")
        })
    }

    pub(super) fn foresee_resize(&mut self, max_workers: u32, standby: u32) {
        let before = self.shrunk;
        self.shrunk |= max_workers + standby < self.config.max_workers + self.config.standby;
        self.step.first_shrink = self.shrunk && !before;
        self.config.max_workers = max_workers;
        self.config.standby = standby;
        self.step.resized = true;
        self.grows_later |= self.pressure;
        // Who waits for its time may have been one too many.
        self.restarts.turn_debts(Owed::Delayed, Owed::Nothing);
    }

    /// Whether a worker is one too many: without it there are still enough that stay, or wait for their time.
    pub(super) fn is_surplus(&self, key: WorkerKey) -> bool {
        if self.shutdown.is_some() {
            return false;
        }
        // After a shrink, who seems to be old may have been marked as too many instead, and may be needed again since.
        let stays = |worker: &Worker| worker.stays() || (self.shrunk && !worker.obsolete);
        let others = self.alive().filter(|(other, worker)| **other != key && stays(worker)).count();
        let waits = self.places_taken(SlotId(u32::MAX));
        others + (waits.end - waits.start) >= self.target()
    }

    /// Whether a worker that has reached the end of its life may go: enough others can take jobs.
    pub(super) fn may_be_recycled(&self, key: WorkerKey) -> bool {
        let serving = self.alive().filter(|(other, worker)| **other != key && worker.is_serving()).count();
        let old = self.workers.get(&key).is_some_and(|worker| worker.old.is_some());
        old && self.shutdown.is_none() && !self.down && serving >= self.config.max_workers as usize
    }

    /// A worker is told to stop: because the pool shuts down, has too many, or has a younger one.
    pub(super) fn stop(&mut self, key: WorkerKey) -> Verdict {
        let (surplus, recycled) = (self.is_surplus(key), self.may_be_recycled(key));
        let shutdown = self.shutdown.is_some();
        let old = self.workers.get(&key).is_some_and(|worker| worker.old.is_some());
        ensure(shutdown || !old || recycled || surplus, "who_is_recycled_leaves_enough_others", || {
            format!("{key} is told to stop: {:?}", self.workers)
        })?;
        ensure(shutdown || recycled || surplus, "nobody_is_let_go_without_a_reason", || {
            format!("{key} is told to stop: {:?}", self.workers)
        })?;
        let until = (!shutdown).then_some(self.now + self.config.kill_timeout);
        if let Some(worker) = self.workers.get_mut(&key) {
            worker.stopped = Some(Stopped { until, surplus, recycled, replaced: false });
        }
        self.step.stopped.push(key);
        Ok(())
    }

    /// Who is too many goes as soon as it has nothing to do.
    pub(super) fn the_pool_keeps_its_size(&self, machine: &Machine) -> Verdict {
        let size = (self.config.max_workers, self.config.standby);
        ensure(machine.size() == size, "the_view_is_true", || format!("{:?}", machine.size()))?;
        if self.shutdown.is_some() {
            return Ok(());
        }
        let useless = |worker: &Worker| !worker.ready || worker.is_free();
        let staying = self.alive().filter(|(_, worker)| worker.stays()).count();
        let free = self.alive().filter(|(_, worker)| worker.stays() && useless(worker)).count();
        let free = free.saturating_sub(self.reserved(machine));
        let just_shrunk = self.step.first_shrink && staying > self.target() && free > 0;
        ensure(free <= self.places() && !just_shrunk, "who_is_too_many_is_let_go", || {
            format!("{staying} workers stay, {free} of them without a job, in {} places", self.places())
        })
    }

    /// Who has reached the end of its life, and has no job, goes once enough others are ready.
    pub(super) fn who_is_old_goes(&self, machine: &Machine) -> Verdict {
        // After a shrink one may be marked as too many, which cannot be seen from outside.
        if self.shutdown.is_some() || self.down || self.shrunk || self.reserved(machine) > 0 {
            return Ok(());
        }
        let idle = |worker: &Worker| worker.old.is_some() && worker.is_free() && !worker.obsolete;
        let left = self.alive().find(|(key, worker)| idle(worker) && self.may_be_recycled(**key));
        ensure(left.is_none(), "who_is_recycled_goes_when_it_may", || format!("{left:?}"))
    }

    /// In the calm, a pool that fills its slots has all its workers, and nobody is old for long.
    pub(crate) fn liveness_the_pool_is_whole(&self, eager: bool) -> Verdict {
        let always = matches!(self.config.restart_policy, RestartPolicy::Always | RestartPolicy::Backoff);
        if self.down || self.shutdown.is_some() {
            return Ok(());
        }
        let alive = self.alive().count();
        // One may be on its way out, and its successor follows.
        let present = self.workers.values().filter(|worker| !worker.given_up).count();
        // Who has failed before is not started again beyond the budget, and that alone is no reason to go down.
        let fails = |slot: &&Filled| matches!(slot, Filled::NotAnyMore { end: End::Fault(_), .. });
        let failed = self.restarts.slots.values().filter(fails).count();
        let whole = alive <= self.places() && (present + failed >= self.target() || !(always && eager));
        ensure(whole, "liveness_the_pool_is_whole", || {
            format!("{alive} workers, and {} places: {:?}", self.places(), self.workers)
        })?;
        let owed = self
            .restarts
            .slots
            .values()
            .find(|slot| matches!(slot, Filled::NotAnyMore { owed, .. } if *owed != Owed::Nothing));
        let paid = owed.is_none() || present + failed >= self.target();
        ensure(paid, "liveness_the_pool_is_whole", || format!("{owed:?}"))?;
        let patience = self.config.restart_window * 2;
        // The start of a replacement for one that has failed may be more than the budget has.
        if failed > 0 {
            return Ok(());
        }
        let ages = |worker: &Worker| worker.old.is_some_and(|(_, since)| since + patience < self.now);
        let left = self.alive().find(|(_, worker)| ages(worker));
        ensure(left.is_none(), "liveness_recycling_gets_on", || format!("{left:?}"))
    }
}
