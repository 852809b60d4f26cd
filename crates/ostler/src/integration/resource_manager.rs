use super::WorkerState;

/// Is told about every worker, so that the host can keep account of what they use.
///
/// The calls for one worker come in order. They are made between other work of the manager, so they should
/// be short and must not block. A worker's state is told whole each time.
pub trait ResourceManager: Send + Sync + 'static {
    /// The worker's process was made.
    fn register_worker(&self, worker: &WorkerState);

    /// The worker's state changed: a job started or ended, a plugin was loaded afresh or dropped.
    fn update_worker_state(&self, worker: &WorkerState);

    /// The worker is dead.
    fn unregister_worker(&self, worker: &WorkerState);
}
