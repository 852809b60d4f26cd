//! What is done about memory that was measured, and a worker that takes too much.

use std::time::{Duration, Instant};

use super::Machine;
use super::core::Intake;
use crate::bytes::mib;
use crate::slot::{Slot, SlotState};
use crate::{Category, Effect, EndReason, FailureKind, JobFailure, SlotId, WorkerKey};

/// How often a worker that works is measured: it can take a gigabyte in a second.
const EVERY_WHILE_BUSY: Duration = Duration::from_millis(200);
/// How often the host is measured, also while all workers are idle: others may need what they hold.
const EVERY_WHILE_IDLE: Duration = Duration::from_millis(500);

impl Machine {
    /// How often [`Input::Memory`](crate::Input::Memory) is wanted now; `None` if nobody would look at it, so that an
    /// idle pool without such limits costs nothing.
    pub fn measure_every(&self) -> Option<Duration> {
        let works = |state: &SlotState| {
            matches!(state, SlotState::Loading { .. } | SlotState::Busy(_) | SlotState::Controlling { .. })
        };
        let rules = &self.config.memory;
        if (rules.max_resident, rules.min_available) == (None, None) || self.intake == Intake::Closed {
            None
        } else if rules.max_resident.is_some() && self.slots.iter().any(|slot| works(&slot.state)) {
            Some(EVERY_WHILE_BUSY)
        } else if rules.min_available.is_some()
            && (self.short_of_memory || self.slots.iter().any(Slot::has_worker))
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
        // Until a process has executed its program its memory is the host's own. A hello says that it has.
        let has_executed = |&(worker, _): &(WorkerKey, u64)| {
            let slot = self.slots.get(worker.slot.0 as usize).filter(|slot| slot.worker() == worker);
            slot.is_some_and(|slot| !matches!(slot.state, SlotState::Starting))
        };
        let resident: Vec<_> = resident.iter().copied().filter(has_executed).collect();
        if let Some(limit) = self.config.memory.max_resident {
            for &(worker, bytes) in &resident {
                if bytes > limit
                    && let Some(slot) = self.living(worker)
                {
                    let id = slot.id;
                    self.took_too_much(now, id, bytes, limit, out);
                }
            }
        }
        if let (Some(least), Some(available)) = (self.config.memory.min_available, available) {
            self.host_has(now, available, least, &resident, out);
        }
    }

    fn took_too_much(&mut self, now: Instant, id: SlotId, resident: u64, limit: u64, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        let when = match slot.state {
            SlotState::Dying(_) | SlotState::Draining { .. } => return,
            SlotState::Loading { .. } => Some("while it loaded its plugins"),
            SlotState::Idle | SlotState::Reserved { .. } if slot.life.jobs_done == 0 => {
                Some("before it had run a job")
            }
            _ => None,
        };
        if let Some(when) = when {
            let (limit, resident) = (mib(limit), mib(resident));
            let figures = format!("a worker may take {limit} of memory and took {resident} {when}");
            return self.refuse_limit(now, id, figures, out);
        }
        let victim = self.slot(id).state.victim(|| {
            let message = format!(
                "the job was killed because its worker took {} of memory and may take {}",
                mib(resident),
                mib(limit)
            );
            JobFailure::new(FailureKind::Crashed, Category::Resource, message)
        });
        self.kill(now, id, EndReason::MemoryLimit { resident, limit }, victim, out);
    }
}
