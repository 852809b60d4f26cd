use std::sync::Arc;

use ostler_lifecycle::{JobId, OfJob, PluginKey, WorkerKey};
use ostler_wire::Payload;
use tokio::sync::oneshot;

use crate::job::JobCell;
use crate::{CancelError, Cancellation, JobType};

/// A job that has not ended, as the driver needs it.
pub(crate) struct Active<J: JobType> {
    pub(super) cell: Arc<JobCell<J>>,
    pub(super) payload: Payload,
    pub(super) plugin: PluginKey,
    /// Who was sent it last.
    pub(super) worker: Option<WorkerKey>,
    /// From the first cancel on.
    pub(super) cancel: Option<Box<Cancel>>,
}

/// A cancel that goes on.
pub(super) struct Cancel {
    pub(super) record: Box<Cancellation>,
    pub(super) waiters: Vec<oneshot::Sender<Result<bool, CancelError>>>,
}

impl<J: JobType> OfJob for Active<J> {
    fn job(&self) -> JobId {
        self.cell.id
    }
}
