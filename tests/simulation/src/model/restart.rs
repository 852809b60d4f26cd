//! Whether a worker may be started: the policy's table and the budget, written a second time.

use std::collections::VecDeque;
use std::time::Instant;

use ostler_lifecycle::{Input, PoolConfig, RestartPolicy, SlotId, WorkerKey};

use super::worker::{End, Worker};
use super::{Model, Verdict, ensure};

/// The slots as far as restarts go.
#[derive(Debug)]
pub(super) struct Restarts {
    pub(super) slots: Vec<Filled>,
    /// When workers were started after a fault.
    after_faults: VecDeque<Instant>,
}

/// What fills a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Filled {
    /// It never had a worker.
    Not,
    With(WorkerKey),
    /// Its worker is gone, or was given up.
    NotAnyMore {
        end: End,
        since: Instant,
    },
}

impl Restarts {
    pub(super) fn new(config: &PoolConfig) -> Self {
        Self { slots: vec![Filled::Not; config.slots as usize], after_faults: VecDeque::new() }
    }

    pub(super) fn clear(&mut self) {
        self.after_faults.clear();
    }

    pub(super) fn empty(&mut self, slot: SlotId, end: End, since: Instant) {
        self.slots[slot.0 as usize] = Filled::NotAnyMore { end, since };
    }
}

impl Model {
    pub(super) fn spawn(&mut self, key: WorkerKey, input: &Input) -> Verdict {
        let last = std::mem::replace(&mut self.last_generation, key.generation.0);
        ensure(last < key.generation.0, "names_are_new", || format!("{key} came after generation {last}"))?;
        ensure(self.ending.is_none() && !self.closed, "guarantee_8_nothing_starts_after_the_end", || {
            format!("{key} is spawned")
        })?;
        ensure(!self.down, "guarantee_7_down_means_no_restart", || format!("{key} is spawned"))?;
        let filled = self.restarts.slots.get(key.slot.0 as usize).copied();
        match filled {
            Some(Filled::Not) => self.slot_is_wanted(key, input)?,
            Some(Filled::NotAnyMore { end, .. }) => self.guarantee_7_no_more_restarts(key, end, input)?,
            _ => {
                return ensure(false, "a_slot_holds_one_worker", || format!("{key}, but it has {filled:?}"));
            }
        }
        self.restarts.slots[key.slot.0 as usize] = Filled::With(key);
        self.step.filled.push(key.slot);
        self.workers.insert(key, Worker::default());
        Ok(())
    }

    fn slot_is_wanted(&self, key: WorkerKey, input: &Input) -> Verdict {
        let wanted = self.step.free_start || self.jobs.values().any(super::job::Job::is_pending);
        ensure(wanted, "guarantee_7_no_more_restarts_than_the_policy_allows", || {
            format!("{key} is spawned at {input:?}, and no job is pending")
        })
    }

    fn guarantee_7_no_more_restarts(&mut self, key: WorkerKey, end: End, input: &Input) -> Verdict {
        const CHECK: &str = "guarantee_7_no_more_restarts_than_the_policy_allows";
        if self.step.free_start || self.step.replaced.contains(&key.slot) {
            return Ok(());
        }
        let by_policy = match (self.config.restart_policy, end) {
            (RestartPolicy::Always | RestartPolicy::Backoff, _)
            | (RestartPolicy::OnCancellation, End::Asked) => self.shutdown.is_none(),
            (RestartPolicy::OnCancellation, End::Fault) | (RestartPolicy::Never, _) => false,
        };
        if !by_policy {
            self.slot_is_wanted(key, input)?;
        }
        if end == End::Asked {
            return Ok(());
        }
        self.restarts.after_faults.push_back(self.now);
        let (used, max) = (self.starts_in_the_window(), self.config.max_restart_attempts);
        ensure(used <= max as usize, CHECK, || {
            format!("{key} is start {used} after a fault within the window, and {max} are allowed")
        })
    }

    fn starts_in_the_window(&mut self) -> usize {
        let window = self.config.restart_window;
        let now = self.now;
        self.restarts.after_faults.retain(|&at| at + window > now);
        self.restarts.after_faults.len()
    }

    /// Down is only said when the budget is spent: on starts, or on starts that are waiting for their time.
    pub(super) fn went_down(&mut self) -> Verdict {
        ensure(!self.down, "down_is_said_once", || "twice".to_owned())?;
        self.down = true;
        self.step.went_down = true;
        let scheduled = self
            .restarts
            .slots
            .iter()
            .filter(|slot| matches!(slot, Filled::NotAnyMore { end: End::Fault, .. }))
            .count();
        let used = self.starts_in_the_window() + scheduled.saturating_sub(1);
        let max = self.config.max_restart_attempts as usize;
        ensure(used >= max, "guarantee_7_down_only_when_the_budget_is_spent", || {
            format!("{used} starts after faults at most, and {max} are allowed")
        })
    }

    pub(super) fn came_up(&mut self, input: &Input) -> Verdict {
        let was_down = std::mem::replace(&mut self.down, false);
        ensure(was_down && matches!(input, Input::RestartWorkers), "up_is_asked_for", || format!("{input:?}"))
    }

    /// What the policy owes to the slots that have just become empty, and to those that wait.
    pub(super) fn restarts_are_prompt(&self, tick: bool) -> Verdict {
        const CHECK: &str = "the_policy_restarts_what_it_promises";
        if self.down || self.shutdown.is_some() {
            return Ok(());
        }
        for &(slot, end) in &self.step.emptied {
            let filled = self.step.filled.contains(&slot);
            let replaced = self.step.replaced.contains(&slot);
            let at_once = match (self.config.restart_policy, end) {
                _ if replaced => true,
                (RestartPolicy::Never, _) | (RestartPolicy::OnCancellation, End::Fault) => continue,
                (RestartPolicy::Backoff, End::Fault) => false,
                _ => true,
            };
            ensure(filled == at_once || self.step.free_start, CHECK, || {
                format!("slot {slot} was emptied by {end:?}, and filled at once: {filled}")
            })?;
        }
        let late = |slot: &Filled| {
            matches!(slot, Filled::NotAnyMore { end: End::Fault, since }
                if *since + self.config.restart_backoff_max < self.now)
        };
        let overdue = tick
            && self.config.restart_policy == RestartPolicy::Backoff
            && self.restarts.slots.iter().any(late);
        ensure(!overdue, CHECK, || format!("a restart is overdue: {:?}", self.restarts.slots))
    }
}
