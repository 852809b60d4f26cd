//! Whether a worker may be started: the policy's table, the budgets and the pool's size, written a second time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use ostler_lifecycle::{DownReason, Input, RestartPolicy, SlotId, WorkerKey};

use super::worker::{End, Fault, Worker};
use super::{Model, Verdict, ensure};

/// The slots as far as restarts go.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// Those that ever had a worker.
    pub(super) slots: BTreeMap<SlotId, Filled>,
    /// When workers were started after a fault: after one of a worker that was never ready, and of one that was.
    after_load_faults: VecDeque<Instant>,
    after_crashes: VecDeque<Instant>,
    /// Faults in each slot since a worker there did its work well.
    pub(super) faults: BTreeMap<SlotId, u32>,
}

/// What fills a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Filled {
    With(WorkerKey),
    /// Its worker is gone, or was given up.
    NotAnyMore {
        end: End,
        since: Instant,
        /// What is owed to it.
        owed: Owed,
    },
}

/// What is owed to an empty slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Owed {
    Nothing,
    /// A start, after the policy's delay.
    Delayed,
    /// A start, when the host has enough memory again.
    Postponed,
    /// The same, if there was a place for it, which cannot be seen from outside.
    PerhapsPostponed,
}

impl Restarts {
    /// A restart is asked for: what has happened does not count any more.
    fn forget_faults(&mut self) {
        self.after_load_faults.clear();
        self.after_crashes.clear();
        self.faults.clear();
        for slot in self.slots.values_mut() {
            if let Filled::NotAnyMore { end, owed, .. } = slot {
                (*end, *owed) = (End::Asked, Owed::Nothing);
            }
        }
    }

    fn starts_after(&mut self, fault: Fault) -> &mut VecDeque<Instant> {
        match fault {
            Fault::Load => &mut self.after_load_faults,
            Fault::Crash => &mut self.after_crashes,
        }
    }

    /// The worker of a start that followed a failed one is ready.
    pub(super) fn start_has_helped(&mut self, started_at: Instant) {
        if let Some(index) = self.after_load_faults.iter().position(|&at| at == started_at) {
            self.after_load_faults.remove(index);
        }
    }

    /// What was owed is owed otherwise now.
    pub(super) fn turn_debts(&mut self, from: Owed, to: Owed) {
        for slot in self.slots.values_mut() {
            if let Filled::NotAnyMore { owed, .. } = slot
                && *owed == from
            {
                *owed = to;
            }
        }
    }
}

impl Model {
    pub(super) fn slot_is_empty(&mut self, slot: SlotId, end: End, comes_back: bool) {
        let policy = self.config.restart_policy;
        let by_policy = match (policy, end) {
            (RestartPolicy::Always | RestartPolicy::Backoff, _) => true,
            (RestartPolicy::OnCancellation, End::Asked) => true,
            (RestartPolicy::OnCancellation, End::Fault(_)) | (RestartPolicy::Never, _) => false,
        };
        // What is in the way of a restart is in the way later too, but for want of memory.
        let limit = if comes_back { self.target() } else { self.floor() };
        let room = self.has_room_for_another(slot, limit);
        self.step.emptied.push((slot, end, room));
        self.count_fault(slot, end, comes_back);
        let owed = if self.down || self.shutdown.is_some() || room == Some(false) {
            Owed::Nothing
        } else if self.pressure && (by_policy || comes_back) {
            if room == Some(true) { Owed::Postponed } else { Owed::PerhapsPostponed }
        } else if self.pressure && self.step.returning.contains(&slot) {
            Owed::PerhapsPostponed
        } else if policy == RestartPolicy::Backoff && end != End::Asked && room == Some(true) {
            Owed::Delayed
        } else {
            Owed::Nothing
        };
        self.restarts.slots.insert(slot, Filled::NotAnyMore { end, since: self.now, owed });
    }

    pub(super) fn spawn(&mut self, key: WorkerKey, input: &Input) -> Verdict {
        let last = std::mem::replace(&mut self.last_generation, key.generation.0);
        ensure(last < key.generation.0, "names_are_new", || format!("{key} came after generation {last}"))?;
        ensure(self.ending.is_none() && !self.closed, "guarantee_8_nothing_starts_after_the_end", || {
            format!("{key} is spawned")
        })?;
        ensure(!self.down, "guarantee_7_down_means_no_restart", || format!("{key} is spawned"))?;
        self.step.charged = false;
        match self.restarts.slots.get(&key.slot).copied() {
            None => self.somebody_is_wanted(key, input)?,
            Some(Filled::NotAnyMore { end, owed, .. }) => {
                self.guarantee_7_no_more_restarts(key, end, owed, input)?;
            }
            Some(Filled::With(other)) => {
                return ensure(false, "a_slot_holds_one_worker", || format!("{key}, but it has {other}"));
            }
        }
        self.short_of_memory_one_worker_has_to_do(key, input)?;
        self.restarts.slots.insert(key.slot, Filled::With(key));
        self.needs.remove(&key.slot);
        self.step.filled.push(key.slot);
        let dies_old = |worker: &Worker| worker.old.is_some() && worker.killed.is_some() && !worker.given_up;
        let recycles = self.is_recycling() || self.workers.values().any(dies_old);
        let spare = recycles && self.shutdown.is_none();
        let charged_at = self.step.charged.then_some(self.now);
        self.workers.insert(key, Worker { spare, was_spare: spare, charged_at, ..Worker::default() });
        self.no_more_workers_than_places(key)
    }

