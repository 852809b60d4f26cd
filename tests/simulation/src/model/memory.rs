//! What memory that was measured leads to.

use ostler_lifecycle::{Category, FailureKind, Input, Machine, RestartPolicy, WorkerKey};

use super::restart::{Filled, Owed};
use super::runs::Next;
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
                // Before its hello a process may not have executed its program: its memory is the host's own.
                let counts = |worker: &&Worker| worker.listens() && worker.hello_at.is_some();
                let Some(worker) = self.workers.get(key).filter(counts) else { continue };
                let useless = worker.has_done_nothing();
                self.step.over_limit.push(*key);
                self.step.hopeless |= useless && !self.somebody_else_is_ready(&self.step.over_limit);
            }
        }
        let (Some(least), Some(available)) = (self.config.memory.min_available, available) else { return };
        self.step.room = available.checked_sub(least).filter(|_| self.pressure);
        if available < least {
            self.pressure = true;
            self.step.eviction = Some(self.who_may_be_evicted(resident, machine));
        }
    }

    fn who_may_be_evicted(&self, resident: &[(WorkerKey, u64)], machine: &Machine) -> Eviction {
        let leaves = |worker: &Worker| !worker.listens() && !worker.given_up;
        let waits = self.workers.values().any(leaves) || !self.step.over_limit.is_empty();
        Eviction { waits, candidates: self.candidates(resident, machine), gone: Vec::new() }
    }

    /// The largest of those that are idle, but for the last one if a job waits; then who came last of those that are only
    /// just coming; then the newest job that may run again.
    fn candidates(&self, resident: &[(WorkerKey, u64)], machine: &Machine) -> Vec<WorkerKey> {
        let size = |key: &WorkerKey| resident.iter().find(|(of, _)| of == key).map_or(0, |(_, bytes)| *bytes);
        let free = || self.workers.iter().filter(|(_, worker)| worker.is_free()).map(|(&key, _)| key);
        let (reserved, running) = (self.reserved(machine), self.running(machine));
        let spared = running == 0 && self.jobs.values().any(super::job::Job::is_pending);
        if free().count() > reserved + usize::from(spared) {
            let largest = free().map(|key| size(&key)).max().filter(|_| reserved == 0).unwrap_or_default();
            return free().filter(|key| size(key) >= largest).collect();
        }
        if running == 0 {
            return Vec::new();
        }
        let coming = self.workers.iter().filter(|(_, worker)| worker.listens() && !worker.ready);
        if let Some((&key, _)) = coming.max_by_key(|(key, _)| key.generation) {
            return vec![key];
        }
        let busy = self.workers.iter().filter(|(_, worker)| worker.is_busy());
        let running = busy.filter_map(|(&key, worker)| worker.task.as_ref().map(|task| (key, task)));
        let running = running.filter(|(_, task)| task.leave_by.is_none());
        if running.clone().count() < 2 || self.down || self.shutdown.is_some() {
            return Vec::new();
        }
        let newest = running.filter(|(_, task)| self.may_be_given_up(task.job));
        newest.max_by_key(|(_, task)| task.request).map(|(key, _)| key).into_iter().collect()
    }

    /// Whether a job that is given up for want of memory runs again.
    fn may_be_given_up(&self, job: ostler_lifecycle::JobId) -> bool {
        let evicted = |job: &super::job::Job| job.next(FailureKind::Interrupted, Category::Resource);
        self.jobs.get(&job).is_some_and(|job| evicted(job) == Next::Again)
    }

    /// Whether this worker may be the one that has to make room.
    pub(super) fn has_to_make_room(&self, key: WorkerKey) -> bool {
        let eviction = self.step.eviction.as_ref().filter(|eviction| eviction.may_take_one());
        eviction.is_some_and(|eviction| eviction.candidates.contains(&key))
    }

    pub(super) fn memory_is_kept(&mut self) -> Verdict {
        let spared = self.step.over_limit.iter().find(|key| !self.step.killed.contains(key));
        ensure(spared.is_none(), "who_takes_too_much_memory_is_killed", || format!("{spared:?} lives on"))?;
        if let Some(eviction) = &self.step.eviction {
            let due = eviction.may_take_one() && !eviction.candidates.is_empty();
            ensure(!due, "somebody_makes_room_under_pressure", || format!("{eviction:?}"))?;
        }
        if self.step.relief {
            self.pressure = false;
            self.who_made_room_is_back()?;
            self.debts_are_paid();
        }
        Ok(())
    }

    /// The pressure begins when too little is left, and is over when there is enough and all are back.
    pub(super) fn pressure_has_a_reason(&mut self, machine: &Machine) -> Verdict {
        self.step.relief = self.pressure && !machine.is_short_of_memory();
        let right =
            machine.is_short_of_memory() <= self.pressure && (!self.step.relief || self.step.room.is_some());
        ensure(right, "pressure_has_a_reason", || format!("it was {}", self.pressure))
    }

    /// Whoever had to go is back, and whatever the policy owes is paid, as far as there is room.
    fn who_made_room_is_back(&self) -> Verdict {
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

    /// Short of memory, a worker is started only when nobody else can run what waits; when there is room for one more; or
    /// when its time has come.
    pub(super) fn short_of_memory_one_worker_has_to_do(&self, key: WorkerKey, input: &Input) -> Verdict {
        if !self.pressure || self.step.relief {
            return Ok(());
        }
        let others = || self.workers.iter().filter(|(other, worker)| **other != key && worker.listens());
        let needs = self.needs.get(&key.slot).copied().unwrap_or_default();
        let comes_back =
            self.step.room.is_some_and(|room| needs <= room) && others().all(|(_, worker)| worker.ready);
        let backs_off = self.config.restart_policy == RestartPolicy::Backoff;
        let in_time = backs_off && matches!(input, Input::Tick);
        let right = others().count() == 0 || comes_back || in_time;
        ensure(right, "short_of_memory_one_worker_has_to_do", || {
            format!("{key} is spawned beside others: {:?}", self.workers)
        })
    }

    /// What was owed is owed no more, or by the policy's delay.
    fn debts_are_paid(&mut self) {
        self.grows_later = false;
        let now = self.now;
        let backs_off = self.config.restart_policy == RestartPolicy::Backoff;
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
