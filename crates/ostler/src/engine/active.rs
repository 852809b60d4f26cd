use std::sync::{Arc, OnceLock};

use ostler_lifecycle::{JobId, WorkerKey};
use ostler_wire::Payload;
use tokio::sync::{Notify, oneshot};

use crate::events::EventLog;
use crate::{CancelError, Cancellation, Job, JobType, PluginId};

/// A job that has not ended, as the driver needs it.
pub(crate) struct Active<J: JobType> {
    pub(super) cell: Arc<JobCell<J>>,
    /// What the worker calls the plugin.
    pub(super) plugin_name: Arc<str>,
    pub(super) payload: Payload,
    pub(super) deadline_ms: Option<u64>,
    /// Who was sent it last.
    pub(super) worker: Option<WorkerKey>,
    /// From the first cancel on.
    pub(super) cancellation: Option<Box<Cancellation>>,
    pub(super) cancel_waiters: Vec<oneshot::Sender<Result<bool, CancelError>>>,
}

/// What handles and driver share of one job.
pub(crate) struct JobCell<J: JobType> {
    pub(crate) id: JobId,
    pub(crate) plugin: PluginId,
    pub(crate) log: Arc<EventLog>,
    record: OnceLock<Arc<Job<J>>>,
    ended: Notify,
}

impl<J: JobType> JobCell<J> {
    pub(super) fn new(id: JobId, plugin: PluginId) -> Self {
        Self { id, plugin, log: Arc::default(), record: OnceLock::new(), ended: Notify::new() }
    }

    /// The record of a job that has ended.
    pub(crate) fn record(&self) -> Option<&Arc<Job<J>>> {
        self.record.get()
    }

    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn ended(&self) -> &Arc<Job<J>> {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if let Some(job) = self.record.get() {
                return job;
            }
            ended.await;
        }
    }

    pub(super) fn end(&self, record: Arc<Job<J>>) {
        // A job ends once: see `Machine::settle`.
        let _ = self.record.set(record);
        self.ended.notify_waiters();
    }
}
