//! One slot: a place for a worker, and what the worker in it is doing.
//!
//! ```text
//!  Vacant ─► Starting ─► Loading ─► Idle ◄─► Reserved | Busy | Controlling ─► Draining ─► Vacant
//!    ▲          │           │         │          │
//!    │          └───────────┴─────────┴──────────┴─► Dying ─► restart policy ─► Starting
//!    └───────────────────────────────────────────────────────────────────────── Waiting | Vacant
//! ```

use std::time::Instant;

use crate::job::Fate;
use crate::{
    Category, EndReason, FailureKind, Generation, JobFailure, JobId, RequestId, SlotId, Ticket, WorkerFrame,
    WorkerKey,
};

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) id: SlotId,
    /// The last worker that filled it.
    pub(crate) generation: Generation,
    pub(crate) pid: Option<u32>,
    pub(crate) state: SlotState,
    /// When the present state has lasted too long.
    pub(crate) deadline: Option<Instant>,
    /// It closed its connection; if it has not exited by then, it never will.
    pub(crate) hung_up: Option<Instant>,
    /// The worker must not take another job.
    pub(crate) retire: bool,
    /// Somebody waits for another worker here, whatever the policy says of the end of this one.
    pub(crate) wanted: bool,
    /// How the last worker ended, as the rest of a sentence.
    pub(crate) last_end: String,
}

#[derive(Debug)]
pub(crate) enum SlotState {
    /// No worker, and none on its way. `owes` says that the next start follows a fault.
    Vacant { owes: bool },
    /// The restart policy lets it wait until its deadline.
    Waiting,
    /// The process is being made, or has not said hello.
    Starting,
    /// Plugins are being loaded.
    Loading { request: RequestId },
    /// Can take a job.
    Idle,
    /// The resource hook is being asked about this job.
    Reserved { job: JobId, ticket: Ticket },
    /// Has a job.
    Busy(Assignment),
    /// Reloads or unloads a plugin.
    Controlling { request: RequestId },
    /// Was told to stop.
    Draining,
    /// Was killed, and the death is not proven yet.
    Dying(Death),
}

/// A job inside a worker.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) job: JobId,
    pub(crate) attempt: u32,
    pub(crate) request: RequestId,
    pub(crate) stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Sent; the worker has not said that it began.
    Sent,
    /// Began. The next chunk has this number.
    Running { next_chunk: u64 },
    /// Was asked to end; the kill comes at the deadline.
    Leaving,
}

/// A worker that was killed, and what becomes of its job.
#[derive(Debug)]
pub(crate) struct Death {
    pub(crate) reason: EndReason,
    pub(crate) victim: Option<(JobId, Fate)>,
    pub(crate) was_ready: bool,
}

/// A worker that does not die, apart from its slot, which goes on without it.
#[derive(Debug)]
pub(crate) struct Undead {
    pub(crate) worker: WorkerKey,
    pub(crate) pid: Option<u32>,
    pub(crate) death: Death,
}

impl Slot {
    pub(crate) fn new(id: SlotId) -> Self {
        Self {
            id,
            generation: Generation(0),
            pid: None,
            state: SlotState::Vacant { owes: false },
            deadline: None,
            hung_up: None,
            retire: false,
            wanted: false,
            last_end: String::new(),
        }
    }

    pub(crate) fn worker(&self) -> WorkerKey {
        WorkerKey { slot: self.id, generation: self.generation }
    }

    pub(crate) fn enter(&mut self, state: SlotState, deadline: Option<Instant>) {
        self.state = state;
        self.deadline = deadline;
    }

    /// Whether there is a process, or one is being made.
    pub(crate) fn has_worker(&self) -> bool {
        !matches!(self.state, SlotState::Vacant { .. } | SlotState::Waiting)
    }

    /// Whether its worker has its plugins loaded and was not told to go.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(
            self.state,
            SlotState::Idle | SlotState::Reserved { .. } | SlotState::Busy(_) | SlotState::Controlling { .. }
        )
    }

    /// Whether it has a job or will have one without another worker being started.
    pub(crate) fn is_on_its_way(&self) -> bool {
        !matches!(self.state, SlotState::Vacant { .. } | SlotState::Busy(_) | SlotState::Draining)
    }
}

impl Death {
    /// A worker that is being killed still names a job, or cannot be understood any more: if that job was to
    /// go back to the queue, it may have begun, and cannot run a second time.
    pub(crate) fn hear(&mut self, frame: &WorkerFrame) {
        if let Some((job, fate @ Fate::Requeued)) = &mut self.victim
            && frame.may_hide_begin_of(*job)
        {
            let message = "the worker was killed before it said that it began this job, and may have begun it all the same";
            *fate =
                Fate::Failed(Box::new(JobFailure::new(FailureKind::Stalled, Category::Transient, message)));
        }
    }
}

impl SlotState {
    /// What the worker says cannot be trusted any more: a job that was sent may have begun.
    pub(crate) fn presume_begun(&mut self) {
        if let Self::Busy(Assignment { stage: stage @ Stage::Sent, .. }) = self {
            *stage = Stage::Running { next_chunk: 0 };
        }
    }

    /// The job that is lost with the worker, and what becomes of it. `failure` is asked only if the job
    /// is to blame.
    pub(crate) fn victim(&self, failure: impl FnOnce() -> JobFailure) -> Option<(JobId, Fate)> {
        match self {
            Self::Reserved { job, .. } => Some((*job, Fate::Requeued)),
            Self::Busy(assignment) => Some((
                assignment.job,
                match assignment.stage {
                    Stage::Sent => Fate::Requeued,
                    Stage::Running { .. } => Fate::Failed(Box::new(failure())),
                    Stage::Leaving => Fate::Cancelled,
                },
            )),
            _ => None,
        }
    }
}
