//! The life of a worker that is ready: what it has loaded, how much it has grown, and when it is old.

use std::time::Instant;

use ostler_lifecycle::{PluginKey, RecycleReason, Recycling, WorkerKey};

use super::worker::Worker;
use super::{Model, Verdict, ensure};

/// First jobs of so many workers in a row that exceed a limit to growth show that it is futile.
const FIRST_JOBS: u32 = 3;

impl Model {
    /// A worker says that it is ready. False if a limit would end it, and every one after it, at once.
    pub(super) fn becomes_ready(&mut self, key: WorkerKey, loaded: &[PluginKey], resident: u64) -> bool {
        let now = self.now;
        let Some(worker) = self.workers.get_mut(&key) else { return false };
        let too_large = self.config.memory.max_resident.is_some_and(|limit| resident >= limit);
        let loading = worker.spawned_at.map(|at| now - at);
        let too_old =
            self.config.recycling.after_age.is_some_and(|limit| loading.is_some_and(|age| limit <= age));
        if too_large || too_old {
            self.step.hopeless = !self.somebody_else_is_ready(&[key]);
            return false;
        }
        worker.ready = true;
        worker.ready_at = Some(now);
        if let Some(started_at) = worker.charged_at {
            self.restarts.start_has_helped(started_at);
        }
        worker.baseline = (resident > 0).then_some(resident);
        worker.warm = loaded.iter().copied().collect();
        true
    }

    /// A worker has ended a job by itself.
    pub(super) fn ran_a_job(&mut self, key: WorkerKey, resident: u64) {
        let now = self.now;
        let Some(worker) = self.workers.get_mut(&key) else { return };
        worker.jobs_done += 1;
        self.restarts.faults.remove(&key.slot);
        let first = worker.jobs_done == 1;
        // Who cannot tell what it takes has not grown.
        let growth = worker.baseline.map_or(0, |baseline| resident.saturating_sub(baseline));
        if let Some(limit) = self.config.recycling.after_growth {
            match growth > limit {
                true if first => self.grown_in_a_row += 1,
                false if first => self.grown_in_a_row = 0,
                _ => {}
            }
            self.step.futile = self.grown_in_a_row >= FIRST_JOBS;
        }
        if self.step.futile {
            // Who was started as a replacement may be one too many now.
            self.step.first_shrink = !self.shrunk;
            self.shrunk = true;
            self.config.recycling.after_growth = None;
            let limits = &self.config.recycling;
            let grown = |worker: &Worker| matches!(worker.old, Some((RecycleReason::Growth, _)));
            for worker in self.workers.values_mut().filter(|worker| worker.listens() && grown(worker)) {
                // It may have reached another limit since.
                worker.old = reached(limits, worker, 0, now).map(|reason| (reason, now));
            }
        }
        let limits = &self.config.recycling;
        let Some(worker) = self.workers.get_mut(&key) else { return };
        if worker.old.is_none() && !worker.obsolete {
            worker.old = reached(limits, worker, growth, now).map(|reason| (reason, now));
        }
    }

    pub(super) fn limit_refused(&mut self) -> Verdict {
        let due = std::mem::take(&mut self.step.futile);
        ensure(due, "a_limit_is_refused_when_it_is_futile", || format!("{} in a row", self.grown_in_a_row))
    }

    /// The free workers that suit a job best: rather one that stays than one that is to go, rather one that has its plugin
    /// loaded than one that has not. None if somebody else is reserved, which cannot be seen from outside.
    pub(super) fn best_for(&self, plugin: PluginKey) -> Option<Vec<WorkerKey>> {
        let unclear = |worker: &Worker| worker.old.is_some() && (worker.was_spare || self.shrunk);
        if self.jobs.values().any(|job| job.question.is_some()) || self.workers.values().any(unclear) {
            return None;
        }
        let free = || self.workers.iter().filter(|(_, worker)| worker.is_free() && worker.is_serving());
        let rank = |worker: &Worker| (worker.old.is_some(), !worker.warm.contains(&plugin));
        let best = free().map(|(_, worker)| rank(worker)).min()?;
        Some(free().filter(|(_, worker)| rank(worker) == best).map(|(&key, _)| key).collect())
    }

    pub(super) fn suits_best(&self, key: WorkerKey, best: Option<&Vec<WorkerKey>>) -> Verdict {
        let suits = best.is_none_or(|best| best.contains(&key));
        ensure(suits, "who_has_the_plugin_loaded_goes_first", || format!("{key} was taken, and not {best:?}"))
    }
}

/// Which limit a worker has reached, if any.
fn reached(limits: &Recycling, worker: &Worker, growth: u64, now: Instant) -> Option<RecycleReason> {
    let age = worker.ready_at.map(|at| now - at).unwrap_or_default();
    if limits.after_jobs.is_some_and(|limit| worker.jobs_done >= limit) {
        Some(RecycleReason::Jobs)
    } else if limits.after_age.is_some_and(|limit| age >= limit) {
        Some(RecycleReason::Age)
    } else if limits.after_growth.is_some_and(|limit| growth > limit) {
        Some(RecycleReason::Growth)
    } else {
        None
    }
}
