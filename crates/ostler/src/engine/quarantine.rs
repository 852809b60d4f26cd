use std::sync::Arc;

use ostler_lifecycle::{BlockReason, Input, JobId, Machine, NotReleased};

use super::Core;
use super::cargo::Cargo;
use super::errand::Errands;
use super::state::State;
use crate::{Job, JobType, QuarantineError};

impl<J: JobType> Core<J> {
    pub(crate) fn quarantined(&self) -> Vec<Arc<Job<J>>> {
        let mut state = self.lock();
        let State { machine, ledger, .. } = &mut *state;
        let mut jobs: Vec<_> = machine.quarantined().filter_map(|job| ledger.get(job)).collect();
        drop(state);
        jobs.sort_by_key(|job| (job.created_at, job.id));
        jobs
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.lock().machine.is_paused()
    }

    /// What the job's record says counts more than what would hold up others as well.
    pub(crate) fn why_waits(&self, job: JobId) -> Option<BlockReason> {
        let mut state = self.lock();
        let recorded = state.ledger.get(job).and_then(|job| job.block_reason.clone());
        let recorded = recorded.filter(|reason| state.machine.still_holds(job, reason));
        recorded.or_else(|| state.machine.why_waits(job))
    }

    pub(crate) fn release(self: &Arc<Self>, job: JobId) -> Result<(), QuarantineError> {
        let may = |machine: &Machine| {
            machine.can_release(job).map_err(|why| match why {
                NotReleased::NotQuarantined => QuarantineError::NotQuarantined { job },
                NotReleased::Down(reason) => QuarantineError::WorkerUnavailable(reason),
                NotReleased::ShutDown => QuarantineError::ShutDown,
            })
        };
        self.from_quarantine(may, Input::Release { job })
    }

    pub(crate) fn give_up(self: &Arc<Self>, job: JobId) -> Result<(), QuarantineError> {
        let may = |machine: &Machine| match machine.is_quarantined(job) {
            true => Ok(()),
            false => Err(QuarantineError::NotQuarantined { job }),
        };
        self.from_quarantine(may, Input::GiveUp { job })
    }

    fn from_quarantine(
        self: &Arc<Self>,
        may: impl FnOnce(&Machine) -> Result<(), QuarantineError>,
        input: Input,
    ) -> Result<(), QuarantineError> {
        let mut errands = Errands::default();
        {
            let mut state = self.lock();
            may(&state.machine)?;
            self.step(&mut state, input, Cargo::None, &mut errands);
        }
        errands.run(self);
        Ok(())
    }
}
