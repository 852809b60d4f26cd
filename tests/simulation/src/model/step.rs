use ostler_lifecycle::{ControlId, JobId, SlotId, WorkerKey};

use super::job::Due;
use super::worker::{End, Worker};

/// What an input means, and what it must therefore lead to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    /// It is about something that is over: it must change nothing.
    pub(crate) quiet: bool,
    /// What must become of jobs now.
    pub(crate) due: Vec<(JobId, Due)>,
    /// The job that must be on its way to Cancelling.
    pub(crate) cancelling: Option<JobId>,
    /// The job that must be let out of quarantine.
    pub(crate) released: Option<JobId>,
    /// Jobs whose worker does not die, which must be said.
    pub(crate) still_dying: Vec<JobId>,
    /// The job that the hook has just agreed to.
    pub(crate) admitted: Option<JobId>,
    /// A job was given to a worker.
    pub(crate) gave_work: bool,
    /// The job that the hook refused, although the question may be lost.
    pub(crate) refused: Option<JobId>,
    /// The job that has just been submitted, and the word on it is still to come.
    pub(crate) submitted: Option<JobId>,
    /// What the frame means.
    pub(crate) frame: Frame,
    /// The worker that has just gone.
    pub(crate) gone: Option<(WorkerKey, Worker)>,
    /// How it leaves its slot, and whether somebody is to come back there whatever the policy says.
    pub(crate) leaves: Option<(End, bool)>,
    /// Slots that have become empty, how, and whether there was room for another worker.
    pub(crate) emptied: Vec<(SlotId, End, Option<bool>)>,
    /// Starts that are asked for, so that policy and budget do not count.
    pub(crate) free_start: bool,
    /// Slots that have just become empty, for which a restart was asked.
    pub(crate) replaced: Vec<SlotId>,
    /// Slots that have just become empty, and may be filled again whatever the policy says.
    pub(crate) returning: Vec<SlotId>,
    /// The start that is being judged is paid for since the one before it was never ready.
    pub(crate) charged: bool,
    /// Slots that were filled.
    pub(crate) filled: Vec<SlotId>,
    /// Workers that were killed, and that were told to stop.
    pub(crate) killed: Vec<WorkerKey>,
    pub(crate) stopped: Vec<WorkerKey>,
    /// Workers that take more memory than they may, and must go.
    pub(crate) over_limit: Vec<WorkerKey>,
    /// The host is short of memory: who may have to go, as things were before.
    pub(crate) eviction: Option<Eviction>,
    /// The host was short of memory, and has as much again as it needs and so much more.
    pub(crate) room: Option<u64>,
    /// All that had to go are back, so the pressure is over.
    pub(crate) relief: bool,
    /// The pool gets another size, and a smaller one for the first time.
    pub(crate) resized: bool,
    pub(crate) first_shrink: bool,
    /// Something was freed, so that those who wait for resources may be asked about.
    pub(crate) freed: bool,
    /// A limit would end every worker: the pool must be down now.
    pub(crate) hopeless: bool,
    /// A limit to growth is exceeded by every first job: it must be given up now.
    pub(crate) futile: bool,
    /// The pool must be paused, or resumed.
    pub(crate) pauses: bool,
    pub(crate) resumes: bool,
    pub(crate) went_down: bool,
    pub(crate) published: bool,
}

/// Who may be given up for want of memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Eviction {
    /// Somebody is on its way out already: what that gives back must be seen first.
    pub(crate) waits: bool,
    /// Those that may be the one: several, if it cannot be said who is reserved, or if they are of one size.
    pub(crate) candidates: Vec<WorkerKey>,
    /// Who went.
    pub(crate) gone: Vec<WorkerKey>,
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
    /// It ends a run, as is noted among what must become of jobs.
    Ended,
    /// It ends a run whose time was up.
    EndedLate,
    /// It was told that the time of its job was up.
    ToldToEnd,
    EndedAfterCancel,
    Chore,
    State(ControlId),
    /// It breaks the protocol.
    Wrong,
}
