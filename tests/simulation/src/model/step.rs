use ostler_lifecycle::{ControlId, JobId, SlotId, WorkerKey};

use super::job::Due;
use super::worker::{End, Worker};

/// What an input means, and what it must therefore lead to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    /// It is about something that is over: it must change nothing.
    pub(crate) quiet: bool,
    /// Jobs that must end now, and how.
    pub(crate) due: Vec<(JobId, Due)>,
    /// The job that must be on its way to Cancelling.
    pub(crate) cancelling: Option<JobId>,
    /// Jobs whose worker does not die, which must be said.
    pub(crate) still_dying: Vec<JobId>,
    /// The job that the hook has just agreed to.
    pub(crate) admitted: Option<JobId>,
    /// The job that the hook refused, although the question may be lost.
    pub(crate) refused: Option<JobId>,
    /// The job that has just been submitted, and the word on it is still to come.
    pub(crate) submitted: Option<JobId>,
    /// What the frame means.
    pub(crate) frame: Frame,
    /// The worker that has just gone.
    pub(crate) gone: Option<(WorkerKey, Worker)>,
    /// Slots that have become empty, and how.
    pub(crate) emptied: Vec<(SlotId, End)>,
    /// Starts that are asked for, so that policy and budget do not count.
    pub(crate) free_start: bool,
    /// Slots that have just become empty, for which a restart was asked.
    pub(crate) replaced: Vec<SlotId>,
    /// Slots that were filled.
    pub(crate) filled: Vec<SlotId>,
    /// Workers that were killed.
    pub(crate) killed: Vec<WorkerKey>,
    pub(crate) went_down: bool,
    pub(crate) published: bool,
}

/// What a frame means, in the state in which its worker is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Frame {
    #[default]
    Nothing,
    Hello,
    Ready,
    LoadFailed,
    Started,
    Noted,
    Chunk,
    /// It ends a job, as is noted among those that must.
    Ended,
    EndedAfterCancel,
    Chore,
    State(ControlId),
    /// It breaks the protocol.
    Wrong,
}
