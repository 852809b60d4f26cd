//! What is done about memory that was measured.

use std::time::{Duration, Instant};

use super::Machine;
use super::core::Intake;
use crate::effect::mib;
use crate::restart::EndKind;
use crate::slot::{SlotState, Stage};
use crate::{Category, Effect, EndReason, FailureKind, JobFailure, SlotId, WorkerKey};

/// How often a worker that works is measured: it can take a gigabyte in a second.
const EVERY_WHILE_BUSY: Duration = Duration::from_millis(200);
/// How often the host is measured, also while all workers are idle: others may need what they hold.
const EVERY_WHILE_IDLE: Duration = Duration::from_millis(500);

/// Whether the host is short of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pressure {
    None,
    On,
}

impl Pressure {
    pub(super) fn is_on(self) -> bool {
        self == Self::On
    }
}

impl Machine {
    /// How often [`Input::Memory`](crate::Input::Memory) is wanted now; `None` if nobody would look at it, so that an
    /// idle pool without such limits costs nothing.
    pub fn measure_every(&self) -> Option<Duration> {
        let works = |state: &SlotState| {
            matches!(state, SlotState::Loading { .. } | SlotState::Busy(_) | SlotState::Controlling { .. })
        };
        let rules = &self.config.memory;
        if self.intake == Intake::Closed {
            None
        } else if rules.max_resident.is_some() && self.slots.iter().any(|slot| works(&slot.state)) {
            Some(EVERY_WHILE_BUSY)
        } else if rules.min_available.is_some()
            && (self.pressure.is_on() || self.slots.iter().any(crate::slot::Slot::has_worker))
        {
            Some(EVERY_WHILE_IDLE)
        } else {
            None
        }
    }

    pub(super) fn memory(
        &mut self,
        now: Instant,
        available: Option<u64>,
        resident: &[(WorkerKey, u64)],
        out: &mut Vec<Effect>,
    ) {
        if let Some(limit) = self.config.memory.max_resident {
            for &(worker, bytes) in resident {
                if bytes > limit
                    && let Some(slot) = self.living(worker)
                {
                    let id = slot.id;
                    self.took_too_much(now, id, bytes, limit, out);
                }
            }
        }
        if let (Some(least), Some(available)) = (self.config.memory.min_available, available) {
            self.host_has(now, available, least, resident, out);
        }
    }

    fn took_too_much(&mut self, now: Instant, id: SlotId, resident: u64, limit: u64, out: &mut Vec<Effect>) {
        let state = &self.slot(id).state;
        if matches!(state, SlotState::Dying(_) | SlotState::Draining { .. }) {
            return;
        }
        if matches!(state, SlotState::Starting | SlotState::Loading { .. }) {
            let figures = format!(
                "a worker may take {} of memory and took {} while it loaded its plugins",
                mib(limit),
                mib(resident)
            );
            return self.refuse_limit(now, id, figures, out);
        }
        let victim = state.victim(|| {
            let message = format!(
                "the job was killed because its worker took {} of memory and may take {}",
                mib(resident),
                mib(limit)
            );
            JobFailure::new(FailureKind::Crashed, Category::Resource, message)
        });
        self.kill(now, id, EndReason::MemoryLimit { resident, limit }, victim, out);
    }

    /// One worker goes at a time, so that what it gives back is seen before the next one does.
    fn host_has(
        &mut self,
        now: Instant,
        available: u64,
        least: u64,
        resident: &[(WorkerKey, u64)],
        out: &mut Vec<Effect>,
    ) {
        if available >= least {
            if self.pressure.is_on() {
                self.pressure = Pressure::None;
                self.fill_wanted(now, out);
            }
            return;
        }
        self.pressure = Pressure::On;
        if self.slots.iter().any(|slot| matches!(slot.state, SlotState::Dying(_))) {
            return;
        }
        let size =
            |worker: WorkerKey| resident.iter().find(|(of, _)| *of == worker).map_or(0, |(_, bytes)| *bytes);
        let idle = self.slots.iter().filter(|slot| matches!(slot.state, SlotState::Idle));
        if let Some(id) = idle.max_by_key(|slot| size(slot.worker())).map(|slot| slot.id) {
            self.slot(id).wanted = true;
            self.kill(now, id, EndReason::MemoryPressure, None, out);
        } else if let Some(id) = self.newest_that_may_run_again() {
            self.slot(id).wanted = true;
            let victim = self.slot(id).state.victim(|| {
                let message = "the job was given up because the host was short of memory";
                JobFailure::new(FailureKind::Interrupted, Category::Resource, message)
            });
            self.kill(now, id, EndReason::MemoryPressure, victim, out);
        }
    }

    /// Who has lost the least, and will not fail. The last job that runs is left alone: somebody must get on.
    fn newest_that_may_run_again(&self) -> Option<SlotId> {
        let running = self.slots.iter().filter(|slot| matches!(slot.state, SlotState::Busy(_)));
        if running.clone().count() < 2 {
            return None;
        }
        let may_run_again = |slot: &&crate::slot::Slot| match &slot.state {
            SlotState::Busy(assignment) => {
                assignment.stage != Stage::Leaving
                    && self.jobs.get(&assignment.job).is_some_and(|entry| {
                        let policy = entry.retry.as_ref().unwrap_or(&self.config.retry);
                        policy.covers(FailureKind::Interrupted, Category::Resource)
                    })
            }
            _ => false,
        };
        let newest = running.filter(may_run_again).max_by_key(|slot| match &slot.state {
            SlotState::Busy(assignment) => assignment.request,
            _ => crate::RequestId(0),
        });
        newest.map(|slot| slot.id)
    }

    /// Memory is there again: who had to go comes back, and what was promised meanwhile is kept.
    fn fill_wanted(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let SlotState::Vacant { owes } = slot.state else { continue };
            let (id, wanted) = (slot.id, std::mem::take(&mut slot.wanted));
            let goes_on = self.intake == Intake::Open && self.down.is_none();
            if wanted && goes_on && self.taken() < self.target() {
                match owes {
                    Some(fault) if self.promises_restart(EndKind::Fault(fault)) => {
                        self.refill_after_fault(now, id, fault, out);
                    }
                    _ => self.fill(now, id, out),
                }
            }
        }
    }
}