    /// A worker is started where none is owed: for a job, for one that is to be recycled, or because the pool grows.
    fn somebody_is_wanted(&self, key: WorkerKey, input: &Input) -> Verdict {
        let recycles = self.is_recycling() && self.shutdown.is_none();
        let late = self.step.room.is_some() && self.grows_later;
        let grows = (self.step.resized || late) && self.shutdown.is_none();
        let wanted =
            self.step.free_start || recycles || grows || self.jobs.values().any(super::job::Job::is_pending);
        ensure(wanted, "guarantee_7_no_more_restarts_than_the_policy_allows", || {
            format!("{key} is spawned at {input:?}, and no job is pending")
        })
    }

    fn guarantee_7_no_more_restarts(
        &mut self,
        key: WorkerKey,
        end: End,
        owed: Owed,
        input: &Input,
    ) -> Verdict {
        const CHECK: &str = "guarantee_7_no_more_restarts_than_the_policy_allows";
        if self.step.free_start || self.step.replaced.contains(&key.slot) {
            return Ok(());
        }
        let by_policy = match (self.config.restart_policy, end) {
            _ if self.step.returning.contains(&key.slot) => true,
            _ if self.step.room.is_some() && matches!(owed, Owed::Postponed | Owed::PerhapsPostponed) => true,
            (RestartPolicy::Always | RestartPolicy::Backoff, _)
            | (RestartPolicy::OnCancellation, End::Asked) => self.shutdown.is_none(),
            (RestartPolicy::OnCancellation, End::Fault(_)) | (RestartPolicy::Never, _) => false,
        };
        if !by_policy {
            self.somebody_is_wanted(key, input)?;
        }
        let End::Fault(fault) = end else { return Ok(()) };
        self.restarts.starts_after(fault).push_back(self.now);
        self.step.charged = fault == Fault::Load;
        let (used, max) = (self.starts_in_the_window(fault), self.allowed_starts(fault));
        ensure(used <= max, CHECK, || {
            format!("{key} is start {used} after a {fault:?} fault within the window, and {max} are allowed")
        })
    }

    /// How many starts after such faults the window may hold.
    pub(super) fn allowed_starts(&self, fault: Fault) -> usize {
        let max = match fault {
            Fault::Crash => self.config.max_restart_attempts,
            Fault::Load => self.config.max_start_attempts,
        };
        max as usize
    }

    pub(super) fn starts_in_the_window(&mut self, fault: Fault) -> usize {
        let window = self.config.restart_window;
        let now = self.now;
        let starts = self.restarts.starts_after(fault);
        starts.retain(|&at| at + window > now);
        starts.len()
    }

    /// Down is only said when a budget is spent, on starts or on starts that are waiting for their time, or when a limit
    /// leaves no worker alive.
    pub(super) fn went_down(&mut self, reason: &DownReason) -> Verdict {
        const CHECK: &str = "guarantee_7_down_only_when_the_budget_is_spent";
        ensure(!self.down, "down_is_said_once", || "twice".to_owned())?;
        self.down = true;
        self.degraded = false;
        self.step.went_down = true;
        self.delayed_jobs_fail_as_they_did();
        self.restarts.turn_debts(Owed::Delayed, Owed::Nothing);
        self.restarts.turn_debts(Owed::Postponed, Owed::Nothing);
        self.restarts.turn_debts(Owed::PerhapsPostponed, Owed::Nothing);
        let fault = match reason {
            DownReason::Crashes { .. } => Fault::Crash,
            DownReason::LoadFailures { .. } => Fault::Load,
            DownReason::LimitTooLow { .. } => {
                return ensure(self.step.hopeless, "no_limit_is_too_low_without_figures", || {
                    format!("{reason}")
                });
            }
        };
        let alive = self.workers.iter().find(|(_, worker)| !worker.given_up);
        ensure(alive.is_none(), "guarantee_7_nobody_is_down_who_has_a_worker", || format!("{alive:?}"))?;
        // A place that no fault has left is filled when a job wants it, and nobody asks the budget.
        let fails = |slot: &&Filled| matches!(slot, Filled::NotAnyMore { end: End::Fault(_), .. });
        let failed = self.restarts.slots.values().filter(fails).count();
        ensure(failed >= self.target(), "guarantee_7_nobody_is_down_who_may_start_a_worker", || {
            format!("{:?}, and {} places", self.restarts.slots, self.target())
        })?;
        ensure(self.is_spent(fault), CHECK, || {
            format!("{:?}, and {} are allowed", self.restarts, self.allowed_starts(fault))
        })
    }

