//! What readers see of jobs and workers. However many jobs there are, the lock is held for a few of them at a time.

use std::sync::Arc;

use ostler_lifecycle::JobId;

use super::Core;
use super::active::Active;
use crate::events::EventLog;
use crate::integration::WorkerState;
use crate::job::{self, JobCell, Ledger};
use crate::{Job, JobType, PluginId};

impl<J: JobType> Core<J> {
    pub(crate) fn workers(&self) -> Arc<[WorkerState]> {
        let mut state = self.lock();
        let known = state.workers.take();
        let look = || {
            let catalog = self.catalog();
            state.look_at_workers(&self.settings, |name| Arc::clone(catalog.resource(name)))
        };
        debug_assert!(known.as_ref().is_none_or(|known| *known == look()), "a worker changed unseen");
        let workers = known.unwrap_or_else(look);
        state.workers = Some(Arc::clone(&workers));
        workers
    }

    /// The log of a job that is known, unless it had to make room.
    pub(crate) fn log(&self, job: JobId) -> Option<Arc<EventLog>> {
        let state = self.lock();
        let running = state.active.get(&job).map(|active| active.cell.log());
        running.or_else(|| state.archive.get(job)).cloned()
    }

    /// What handles of a job share that is known.
    pub(crate) fn cell(&self, job: JobId) -> Option<Arc<JobCell<J>>> {
        let mut state = self.lock();
        if let Some(active) = state.active.get(&job) {
            return Some(Arc::clone(&active.cell));
        }
        let record = state.ledger.get(job)?;
        let log = state.archive.get(job).cloned();
        Some(Arc::new(JobCell::ended_before(record, log)))
    }

    /// All jobs, oldest first.
    pub(crate) fn all_jobs(&self) -> Vec<Arc<Job<J>>> {
        job::all(|page| self.read(|ledger| ledger.page(page)))
    }

    /// The jobs that have not ended and whose plugin is wanted, oldest first.
    pub(crate) fn unfinished(&self, wanted: impl Fn(&PluginId) -> bool) -> Vec<JobId> {
        let mut found = Vec::new();
        for page in 0.. {
            let mut state = self.lock();
            if page >= state.active.pages() {
                break;
            }
            let cells = state.active.page_mut(page).map(|active: &mut Active<J>| &active.cell);
            let wanted = cells.filter(|cell| wanted(&cell.plugin));
            let some: Vec<_> = wanted.map(|cell| (cell.created_at, cell.id)).collect();
            drop(state);
            found.extend(some);
        }
        found.sort_unstable();
        found.into_iter().map(|(_, job)| job).collect()
    }

    /// Forgets the jobs that have ended; how many they were.
    pub(crate) fn clear_completed(&self) -> usize {
        let finished = self.read(|ledger| ledger.finished());
        job::clear(finished, |most| {
            let mut state = self.lock();
            let cleared = state.ledger.clear_completed(false, most);
            let logs: Vec<_> = cleared.jobs.iter().filter_map(|job| state.archive.forget(job.id)).collect();
            drop(state);
            drop(logs);
            cleared
        })
    }

    /// Looks into the ledger; nothing that is large must be dropped in there.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&mut Ledger<J>) -> T) -> T {
        look(&mut self.lock().ledger)
    }
}
