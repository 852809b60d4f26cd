//! How many workers there may be, how many jobs may run, and who may be let go.

use std::ops::Range;
use std::time::Instant;

use ostler_lifecycle::{EndReason, Machine, RecycleReason, RestartPolicy, SlotId, WorkerKey};

use super::restart::{Filled, Owed};
use super::worker::{End, Stopped, Worker};
use super::{Model, Verdict, ensure};

impl Model {
    pub(super) fn target(&self) -> usize {
        (self.config.max_workers + self.config.standby) as usize
    }

    /// Workers that the pool keeps when there is nothing to do, and that the policy starts.
    pub(super) fn floor(&self) -> usize {
        let least = (self.config.min_workers + self.config.standby) as usize;
        if self.config.idle_timeout.is_some() { least.min(self.target()) } else { self.target() }
    }

    /// Whether a worker has had nothing to do for as long as it may, and there are enough others.
    fn may_idle_out(&self, key: WorkerKey) -> bool {
        let Some(patience) = self.config.idle_timeout else { return false };
        let idle = self.workers.get(&key).and_then(|worker| self.may_be_idle_since(worker));
        let others = self.alive().filter(|(other, worker)| **other != key && worker.stays()).count();
        // Who waits for its time takes a place.
        let waits = self.places_taken(SlotId(u32::MAX));
        idle.is_some_and(|since| since + patience <= self.now)
            && others + (waits.end - waits.start) >= self.floor()
    }

    /// Who has taken the place of one that had reached the end of its life has had nothing to do for as long as that one.
    /// Whose place it took cannot be seen from outside.
    fn may_be_idle_since(&self, worker: &Worker) -> Option<Instant> {
        let before = self.idle_before.filter(|_| worker.jobs_done == 0);
        worker.idle_since.map(|since| before.map_or(since, |before| before.min(since)))
    }

    /// When the next worker goes because it has nothing to do, if that can be said.
    pub(super) fn next_to_idle_out(&self) -> Option<(Instant, WorkerKey)> {
        let patience = self.config.idle_timeout?;
        // Nobody goes in a step in which a job still waited.
        let waits = self.jobs.values().any(super::job::Job::is_pending) || self.step.gave_work;
        if waits || self.shutdown.is_some() || self.down || self.shrunk {
            return None;
        }
        let staying = || self.alive().filter(|(_, worker)| worker.stays() && !worker.was_spare);
        if staying().count() <= self.floor() {
            return None;
        }
        let idle = staying().filter(|(_, worker)| worker.is_free() && worker.is_young());
        idle.filter_map(|(&key, worker)| Some((worker.idle_since? + patience, key))).min()
    }

