use std::time::Duration;

use crate::queue::Place;
use crate::{JobFailure, SlotId};

/// A job that has not ended. What it is doing on a worker stands in the worker's slot, once.
#[derive(Debug)]
pub(crate) struct JobEntry {
    pub(crate) place: Place,
    pub(crate) timeout: Option<Duration>,
    pub(crate) attempt: u32,
    pub(crate) whereabouts: Whereabouts,
}

/// Where a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whereabouts {
    /// In the queue.
    Queued,
    /// With a slot: reserved for it, busy with it, or dying with it.
    InSlot(SlotId),
    /// With a process that does not die.
    Undead,
}

/// What becomes of the job of a worker that is being killed, once the death is proven.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Fate {
    /// It was cancelled.
    Cancelled,
    /// It failed, and this is why.
    Failed(Box<JobFailure>),
    /// It never began: back to its place in the queue, unblamed.
    Requeued,
}
