//! A pause: what runs goes on, and nothing starts.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::job::Whereabouts;
use crate::slot::SlotState;
use crate::{BlockReason, Effect, JobId};

impl Machine {
    /// Those whose start was only being asked about wait on.
    pub(super) fn pause(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.paused || matches!(self.intake, Intake::Ending | Intake::Closed) {
            return;
        }
        self.paused = true;
        out.push(Effect::Paused);
        for index in 0..self.slots.len() {
            if let SlotState::Reserved { job, .. } = self.slots[index].state {
                self.become_idle(now, self.slots[index].id, out);
                self.requeue(now, job, out);
            }
        }
    }

    pub(super) fn resume(&mut self, out: &mut Vec<Effect>) {
        if std::mem::take(&mut self.paused) {
            out.push(Effect::Resumed);
        }
    }

    /// Whether no job starts until the pool is resumed.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Why a pending job would not start although a worker were free, apart from what was published of it.
    pub fn why_waits(&self, job: JobId) -> Option<BlockReason> {
        let entry = self.jobs.get(&job).filter(|entry| entry.whereabouts.is_in_line())?;
        if self.paused {
            return Some(BlockReason::Paused);
        }
        let (_, limit) = self.config.plugin_limits.iter().find(|(plugin, _)| *plugin == entry.plugin)?;
        (self.room(entry.plugin) == 0).then_some(BlockReason::PluginLimit { limit: *limit })
    }

    /// Whether a reason that was published of a pending job holds it up still. Nothing is published when the delay before
    /// an attempt is over: from then on the job waits for its turn, as others do.
    pub fn still_holds(&self, job: JobId, reason: &BlockReason) -> bool {
        let is_delayed =
            || self.jobs.get(&job).is_some_and(|entry| entry.whereabouts == Whereabouts::Delayed);
        !matches!(reason, BlockReason::Retry { .. }) || is_delayed()
    }
}
