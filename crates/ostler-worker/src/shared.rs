use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ostler_wire::{JobId, WorkerReport};

use crate::outbox::Outbox;

/// What the main thread and whoever reads both know.
pub(crate) struct Shared {
    pub(crate) outbox: Arc<Outbox>,
    started: Instant,
    /// The job that runs, and behind it what the main thread has not picked up yet: a cancel may come as
    /// soon as the job has.
    jobs: Mutex<VecDeque<Accepted>>,
    loaded: Mutex<BTreeSet<String>>,
    jobs_done: AtomicU64,
    stopped: AtomicBool,
}

struct Accepted {
    job: JobId,
    cancelled: Arc<AtomicBool>,
}

impl Shared {
    pub(crate) fn new(outbox: Outbox) -> Self {
        Self {
            outbox: Arc::new(outbox),
            started: Instant::now(),
            jobs: Mutex::new(VecDeque::new()),
            loaded: Mutex::new(BTreeSet::new()),
            jobs_done: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Notes a job that has come; the flag that it returns is set by [`cancel`](Self::cancel).
    pub(crate) fn accept(&self, job: JobId) -> Arc<AtomicBool> {
        let cancelled = Arc::new(AtomicBool::new(false));
        lock(&self.jobs).push_back(Accepted { job, cancelled: Arc::clone(&cancelled) });
        cancelled
    }

    /// Notes that the job that was accepted first has ended.
    pub(crate) fn end(&self) {
        lock(&self.jobs).pop_front();
        self.jobs_done.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks a job to stop.
    pub(crate) fn cancel(&self, job: JobId) -> Result<(), String> {
        match lock(&self.jobs).iter().find(|accepted| accepted.job == job) {
            Some(accepted) => {
                accepted.cancelled.store(true, Ordering::Relaxed);
                Ok(())
            }
            None => Err(format!("job {job} is not running in this worker")),
        }
    }

    /// Asks whatever runs to stop: nobody wants its result any more.
    pub(crate) fn cancel_any(&self) {
        for accepted in &*lock(&self.jobs) {
            accepted.cancelled.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_loaded(&self, plugin: &str) -> bool {
        lock(&self.loaded).contains(plugin)
    }

    pub(crate) fn set_loaded(&self, plugin: &str, loaded: bool) {
        if loaded {
            lock(&self.loaded).insert(plugin.to_owned());
        } else {
            lock(&self.loaded).remove(plugin);
        }
    }

    /// From here on the end of the connection is expected.
    pub(crate) fn set_stopped(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(crate) fn report(&self) -> WorkerReport {
        WorkerReport {
            pid: std::process::id(),
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            loaded: lock(&self.loaded).iter().cloned().collect(),
            current_job: lock(&self.jobs).front().map(|accepted| accepted.job),
            jobs_done: self.jobs_done.load(Ordering::Relaxed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
