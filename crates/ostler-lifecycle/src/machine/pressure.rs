//! What goes when the host is short of memory, and when it comes back.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::slot::{Slot, SlotState, Wanted};
use crate::{Category, Effect, EndReason, FailureKind, JobFailure, JobId, SlotId, WorkerKey};

impl Machine {
    /// One worker goes at a time, so that what it gives back is seen before the next one does.
    pub(super) fn host_has(
        &mut self,
        now: Instant,
        available: u64,
        least: u64,
        resident: &[(WorkerKey, u64)],
        out: &mut Vec<Effect>,
    ) {
        if let Some(room) = available.checked_sub(least) {
            if self.short_of_memory {
                self.come_back(now, room, out);
            }
            return;
        }
        self.short_of_memory = true;
        if self.slots.iter().any(Slot::is_leaving) {
            return;
        }
        let size =
            |worker: WorkerKey| resident.iter().find(|(of, _)| *of == worker).map_or(0, |(_, bytes)| *bytes);
        if let Some(id) = self.who_goes(size) {
            let size = size(self.slot(id).worker());
            self.evict(now, id, size, out);
        }
    }

    /// The largest of those that are idle; then who is only just coming; then the newest job that may run again.
    fn who_goes(&self, size: impl Fn(WorkerKey) -> u64) -> Option<SlotId> {
        let idle = self.slots.iter().filter(|slot| matches!(slot.state, SlotState::Idle));
        let spared = usize::from(self.must_get_on());
        if idle.clone().count() > spared {
            return idle.max_by_key(|slot| size(slot.worker())).map(|slot| slot.id);
        }
        if self.running() == 0 {
            return None;
        }
        let coming = self
            .slots
            .iter()
            .filter(|slot| matches!(slot.state, SlotState::Starting | SlotState::Loading { .. }));
        coming
            .max_by_key(|slot| slot.generation)
            .map(|slot| slot.id)
            .or_else(|| self.newest_that_may_run_again())
    }

    /// Whether somebody waits and nobody works: one worker has to do, however short memory is.
    fn must_get_on(&self) -> bool {
        self.running() == 0 && self.queue.in_line() > 0
    }

    /// Whether one worker has to be started, however short memory is: a job waits, and nobody will run it.
    pub(super) fn one_has_to_start(&self) -> bool {
        self.must_get_on() && !self.slots.iter().any(Slot::is_on_its_way)
    }

    fn evict(&mut self, now: Instant, id: SlotId, size: u64, out: &mut Vec<Effect>) {
        let like_it = self.slots.iter().map(|slot| slot.life.baseline).max().unwrap_or_default();
        let slot = self.slot(id);
        let needs = match slot.state {
            SlotState::Idle if slot.life.baseline > 0 => slot.life.baseline,
            _ => size.max(like_it),
        };
        slot.wanted = Some(Wanted { needs, idle_since: None });
        let victim = slot.state.victim(|| {
            let message = "the job was given up because the host was short of memory";
            JobFailure::new(FailureKind::Interrupted, Category::Resource, message)
        });
        self.kill(now, id, EndReason::MemoryPressure, victim, out);
    }

    /// Who has lost the least, and will not fail. The last job that runs is left alone: somebody must get on.
    fn newest_that_may_run_again(&self) -> Option<SlotId> {
        let running = self.slots.iter().filter_map(|slot| match &slot.state {
            SlotState::Busy(assignment) if !assignment.is_to_end() => Some((slot.id, assignment)),
            _ => None,
        });
        if running.clone().count() < 2 || self.down.is_some() || self.intake != Intake::Open {
            return None;
        }
        let may_run_again = |job: JobId| {
            self.jobs.get(&job).is_some_and(|entry| {
                let policy = entry.retry().unwrap_or(&self.config.retry);
                policy.outlives_eviction(entry.score)
            })
        };
        let newest = running
            .filter(|(_, assignment)| may_run_again(assignment.job))
            .max_by_key(|(_, assignment)| assignment.request);
        newest.map(|(id, _)| id)
    }

    /// A worker is to be started here when there is memory for it, for as much at least as the last one took.
    pub(super) fn want_later(&mut self, id: SlotId, wanted: Wanted) {
        let slot = self.slot(id);
        slot.wanted = Some(Wanted { needs: wanted.needs.max(slot.life.baseline), ..wanted });
    }

    /// As many workers are to be started as are missing, when there is memory for them.
    pub(super) fn want_all_later(&mut self) {
        let noted = self.slots.iter().filter(|slot| slot.is_vacant() && slot.wanted.is_some()).count();
        for _ in self.taken() + noted..self.floor() {
            let unnoted = self.slots.iter().find(|slot| slot.is_vacant() && slot.wanted.is_none());
            let id = unnoted.map(|slot| slot.id).unwrap_or_else(|| self.add_slot());
            self.want_later(id, Wanted::default());
        }
    }

    /// Memory is there again: who had to go comes back, one after the other, and only if there is room for it. The
    /// pressure is on until all are back: otherwise they would come and go for ever.
    fn come_back(&mut self, now: Instant, room: u64, out: &mut Vec<Effect>) {
        // What those will take that are only just coming is not seen yet.
        let comes = |slot: &Slot| matches!(slot.state, SlotState::Starting | SlotState::Loading { .. });
        if let Some((id, wanted)) = self.next_to_come_back()
            && wanted.needs <= room
            && !self.slots.iter().any(comes)
        {
            self.slot(id).wanted = None;
            match self.slot(id).why_held() {
                // Its wait was over when it was noted.
                Some(fault) => self.start_or_hold(now, id, fault, out),
                None => self.fill(now, id, out),
            }
            self.slot(id).life.idle_since = wanted.idle_since;
        }
        if self.next_to_come_back().is_none() {
            self.short_of_memory = false;
            for slot in self.slots.iter_mut().filter(|slot| slot.is_vacant()) {
                slot.wanted = None;
            }
        }
    }

    /// The place that needs the least, and what is wanted there.
    fn next_to_come_back(&self) -> Option<(SlotId, Wanted)> {
        if self.intake != Intake::Open || self.down.is_some() || self.taken() >= self.target() {
            return None;
        }
        // A job may have waited for one that was held, and may have ended since.
        let is_held_for_nobody =
            |slot: &Slot| slot.why_held().is_some_and(|fault| !self.is_wanted_after(slot.id, fault));
        let vacant = self.slots.iter().filter(|slot| slot.is_vacant() && !is_held_for_nobody(slot));
        vacant.filter_map(|slot| Some((slot.id, slot.wanted?))).min_by_key(|(_, wanted)| wanted.needs)
    }
}
