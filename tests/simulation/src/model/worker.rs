use std::time::Instant;

use ostler_lifecycle::{ControlId, FailureKind, JobId, RequestId};

/// A worker whose exit was not fed in yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worker {
    pub(crate) pid: Option<u32>,
    pub(crate) spawned_at: Option<Instant>,
    pub(crate) hello_at: Option<Instant>,
    pub(crate) hung_up_at: Option<Instant>,
    pub(crate) init: Option<RequestId>,
    pub(crate) ready: bool,
    pub(crate) task: Option<Task>,
    /// The reload or unload that it is doing.
    pub(crate) chore: Option<(ControlId, RequestId)>,
    /// What it did of those.
    pub(crate) chores_done: Vec<ControlId>,
    /// Open questions for its state.
    pub(crate) questions: Vec<(RequestId, ControlId)>,
    /// Has taken a configuration that was not accepted in the whole pool.
    pub(crate) obsolete: bool,
    pub(crate) stopped: bool,
    pub(crate) killed: Option<Killed>,
    /// It did not die in time: its slot goes on without it.
    pub(crate) given_up: bool,
}

/// The job inside a worker.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) job: JobId,
    pub(crate) attempt: u32,
    pub(crate) request: RequestId,
    pub(crate) sent_at: Instant,
    pub(crate) started_at: Option<Instant>,
    pub(crate) next_chunk: u64,
    /// When it was asked to end by itself.
    pub(crate) leaving_since: Option<Instant>,
}

/// When and why a worker was killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Killed {
    pub(crate) at: Instant,
    pub(crate) end: End,
    /// What its job must fail with, unless it is cancelled or goes back to the queue.
    pub(crate) doom: Option<FailureKind>,
    /// A restart was asked for since: its slot is filled again whatever the policy says.
    pub(crate) replaced: bool,
}

/// Whether a worker's end was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Asked,
    Fault,
}

impl Worker {
    /// Whether it may be told anything.
    pub(crate) fn listens(&self) -> bool {
        self.killed.is_none() && !self.stopped
    }

    /// Whether it can take a job, or is reserved for one.
    pub(crate) fn is_free(&self) -> bool {
        self.ready && self.listens() && self.task.is_none() && self.chore.is_none()
    }
}
