//! What a host remembers of a job, changed while it waits, runs, or has ended.

use std::sync::Arc;

use jiff::Timestamp;
use ostler_lifecycle::JobId;
use serde_json::Value;

use super::Core;
use crate::JobType;
use crate::events::{JobEventKind, ManagerEventKind};

impl<J: JobType> Core<J> {
    /// False if the job is unknown.
    pub(crate) fn set_metadata(&self, job: JobId, name: String, value: Value) -> bool {
        let mut state = self.lock();
        if !state.ledger.set_metadata(job, &name, value.clone()) {
            return false;
        }
        let active = state.active.get(&job).map(|active| Arc::clone(active.cell.log()));
        let log = active.or_else(|| state.archive.get(job).cloned());
        // Without a log there is no number that the event could have.
        if let (Some(log), Some(record)) = (log, state.ledger.get(job)) {
            let event = log.push(Timestamp::now(), JobEventKind::Metadata { name, value });
            state.events.push(event.at, || ManagerEventKind::Job {
                job,
                plugin: record.plugin_id.clone(),
                event,
            });
        }
        // If it has ended, its log has become heavier.
        let gone = state.archive.weigh_again(job);
        drop(state);
        drop(gone);
        true
    }
}
