use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use ostler_lifecycle::{Generation, JobId, SlotId};
use serde::{Deserialize, Serialize};

use super::WorkerPhase;
use crate::PluginId;

/// Names a manager within its host: no two managers have the same, also if their workers are of one type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ManagerId(u64);

impl ManagerId {
    /// One that no other manager of this process has.
    pub(crate) fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self(MADE.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl fmt::Display for ManagerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A worker, as it stood when it was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerState {
    /// The manager that it works for.
    pub manager: ManagerId,
    /// The manager's kind of worker.
    pub worker_type: String,
    /// Its place in the pool.
    pub slot: SlotId,
    /// Which of the manager's workers; with the manager it names a worker.
    pub generation: Generation,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// What it is doing.
    pub phase: WorkerPhase,
    /// The plugin of its job, or of its latest one.
    pub plugin: Option<PluginId>,
    /// What that plugin's configuration names as its resource, such as a model.
    pub resource: Option<String>,
    /// The job that it runs.
    pub job: Option<JobId>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn its_json_is_flat_and_is_read_back() {
        let state = WorkerState {
            manager: ManagerId(3),
            worker_type: "speech".into(),
            slot: SlotId(1),
            generation: Generation(7),
            pid: Some(4711),
            phase: WorkerPhase::Busy,
            plugin: Some("whisper".into()),
            resource: None,
            job: Some(JobId::from_uuid(Uuid::from_u128(9))),
        };
        let expected = json!({
            "manager": 3,
            "worker_type": "speech",
            "slot": 1,
            "generation": 7,
            "pid": 4711,
            "phase": "busy",
            "plugin": "whisper",
            "resource": null,
            "job": "00000000-0000-0000-0000-000000000009",
        });
        assert_eq!(serde_json::to_value(&state).unwrap(), expected);
        assert_eq!(serde_json::from_value::<WorkerState>(expected).unwrap(), state);
    }
}
