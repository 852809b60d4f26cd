use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use ostler_lifecycle::{JobId, Priority};
use tokio::sync::SetOnce;
use tokio::task::coop::consume_budget;

use super::{Job, JobType, PluginId};
use crate::JobError;
use crate::events::{EventLog, JobEventKind};

/// What handles, driver and ledger share of one job of a manager: what does not change, and how it ended.
pub(crate) struct JobCell<J: JobType> {
    pub(crate) id: JobId,
    pub(crate) plugin: PluginId,
    pub(crate) created_at: Timestamp,
    pub(crate) priority: Priority,
    /// Made when there is more to tell than that the job is queued, or when somebody listens.
    log: OnceLock<Arc<EventLog>>,
    ended: SetOnce<Ended<J>>,
}

/// How a job ended.
struct Ended<J: JobType> {
    record: Arc<Job<J>>,
    /// What holds in place of the record, if that could not be written: its type panicked when it was copied for a reader.
    instead: Option<Box<JobError>>,
}

impl<J: JobType> JobCell<J> {
    pub(crate) fn new(id: JobId, plugin: PluginId, created_at: Timestamp, priority: Priority) -> Self {
        Self { id, plugin, created_at, priority, log: OnceLock::new(), ended: SetOnce::new() }
    }

    /// Of a job that has ended, with its events if there are any left.
    pub(crate) fn ended_before(record: Arc<Job<J>>, log: Option<Arc<EventLog>>) -> Self {
        let cell = Self::new(record.id, record.plugin_id.clone(), record.created_at, record.priority);
        let log = log.unwrap_or_else(|| {
            let empty = EventLog::default();
            empty.close();
            Arc::new(empty)
        });
        // Both are new.
        let _ = cell.log.set(log);
        cell.end(record, None);
        cell
    }

    /// All that has happened to the job. It begins with its queueing, which need not be added.
    pub(crate) fn log(&self) -> &Arc<EventLog> {
        self.log.get_or_init(|| {
            let log = EventLog::default();
            log.push(self.created_at, JobEventKind::Queued);
            Arc::new(log)
        })
    }

    /// The record of a job that has ended.
    pub(crate) fn record(&self) -> Option<&Arc<Job<J>>> {
        self.ended.get().map(|ended| &ended.record)
    }

    /// What holds in place of the record of a job that has ended, if it could not be written.
    pub(crate) fn instead(&self) -> Option<&JobError> {
        self.ended.get()?.instead.as_deref()
    }

    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn ended(&self) -> &Arc<Job<J>> {
        // One that has ended is there at once: who asks again and again must let others have a turn.
        consume_budget().await;
        &self.ended.wait().await.record
    }

    pub(crate) fn end(&self, record: Arc<Job<J>>, instead: Option<Box<JobError>>) {
        // A job ends once: see `Machine::settle`.
        let _ = self.ended.set(Ended { record, instead });
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    struct Nothing;
    impl JobType for Nothing {
        type Output = ();
    }

    #[test]
    fn a_million_jobs_fit() {
        assert!(size_of::<JobCell<Nothing>>() <= 128, "{}", size_of::<JobCell<Nothing>>());
    }
}