    /// Whether a start that was to follow such a fault may have been refused.
    pub(super) fn is_spent(&mut self, fault: Fault) -> bool {
        let waits =
            |slot: &&Filled| matches!(slot, Filled::NotAnyMore { end, .. } if *end == End::Fault(fault));
        let scheduled = self.restarts.slots.values().filter(waits).count();
        let used = self.starts_in_the_window(fault) + scheduled.saturating_sub(1);
        scheduled > 0 && used >= self.allowed_starts(fault)
    }

    pub(super) fn came_up(&mut self, input: &Input) -> Verdict {
        let was_down = std::mem::replace(&mut self.down, false);
        ensure(was_down && matches!(input, Input::RestartWorkers), "up_is_asked_for", || format!("{input:?}"))
    }

    /// The pool is to have all its workers, as soon as there is memory for them.
    pub(super) fn foresee_start(&mut self) {
        self.step.free_start = true;
        self.grows_later |= self.pressure;
    }

    pub(super) fn foresee_restart(&mut self) {
        if self.shutdown.is_some() {
            self.step.quiet = true;
            return;
        }
        self.foresee_start();
        self.restarts.forget_faults();
        for worker in self.workers.values_mut() {
            // Who is one too many has a successor only if it is not when it is gone, and who was replaced has one.
            worker.may_return = !worker.listens();
            let has_one = worker.is_recycled() && !worker.has_a_successor();
            worker.is_replaced(!worker.may_be_surplus() && !has_one);
            worker.killed.iter_mut().for_each(|killed| killed.end = End::Asked);
            worker.charged_at = None;
        }
    }

    /// What the policy owes to the slots that have just become empty, and to those that wait.
    pub(super) fn restarts_are_prompt(&mut self, tick: bool) -> Verdict {
        const CHECK: &str = "the_policy_restarts_what_it_promises";
        if self.down || self.shutdown.is_some() {
            return Ok(());
        }
        self.empty_slots_get_their_due()?;
        // Who waits for its time takes a place, unless others have taken all of them that the policy keeps filled: where
        // workers may idle out, those are fewer than the pool has, and others may have been started for jobs.
        let longest = self.config.restart_backoff_max;
        let now = self.now;
        let late = |since: Instant| since + longest < now;
        let filled = self.restarts.slots.values().filter(|slot| match slot {
            Filled::With(_) => true,
            Filled::NotAnyMore { end, since, owed } => {
                *end != End::Asked && !(*owed == Owed::Delayed && late(*since))
            }
        });
        let few = filled.count() < self.floor();
        let overdue = self.restarts.slots.iter().find(
            |(_, slot)| matches!(slot, Filled::NotAnyMore { since, owed: Owed::Delayed, .. } if late(*since)),
        );
        // In a degraded pool it waits for the budget.
        ensure(!tick || !few || overdue.is_none() || self.degraded, CHECK, || {
            format!("a restart is overdue: {overdue:?}")
        })?;
        for slot in self.restarts.slots.values_mut().filter(|_| tick && !few) {
            if let Filled::NotAnyMore { since, owed: owed @ Owed::Delayed, .. } = slot
                && late(*since)
            {
                *owed = Owed::Nothing;
            }
        }
        Ok(())
    }

    fn empty_slots_get_their_due(&mut self) -> Verdict {
        const CHECK: &str = "the_policy_restarts_what_it_promises";
        // Where several become empty at once, it depends on who is first.
        let &[(slot, end, room)] = &self.step.emptied[..] else { return Ok(()) };
        if self.step.free_start || self.pressure {
            return Ok(());
        }
        let filled = self.step.filled.contains(&slot);
        let at_once = match (self.config.restart_policy, end) {
            _ if self.step.replaced.contains(&slot) => true,
            (RestartPolicy::Never, _) | (RestartPolicy::OnCancellation, End::Fault(_)) => return Ok(()),
            (RestartPolicy::Backoff, End::Fault(_)) => false,
            _ => true,
        };
        // Who was refused a start before backs off, and the budget may have no room.
        if let End::Fault(fault) = end
            && (self.degraded || self.starts_in_the_window(fault) >= self.allowed_starts(fault))
        {
            return Ok(());
        }
        let expected = match room {
            Some(room) => at_once && room,
            // Some may be waiting for their time, or not.
            None if at_once => return Ok(()),
            None => false,
        };
        // The replacement for one that is old now may have taken the place, or a worker for a job, where the policy keeps fewer
        // than there may be.
        if filled && (self.is_recycling() || self.floor() < self.target()) {
            return Ok(());
        }
        ensure(filled == expected, CHECK, || {
            format!(
                "slot {slot} was emptied by {end:?}, and filled at once: {filled}; there was room: {room:?}"
            )
        })
    }
}
