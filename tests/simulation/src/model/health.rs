//! Whether a pool that lacks workers says so, goes on, and tries again.

use std::time::Duration;

use ostler_lifecycle::{DegradedReason, Health, Machine, RestartPolicy, SlotId, WorkerKey};

use super::restart::{Filled, Owed};
use super::worker::{End, Fault};
use super::{Model, Verdict, ensure};

impl Model {
    /// Degraded is said once, when a budget is spent while somebody lives or is started in time.
    pub(super) fn degraded(&mut self, reason: &DegradedReason) -> Verdict {
        let was = std::mem::replace(&mut self.degraded, true);
        ensure(!was && !self.down, "degraded_is_said_once", || format!("{reason}"))?;
        let fault = match reason {
            DegradedReason::Crashes { .. } => Fault::Crash,
            DegradedReason::LoadFailures { .. } => Fault::Load,
        };
        ensure(self.is_spent(fault), "degraded_only_when_the_budget_is_spent", || {
            format!("{:?}, and {} are allowed", self.restarts, self.allowed_starts(fault))
        })
    }

    pub(super) fn recovered(&mut self) -> Verdict {
        let was = std::mem::replace(&mut self.degraded, false);
        ensure(was && self.shutdown.is_none(), "recovered_is_said_once", || format!("degraded: {was}"))
    }

    /// What the machine says of itself is what it has told; and under a policy that starts at once, nobody is missing
    /// without a word.
    pub(super) fn health_is_true(&mut self, machine: &Machine) -> Verdict {
        // It is not told in a shutdown.
        if self.shutdown.is_some() {
            self.degraded &= matches!(machine.health(), Health::Degraded { .. });
        }
        let right = match machine.health() {
            Health::Healthy => !self.degraded && !self.down,
            Health::Degraded { missing, .. } => self.degraded && missing > 0,
            Health::Down { .. } => self.down,
        };
        ensure(right, "the_view_is_true", || {
            format!("{:?}, and degraded was said: {}", machine.health(), self.degraded)
        })?;
        self.the_delay_is_that_of_the_slot(machine)?;
        if self.config.restart_policy != RestartPolicy::Always || self.degraded || self.down || self.pressure
        {
            return Ok(());
        }
        // Of a replacement that failed nothing is owed.
        let fails = |slot: &&Filled| matches!(slot, Filled::NotAnyMore { end: End::Fault(_), owed, .. } if *owed != Owed::Nothing);
        let failed = self.restarts.slots.values().filter(fails).count();
        let filled = self.restarts.slots.len() - failed;
        let told = failed == 0 || filled >= self.floor() || self.shutdown.is_some();
        ensure(told, "who_is_missing_is_told", || format!("{:?}", self.restarts.slots))
    }

    /// Whether another worker is ready, and is not being killed.
    pub(super) fn somebody_else_is_ready(&self, but: &[WorkerKey]) -> bool {
        self.workers.iter().any(|(key, worker)| !but.contains(key) && worker.ready && worker.listens())
    }

    /// A worker has ended: faults in a row make the next delay in its slot longer.
    pub(super) fn count_fault(&mut self, slot: SlotId, end: End, forgotten: bool) {
        if end == End::Asked || forgotten {
            return;
        }
        let now = self.now;
        let window = self.config.restart_window;
        let given_up = self.workers.iter().rfind(|(key, _)| key.slot == slot).map(|(_, worker)| worker);
        let worker = self.step.gone.as_ref().map(|(_, worker)| worker).or(given_up);
        let ready_at = worker.and_then(|worker| worker.ready_at);
        let lasted = ready_at.is_some_and(|ready_at| ready_at + window <= now);
        let faults = self.restarts.faults.entry(slot).or_default();
        *faults = if lasted { 1 } else { *faults + 1 };
    }

    /// Right after a fault the next deadline is no further away than the slot's own faults allow.
    fn the_delay_is_that_of_the_slot(&self, machine: &Machine) -> Verdict {
        let &[(slot, End::Fault(_), Some(true))] = &self.step.emptied[..] else { return Ok(()) };
        let backs_off = self.config.restart_policy == RestartPolicy::Backoff;
        let waits = matches!(self.restarts.slots.get(&slot), Some(Filled::NotAnyMore { .. }));
        if !backs_off || !waits || self.degraded || self.down || self.pressure || self.shutdown.is_some() {
            return Ok(());
        }
        let faults = self.restarts.faults.get(&slot).copied().unwrap_or_default();
        let doubled = 1_u32.checked_shl(faults.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.config.restart_backoff_base.saturating_mul(doubled);
        let longest = longest.min(self.config.restart_backoff_max);
        let next = self.called_at(machine);
        let next = next.map_or(Duration::MAX, |at| at.saturating_duration_since(self.now));
        ensure(next <= longest, "the_delay_is_that_of_the_slot", || {
            format!("{slot} had {faults} faults, may wait {longest:?}, and waits {next:?}")
        })
    }

    /// In the calm whoever is missing comes back, if the budget allows any start at all.
    pub(crate) fn liveness_a_degraded_pool_recovers(&self) -> Verdict {
        let hopeless = self.config.memory.max_resident.is_some() || self.config.recycling.after_age.is_some();
        let never = self.config.max_start_attempts == 0 || self.config.max_restart_attempts == 0;
        ensure(
            !self.degraded || hopeless || never || self.pressure,
            "liveness_a_degraded_pool_recovers",
            || format!("{:?}", self.restarts.slots),
        )
    }
}