    /// Places for workers: one more for a replacement, as long as it is one.
    pub(super) fn places(&self) -> usize {
        self.target() + usize::from(self.is_recycling() || self.alive().any(|(_, worker)| worker.spare))
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
            _ if self.degraded => others().filter(|(_, filled)| waits(filled)).count(),
            _ => 0,
        };
        with..with + may_wait
    }

    /// Whether another worker may be started in place of one that has just gone, if that can be said and there are to be so
    /// many.
    pub(super) fn has_room_for_another(&self, slot: SlotId, limit: usize) -> Option<bool> {
        let taken = self.places_taken(slot);
        // Neither a replacement takes a place nor whom it has replaced.
        let replaced = |worker: &Worker| worker.is_recycled() && !worker.has_a_successor();
        // Where each job gets a process of its own, it cannot be seen who has handed its place over to whom.
        let unclear = |worker: &Worker| {
            self.config.recycling.fresh_process && (worker.was_spare || worker.is_recycled())
        };
        let beside = |worker: &Worker| worker.spare || replaced(worker) || unclear(worker);
        let others = self.workers.iter().filter(|(key, worker)| key.slot != slot && !worker.given_up);
        let besides = others.filter(|(_, worker)| beside(worker)).count();
        if taken.start >= limit + besides {
            return Some(false);
        }
        let gone = self.step.gone.as_ref().map(|(_, worker)| worker);
        (taken.end < limit && !gone.is_none_or(beside)).then_some(true)
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
        self.narrowed |= max_workers < self.config.max_workers;
        self.config.max_workers = max_workers;
        self.config.standby = standby;
        self.step.resized = true;
        self.grows_later |= self.pressure;
        // Who is on its way out as one too many may have a successor after all.
        if self.shutdown.is_none() {
            self.leaving_may_return();
        }
        // Who waits for its time may have been one too many.
        self.restarts.turn_debts(Owed::Delayed, Owed::Nothing);
    }

    fn leaving_may_return(&mut self) {
        for worker in self.workers.values_mut() {
            worker.may_return = !worker.listens();
            if worker.may_be_surplus() {
                worker.is_replaced(false);
            }
        }
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
        let spare = self.workers.get(&key).is_some_and(|worker| worker.spare);
        // Who is on its way out takes its place until it is gone, so there is none for a replacement.
        let no_place = spare && self.places_taken(key.slot).end >= self.target();
        // Nobody needs the replacement of one that had nothing to do for too long.
        let idled_out = |worker: &Worker| {
            worker.old.is_some()
                && worker.stopped.as_ref().is_some_and(|stopped| stopped.reason == EndReason::Idle)
        };
        let not_needed = spare && self.workers.values().any(idled_out);
        no_place || not_needed || others + (waits.end - waits.start) >= self.target()
    }

    /// Whether a worker that has reached the end of its life may go: its replacement is ready, or enough others are.
    pub(super) fn may_be_recycled(&self, key: WorkerKey) -> bool {
        let young = |worker: &Worker| worker.is_young() || (worker.is_serving() && self.may_be_young(worker));
        let young = || self.alive().filter(|(other, worker)| **other != key && young(worker));
        let old = self.workers.get(&key).is_some_and(|worker| worker.old.is_some());
        let enough = young().count() >= self.config.max_workers as usize;
        old && self.shutdown.is_none() && !self.down && (enough || young().any(|(_, worker)| worker.spare))
    }

    /// A replacement has its own life before it when it has taken its place, and who was to go for another reason when it
    /// stays after all: it is found to be old later than it could be.
    fn may_be_young(&self, worker: &Worker) -> bool {
        worker.chore.is_none() && (worker.was_spare || self.shrunk)
    }

    /// A worker is told to stop: because the pool shuts down, has too many, or has a younger one.
    pub(super) fn stop(&mut self, key: WorkerKey) -> Verdict {
        let Some(worker) = self.workers.get_mut(&key) else { return Ok(()) };
        let Some(reason) = worker.drains.take() else {
            return ensure(false, "nobody_is_let_go_without_a_reason", || format!("{key}: {worker:?}"));
        };
        let (jobs_done, was_spare, old) = (worker.jobs_done, worker.was_spare, worker.old);
        let shutdown = self.shutdown.is_some();
        let right = match &reason {
            EndReason::Shutdown => shutdown,
            EndReason::Surplus => self.is_surplus(key),
            EndReason::Idle => self.may_idle_out(key),
            EndReason::Recycled(RecycleReason::FreshProcess) => {
                self.config.recycling.fresh_process && jobs_done > 0
            }
            // Who stood beside the others, or was to go for another reason, may be old for a later one.
            EndReason::Recycled(why) => {
                let loose = was_spare || self.shrunk;
                self.may_be_recycled(key) && old.is_some_and(|(of, _)| loose || of == *why)
            }
            _ => false,
        };
        ensure(right, "nobody_is_let_go_without_a_reason", || {
            format!("{key} is told to stop for {reason:?}: {:?}", self.workers)
        })?;
        let recycled = matches!(reason, EndReason::Recycled(_));
        // A standby takes over, and another one takes that one's place, whatever the policy says.
        let by_standby = recycled && !self.alive().any(|(_, worker)| worker.spare && worker.stays());
        let until = (reason != EndReason::Shutdown).then_some(self.now + self.config.kill_timeout);
        if let Some(worker) = self.workers.get_mut(&key) {
            worker.stopped = Some(Stopped { until, reason, replaced: by_standby });
        }
        if recycled {
            let since = self.workers.get(&key).and_then(|worker| self.may_be_idle_since(worker));
            self.idle_before = [self.idle_before, since].into_iter().flatten().min();
        }
        // Whoever was spare takes a place now.
        if recycled {
            self.workers.values_mut().for_each(|worker| worker.spare &= !worker.stays());
        }
        self.step.stopped.push(key);
        Ok(())
    }

    /// Whether a worker has run its one job, if each job gets a process that has run no other.
    fn is_used_up(&self, key: WorkerKey) -> bool {
        let has_run = self.workers.get(&key).is_some_and(|worker| worker.jobs_done > 0);
        self.config.recycling.fresh_process && has_run
    }

    /// A worker that has run its one job is on its way out.
    pub(super) fn no_process_is_used_twice(&self) -> Verdict {
        let left = self.alive().find(|(key, _)| self.is_used_up(**key));
        ensure(left.is_none(), "no_process_is_used_twice", || format!("{left:?}"))
    }

    /// Who is too many goes as soon as it has nothing to do.
    pub(super) fn the_pool_keeps_its_size(&self, machine: &Machine) -> Verdict {
        let size = (self.config.max_workers, self.config.standby);
        ensure(machine.size() == size, "the_view_is_true", || format!("{:?}", machine.size()))?;
        // Who is down gets its size when it comes up again.
        if self.shutdown.is_some() || self.down {
            return Ok(());
        }
        // Who has hung up goes by itself.
        let useless = |worker: &Worker| worker.hung_up_at.is_none() && (!worker.ready || worker.is_free());
        let staying = || self.alive().filter(|(_, worker)| worker.stays() && !worker.spare);
        let free = staying().filter(|(_, worker)| useless(worker)).count();
        let staying = staying().count();
        let free = free.saturating_sub(self.reserved(machine));
        let just_shrunk = self.step.first_shrink && staying > self.target() && free > 0;
        ensure(free <= self.places() && !just_shrunk, "who_is_too_many_is_let_go", || {
            format!("{staying} workers stay, {free} of them without a job, in {} places", self.places())
        })
    }

    /// A replacement goes when nobody is to be replaced any more and all places are taken.
    pub(super) fn no_replacement_is_left_over(&self, machine: &Machine) -> Verdict {
        let replaces = |worker: &Worker| worker.old.is_some() || worker.is_recycled();
        if self.shutdown.is_some() || self.down || self.shrunk || self.workers.values().any(replaces) {
            return Ok(());
        }
        let useless = |worker: &Worker| worker.hung_up_at.is_none() && (!worker.ready || worker.is_free());
        let mut spare = self.alive().filter(|(_, worker)| worker.spare);
        // Those that must go as soon as they are free leave it a place.
        let left = self.alive().filter(|(_, worker)| worker.stays()).count() > self.target()
            && self.reserved(machine) == 0
            && spare.all(|(_, worker)| useless(worker));
        ensure(!left, "no_replacement_is_left_over", || format!("{:?}", self.workers))
    }

    /// Who has reached the end of its life, and has no job, goes once enough others are ready.
    pub(super) fn who_is_old_goes(&self, machine: &Machine) -> Verdict {
        // After a shrink one may be marked as too many, which cannot be seen from outside.
        if self.shutdown.is_some() || self.down || self.shrunk || self.reserved(machine) > 0 {
            return Ok(());
        }
        // They go one by one, and wait for a replacement that is on its way, although somebody else may be ready.
        let waits = self.workers.values().filter(|worker| !worker.given_up).any(|worker| {
            let goes = worker.is_recycled() || (worker.was_spare && !worker.listens());
            goes || (worker.spare && !worker.is_young())
        });
        let fails = |slot: &Filled| matches!(slot, Filled::NotAnyMore { end: End::Fault(_), .. });
        if waits || self.restarts.slots.values().any(fails) {
            return Ok(());
        }
        let idle = |worker: &Worker| {
            worker.old.is_some() && !worker.was_spare && worker.is_free() && !worker.obsolete
        };
        let young = self.alive().filter(|(_, worker)| worker.is_young()).count();
        let enough = young >= self.config.max_workers as usize;
        let left = self.alive().find(|(_, worker)| enough && idle(worker));
        ensure(left.is_none(), "who_is_recycled_goes_when_it_may", || format!("{left:?}"))
    }

    /// In the calm, a pool that fills its slots has all its workers, and nobody is old for long.
    pub(crate) fn liveness_the_pool_is_whole(&self, eager: bool) -> Verdict {
        let always = matches!(self.config.restart_policy, RestartPolicy::Always | RestartPolicy::Backoff);
        if self.down || self.shutdown.is_some() {
            return Ok(());
        }
        // They come back one by one, and others may grow old meanwhile.
        if self.pressure {
            let ages = self.config.recycling.after_age.is_some();
            return ensure(ages, "liveness_pressure_ends", || format!("{:?}", self.restarts.slots));
        }
        let alive = self.alive().count();
        // One may be on its way out, and its successor follows.
        let present = self.workers.values().filter(|worker| !worker.given_up).count();
        // Who has failed before is not started again beyond the budget, and that alone is no reason to go down.
        let fails = |slot: &&Filled| matches!(slot, Filled::NotAnyMore { end: End::Fault(_), .. });
        let failed = self.restarts.slots.values().filter(fails).count();
        let whole = alive <= self.places() && (present + failed >= self.floor() || !(always && eager));
        ensure(whole, "liveness_the_pool_is_whole", || {
            format!("{alive} workers, and {} places: {:?}", self.places(), self.workers)
        })?;
        let owed = self
            .restarts
            .slots
            .values()
            .find(|slot| matches!(slot, Filled::NotAnyMore { owed, .. } if *owed != Owed::Nothing));
        // A budget that allows no start at all never has room for it.
        let paid = owed.is_none() || present + failed >= self.floor() || self.degraded;
        ensure(paid, "liveness_the_pool_is_whole", || format!("{owed:?}"))?;
        let patience = self.config.restart_window * 2;
        // The start of a replacement for one that has failed may be more than the budget has, also while it has room for
        // one now and then.
        if failed > 0 || self.degraded {
            return Ok(());
        }
        // Who replaced another one is not found to be old before it has run one more job.
        let ages = |worker: &Worker| {
            !worker.was_spare && worker.old.is_some_and(|(_, since)| since + patience < self.now)
        };
        let left = self.alive().find(|(_, worker)| ages(worker));
        ensure(left.is_none(), "liveness_recycling_gets_on", || format!("{left:?}"))
    }
}
