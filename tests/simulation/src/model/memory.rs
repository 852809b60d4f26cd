//! What memory that was measured leads to.

use ostler_lifecycle::{FailureKind, Machine, WorkerKey};

use super::restart::{Filled, Owed};
use super::step::Eviction;
use super::worker::{End, Worker};
use super::{Model, Verdict, ensure};

impl Model {
    pub(super) fn foresee_memory(
        &mut self,
        available: Option<u64>,
        resident: &[(WorkerKey, u64)],
        machine: &Machine,
    ) {
        if let Some(limit) = self.config.memory.max_resident {
            for (key, _) in resident.iter().filter(|(_, bytes)| *bytes > limit) {
                let worker = self.workers.get(key).filter(|worker| worker.listens());
                self.step.over_limit.extend(worker.map(|_| *key));
                self.step.hopeless |= worker.is_some_and(|worker| !worker.ready);
            }
        }
        let (Some(least), Some(available)) = (self.config.memory.min_available, available) else { return };
        if available >= least {
            self.step.relief = std::mem::replace(&mut self.pressure, false);
        } else {
            self.pressure = true;
            self.restarts.turn_debts(Owed::Delayed, Owed::Postponed);
            self.step.eviction = Some(self.who_may_be_evicted(resident, machine));
        }
    }

    fn who_may_be_evicted(&self, resident: &[(WorkerKey, u64)], machine: &Machine) -> Eviction {
        let dying = |worker: &Worker| worker.killed.is_some() && !worker.given_up;
        let size = |key: &WorkerKey| resident.iter().find(|(of, _)| of == key).map_or(0, |(_, bytes)| *bytes);
        let free = || self.workers.iter().filter(|(_, worker)| worker.is_free());
        let reserved = self.reserved(machine);
        let busy = || self.workers.iter().filter(|(_, worker)| worker.is_busy());
        let newest = busy()
            .filter_map(|(key, worker)| worker.task.as_ref().map(|task| (key, task)))
            .filter(|(_, task)| task.leave_by.is_none() && self.may_be_given_up(task.job))
            .max_by_key(|(_, task)| task.request)
            .map(|(key, _)| *key);
        Eviction {
            waits: self.workers.values().any(dying) || !self.step.over_limit.is_empty(),
            idle: free().count().saturating_sub(reserved),
            largest: (reserved == 0).then(|| free().map(|(key, _)| size(key)).max()).flatten(),
            sizes: resident.to_vec(),
            newest,
            running: busy().count(),
            gone: Vec::new(),
        }
    }

    fn may_be_given_up(&self, job: ostler_lifecycle::JobId) -> bool {
        self.jobs.get(&job).is_some_and(|job| job.policy.kinds.contains(&FailureKind::Interrupted))
    }

    /// Whether this worker is the one that has to make room.
    pub(super) fn has_to_make_room(&self, key: WorkerKey, worker: &Worker) -> bool {
        let Some(eviction) = self.step.eviction.as_ref().filter(|eviction| eviction.may_take_one()) else {
            return false;
        };
        if eviction.idle > 0 {
            let size = eviction.sizes.iter().find(|(of, _)| *of == key).map_or(0, |(_, bytes)| *bytes);
            return worker.is_free() && eviction.largest.is_none_or(|largest| size >= largest);
        }
        eviction.running >= 2 && eviction.newest == Some(key)
    }

    pub(super) fn memory_is_kept(&self) -> Verdict {
        let spared = self.step.over_limit.iter().find(|key| !self.step.killed.contains(key));
        ensure(spared.is_none(), "who_takes_too_much_memory_is_killed", || format!("{spared:?} lives on"))?;
        if let Some(eviction) = &self.step.eviction {
            let due = eviction.may_take_one()
                && (eviction.idle > 0 || (eviction.running >= 2 && eviction.newest.is_some()));
            ensure(!due, "somebody_makes_room_under_pressure", || format!("{eviction:?}"))?;
        }
        if self.step.relief { self.who_made_room_comes_back() } else { Ok(()) }
    }

    /// Memory is there again. Whoever had to go comes back, and whatever the policy owes is paid, as far as there is room.
    fn who_made_room_comes_back(&self) -> Verdict {
        if self.down || self.shutdown.is_some() {
            return Ok(());
        }
        let left = self.restarts.slots.iter().find(|(_, slot)| {
            matches!(slot, Filled::NotAnyMore { end: End::Asked, owed: Owed::Postponed, .. })
        });
        let taken = self.places_taken(ostler_lifecycle::SlotId(u32::MAX));
        ensure(left.is_none() || taken.end >= self.target(), "who_made_room_comes_back", || {
            format!("{left:?}, and {taken:?} of {} places are taken", self.target())
        })
    }

    /// Short of memory, a worker is started only when nobody else can run what waits.
    pub(super) fn short_of_memory_one_worker_has_to_do(&self, key: WorkerKey) -> Verdict {
        if !self.pressure || self.step.free_start {
            return Ok(());
        }
        let others = self.workers.values().filter(|worker| worker.listens() && !worker.given_up).count();
        ensure(others == 0, "short_of_memory_one_worker_has_to_do", || {
            format!("{key} is spawned beside {others} others: {:?}", self.workers)
        })
    }

    /// After a step in which memory came back, what was owed is owed no more, or by the policy's delay.
    pub(super) fn debts_are_paid(&mut self) {
        if !self.step.relief {
            return;
        }
        self.grows_later = false;
        let now = self.now;
        let backs_off = self.config.restart_policy == ostler_lifecycle::RestartPolicy::Backoff;
        let room = self.places_taken(ostler_lifecycle::SlotId(u32::MAX)).end < self.target();
        for slot in self.restarts.slots.values_mut() {
            if let Filled::NotAnyMore {
                end,
                since,
                owed: owed @ (Owed::Postponed | Owed::PerhapsPostponed),
            } = slot
            {
                let delayed = backs_off && room && *end != End::Asked && *owed == Owed::Postponed;
                *owed = if delayed { Owed::Delayed } else { Owed::Nothing };
                *since = now;
            }
        }
    }
}

impl Eviction {
    fn may_take_one(&self) -> bool {
        !self.waits && self.gone.is_empty()
    }
}
