use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ostler_wire::WorkerReport;
use uuid::Uuid;

use crate::outbox::Outbox;

/// What the reader thread and the main thread both know.
pub(crate) struct Shared {
    pub(crate) outbox: Arc<Outbox>,
    started: Instant,
    current: Mutex<Option<Current>>,
    loaded: Mutex<BTreeSet<String>>,
    jobs_done: AtomicU64,
    stopped: AtomicBool,
}

struct Current {
    job: Uuid,
    cancelled: Arc<AtomicBool>,
}

impl Shared {
    pub(crate) fn new(outbox: Outbox) -> Self {
        Self {
            outbox: Arc::new(outbox),
            started: Instant::now(),
            current: Mutex::new(None),
            loaded: Mutex::new(BTreeSet::new()),
            jobs_done: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Notes that a job runs from now on; its flag can be set by [`cancel`](Self::cancel).
    pub(crate) fn begin(&self, job: Uuid) -> Arc<AtomicBool> {
        let cancelled = Arc::new(AtomicBool::new(false));
        *lock(&self.current) = Some(Current { job, cancelled: Arc::clone(&cancelled) });
        cancelled
    }

    pub(crate) fn end(&self) {
        *lock(&self.current) = None;
        self.jobs_done.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks the job to stop, if it is the one that runs.
    pub(crate) fn cancel(&self, job: Uuid) -> Result<(), String> {
        match &*lock(&self.current) {
            Some(current) if current.job == job => {
                current.cancelled.store(true, Ordering::Relaxed);
                Ok(())
            }
            _ => Err(format!("job {job} is not running in this worker")),
        }
    }

    /// Asks whatever runs to stop: nobody wants its result any more.
    pub(crate) fn cancel_any(&self) {
        if let Some(current) = &*lock(&self.current) {
            current.cancelled.store(true, Ordering::Relaxed);
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
            current_job: lock(&self.current).as_ref().map(|current| current.job),
            jobs_done: self.jobs_done.load(Ordering::Relaxed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
