use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostler_lifecycle::Generation;

use super::{ManagerId, MemoryError, ResourceManager, SystemMemory, WorkerState};

/// A resource manager that keeps what it is told, of any number of managers. Clones share the table.
///
/// A worker counts from its registration to its end: what is said of it before or after is dropped.
#[derive(Clone, Debug, Default)]
pub struct WorkerTable {
    workers: Arc<Mutex<BTreeMap<Key, WorkerState>>>,
}

impl WorkerTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The workers that are alive, by worker type, then by manager, and then by age.
    pub fn workers(&self) -> Vec<WorkerState> {
        self.lock().values().cloned().collect()
    }

    /// The workers that use a resource, such as a model.
    pub fn using(&self, resource: &str) -> Vec<WorkerState> {
        let workers = self.lock();
        workers.values().filter(|worker| worker.resource.as_deref() == Some(resource)).cloned().collect()
    }

    /// What memory the host has, and what the workers use of it. This reads files: the table is not locked
    /// meanwhile.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn memory(&self) -> Result<SystemMemory, MemoryError> {
        let pids: Vec<_> = self.lock().values().filter_map(|worker| worker.pid).collect();
        SystemMemory::read(&pids)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, WorkerState>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What names a worker, behind the type by which they are sorted.
type Key = (String, ManagerId, Generation);

fn key(worker: &WorkerState) -> Key {
    (worker.worker_type.clone(), worker.manager, worker.generation)
}

impl ResourceManager for WorkerTable {
    fn register_worker(&self, worker: &WorkerState) {
        self.lock().insert(key(worker), worker.clone());
    }

    fn update_worker_state(&self, worker: &WorkerState) {
        if let Some(known) = self.lock().get_mut(&key(worker)) {
            known.clone_from(worker);
        }
    }

    fn unregister_worker(&self, worker: &WorkerState) {
        self.lock().remove(&key(worker));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::slice;

    use ostler_lifecycle::SlotId;

    use super::*;
    use crate::WorkerPhase;

    fn worker(worker_type: &str, generation: u64) -> WorkerState {
        worker_of(ManagerId::new(), worker_type, generation)
    }

    fn worker_of(manager: ManagerId, worker_type: &str, generation: u64) -> WorkerState {
        WorkerState {
            manager,
            worker_type: worker_type.into(),
            slot: SlotId(0),
            generation: Generation(generation),
            pid: Some(std::process::id()),
            phase: WorkerPhase::Idle,
            plugin: None,
            resource: None,
            job: None,
        }
    }

    #[test]
    fn a_worker_counts_from_its_registration_to_its_end() {
        let table = WorkerTable::new();
        let idle = worker("text", 1);
        table.update_worker_state(&idle);
        assert!(table.workers().is_empty());
        table.register_worker(&idle);
        let busy = WorkerState { phase: WorkerPhase::Busy, resource: Some("base".into()), ..idle.clone() };
        table.update_worker_state(&busy);
        assert_eq!(table.workers(), slice::from_ref(&busy));
        assert_eq!(table.using("base"), slice::from_ref(&busy));
        table.unregister_worker(&idle);
        table.update_worker_state(&busy);
        assert!(table.workers().is_empty());
    }

    #[test]
    fn managers_do_not_mix_up_their_workers() {
        let table = WorkerTable::new();
        // Also of one type and one generation.
        let [text, image, other] = [worker("text", 1), worker("image", 1), worker("text", 1)];
        for worker in [&text, &image, &other] {
            table.register_worker(worker);
        }
        assert_eq!(table.workers(), [image.clone(), text.clone(), other.clone()]);
        table.unregister_worker(&text);
        assert_eq!(table.workers(), [image, other]);
    }

    #[test]
    fn memory_is_that_of_the_workers() {
        let table = WorkerTable::new();
        assert_eq!(table.memory().unwrap().used_by_processes(), 0);
        table.register_worker(&worker("text", 1));
        assert!(table.memory().unwrap().used_by_processes() > 0);
    }
}
