//! One slot: a place for a worker, and what the worker in it is doing.
//!
//! ```text
//!  Vacant ─► Starting ─► Loading ─► Idle ◄─► Reserved | Busy | Controlling ─► Draining ─► Vacant
//!    ▲          │           │         │          │
//!    │          └───────────┴─────────┴──────────┴─► Dying ─► restart policy ─► Starting
//!    └───────────────────────────────────────────────────────────────────────── Waiting | Vacant
//! ```

use std::time::Instant;

use crate::assignment::{Assignment, Stage};
use crate::heartbeat::Heartbeat;
use crate::job::Fate;
use crate::life::Life;
use crate::read_mark::ReadMark;
use crate::restart::Fault;
use crate::standing::{Over, Standing};
use crate::{
    Category, DeathPhase, EndReason, FailureKind, Generation, JobFailure, JobId, RequestId, SlotId, Ticket,
    WorkerFrame, WorkerKey,
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
    /// Up to when what its worker said has been read.
    pub(crate) read: ReadMark,
    /// In states in which it must show that it lives.
    pub(crate) heartbeat: Option<Heartbeat>,
    /// A job was asked to end here because its time was up. The worker may answer that after the job's result.
    pub(crate) asked_to_end: Option<RequestId>,
    pub(crate) standing: Standing,
    /// Somebody wants another worker here, whatever the policy says of the end of this one.
    pub(crate) wanted: Option<Wanted>,
    /// A start was refused here since the budget is spent, and no worker has become ready here since: it is missing in the
    /// pool.
    pub(crate) held: bool,
    /// Faults here since a worker did its work well.
    pub(crate) faults: u32,
    /// When the start of its worker was taken from the budget.
    pub(crate) charged: Option<(Fault, Instant)>,
    /// How the last worker ended, as the rest of a sentence.
    pub(crate) last_end: String,
    /// The life of the worker so far.
    pub(crate) life: Life,
}

/// A worker that is to come whatever the policy says.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Wanted {
    /// What it will take, in bytes, as far as it is known.
    pub(crate) needs: u64,
    /// Since when the one before it has had nothing to do, if the new one is to count on from there.
    pub(crate) idle_since: Option<Instant>,
}

#[derive(Debug)]
pub(crate) enum SlotState {
    /// No worker, and none on its way. `owes` says that the next start follows a fault.
    Vacant { owes: Option<Fault> },
    /// The restart policy lets it wait until its deadline, or the spent budget does.
    Waiting { after: Fault },
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
    Draining { reason: EndReason },
    /// Was killed, and the death is not proven yet.
    Dying(Death),
}

/// A worker that was killed, and what becomes of its job.
#[derive(Debug)]
pub(crate) struct Death {
    pub(crate) reason: EndReason,
    pub(crate) victim: Option<(JobId, Fate)>,
    /// The job that had begun, and its attempt: what it printed before the kill is still its own.
    pub(crate) printed_by: Option<(JobId, u32)>,
    pub(crate) was_ready: bool,
    pub(crate) phase: DeathPhase,
}

/// A worker that does not die, apart from its slot, which goes on without it.
#[derive(Debug)]
pub(crate) struct Undead {
    pub(crate) worker: WorkerKey,
    pub(crate) pid: Option<u32>,
    pub(crate) jobs_done: u32,
    pub(crate) death: Death,
}

impl Slot {
    pub(crate) fn new(id: SlotId) -> Self {
        Self {
            id,
            generation: Generation(0),
            pid: None,
            state: SlotState::VACANT,
            deadline: None,
            hung_up: None,
            read: ReadMark::default(),
            heartbeat: None,
            asked_to_end: None,
            standing: Standing::Member,
            wanted: None,
            held: false,
            faults: 0,
            charged: None,
            last_end: String::new(),
            life: Life::default(),
        }
    }

    pub(crate) fn worker(&self) -> WorkerKey {
        WorkerKey { slot: self.id, generation: self.generation }
    }

    pub(crate) fn enter(&mut self, state: SlotState, deadline: Option<Instant>) {
        self.state = state;
        self.deadline = deadline;
        self.heartbeat = None;
        if self.is_vacant() {
            self.standing = Standing::Member;
        }
        // A start that is decided is none that memory is to decide about, unless it is so again when its time has come.
        if matches!(self.state, SlotState::Waiting { .. }) {
            self.wanted = None;
        }
    }

    /// When something is to be done here next, if nothing else happens first.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = Instant> {
        // While the driver reads what the worker has said, nothing is judged.
        let ending = self.endings().min().filter(|_| !self.read.is_awaited());
        let ping = self.heartbeat.and_then(|heartbeat| heartbeat.asks_at());
        let hook = self.wait_ends_at().filter(|_| self.starts_at().is_none());
        [hook, ending, ping].into_iter().flatten()
    }

    /// When a worker is started here for which its time has not come. That ends nobody's work, so it may be late.
    pub(crate) fn starts_at(&self) -> Option<Instant> {
        self.deadline.filter(|_| matches!(self.state, SlotState::Waiting { .. }))
    }

    /// When a wait ends in which no worker has a say.
    pub(crate) fn wait_ends_at(&self) -> Option<Instant> {
        self.deadline.filter(|_| matches!(self.state, SlotState::Waiting { .. } | SlotState::Reserved { .. }))
    }

    /// When its worker, or the job in it, will have taken too long. Nothing of that is judged before all was read that the
    /// worker had said until then.
    pub(crate) fn endings(&self) -> impl Iterator<Item = Instant> {
        let state = self.state_ends_at();
        let dies = self.heartbeat.and_then(|heartbeat| heartbeat.dies_at());
        [state, self.hung_up, self.stalls_at(), dies, self.interrupted_at()].into_iter().flatten()
    }

    /// When the present state of its worker has lasted too long.
    pub(crate) fn state_ends_at(&self) -> Option<Instant> {
        if self.wait_ends_at().is_some() { None } else { self.deadline }
    }

    /// When its job has reported nothing for too long.
    pub(crate) fn stalls_at(&self) -> Option<Instant> {
        match &self.state {
            SlotState::Busy(assignment) => assignment.stalls_at(),
            _ => None,
        }
    }

    /// When the pool's time was up, if its job ends with the pool.
    pub(crate) fn interrupted_at(&self) -> Option<Instant> {
        match &self.state {
            SlotState::Busy(assignment) => assignment.interrupted_at,
            _ => None,
        }
    }

    pub(crate) fn is_vacant(&self) -> bool {
        matches!(self.state, SlotState::Vacant { .. })
    }

    /// Whether its worker was told to go, or killed.
    pub(crate) fn is_leaving(&self) -> bool {
        matches!(self.state, SlotState::Draining { .. } | SlotState::Dying(_))
    }

    /// Whether its worker is leaving because the pool was made smaller.
    pub(crate) fn leaves_as_surplus(&self) -> bool {
        match &self.state {
            SlotState::Draining { reason } => *reason == EndReason::Surplus,
            SlotState::Dying(death) => death.reason == EndReason::Surplus,
            _ => false,
        }
    }

    /// Whether its worker is to go as soon as it may, whatever for.
    pub(crate) fn is_to_go(&self) -> bool {
        self.life.over.is_some() || self.standing.is_too_many()
    }

    /// Whether it counts on: it has a worker or will have one, and nobody wants that one to go.
    pub(crate) fn stays(&self) -> bool {
        !self.is_vacant() && !self.is_leaving() && !self.is_to_go()
    }

    /// Whether its worker may be found to be at the end of its life.
    pub(crate) fn may_grow_old(&self) -> bool {
        self.is_ready() && self.life.over.is_none() && self.standing == Standing::Member
    }

    /// Whether its worker is to be recycled as soon as another one can take its place.
    pub(crate) fn is_old(&self) -> bool {
        self.is_ready() && self.leaves_a_place_for_another()
    }

    /// Whether its worker was old and is being killed before another one has taken its place.
    pub(crate) fn dies_old(&self) -> bool {
        matches!(self.state, SlotState::Dying(_)) && self.leaves_a_place_for_another()
    }

    /// Whether its worker has reached the end of its life, and another one is to have its place.
    pub(crate) fn leaves_a_place_for_another(&self) -> bool {
        matches!(self.life.over, Some(Over::Old(_))) && !self.standing.is_too_many()
    }

    /// Whether its worker could take over from one that goes.
    pub(crate) fn can_take_over(&self) -> bool {
        let reloads = matches!(self.state, SlotState::Controlling { .. });
        self.is_ready() && !reloads && !self.is_to_go() && self.hung_up.is_none()
    }

    /// Whether there is a process, or one is being made.
    pub(crate) fn has_worker(&self) -> bool {
        !matches!(self.state, SlotState::Vacant { .. } | SlotState::Waiting { .. })
    }

    /// Whether a start is decided for which its time has not come. One that is held has no start yet.
    pub(crate) fn waits_for_its_time(&self) -> bool {
        matches!(self.state, SlotState::Waiting { .. }) && !self.held
    }

    /// Whether it waits for a start that its budget has refused: nobody is there, and nobody may come for long.
    pub(crate) fn waits_for_budget(&self) -> bool {
        matches!(self.state, SlotState::Waiting { .. }) && self.held
    }

    /// After which fault its start was refused, if it is missing for that.
    pub(crate) fn why_held(&self) -> Option<Fault> {
        match self.state {
            _ if !self.held => None,
            SlotState::Waiting { after } => Some(after),
            SlotState::Vacant { owes } => owes,
            _ => self.charged.map(|(fault, _)| fault),
        }
    }

    /// Whether its worker has its plugins loaded and was not told to go.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(
            self.state,
            SlotState::Idle | SlotState::Reserved { .. } | SlotState::Busy(_) | SlotState::Controlling { .. }
        )
    }

    /// Whether it will have a job that waits without another worker being started. One that is reserved has its own, about
    /// which a hook may think for long.
    pub(crate) fn is_on_its_way(&self) -> bool {
        match self.state {
            SlotState::Vacant { .. }
            | SlotState::Reserved { .. }
            | SlotState::Busy(_)
            | SlotState::Draining { .. } => false,
            SlotState::Waiting { .. } => !self.held,
            _ => true,
        }
    }

    /// Whether it has a job, or is reserved for one.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self.state, SlotState::Reserved { .. } | SlotState::Busy(_))
    }

    /// The job that it has, is reserved for, or dies with.
    pub(crate) fn job(&self) -> Option<JobId> {
        match &self.state {
            SlotState::Reserved { job, .. } => Some(*job),
            SlotState::Busy(assignment) => Some(assignment.job),
            SlotState::Dying(death) => death.victim.as_ref().map(|(job, _)| *job),
            _ => None,
        }
    }

    /// Whether its worker can take a job. One that has closed its connection is as good as dead.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, SlotState::Idle) && self.hung_up.is_none()
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
    /// Empty, and nobody is to blame.
    pub(crate) const VACANT: Self = Self::Vacant { owes: None };

    /// What a worker in this state is doing, if it ends now.
    pub(crate) fn phase(&self) -> DeathPhase {
        match self {
            Self::Vacant { .. } | Self::Waiting { .. } | Self::Starting => DeathPhase::Start,
            Self::Loading { .. } | Self::Controlling { .. } => DeathPhase::Load,
            Self::Idle | Self::Reserved { .. } => DeathPhase::Idle,
            Self::Busy(_) => DeathPhase::Run,
            Self::Draining { .. } => DeathPhase::Stop,
            Self::Dying(death) => death.phase,
        }
    }

    /// The job that the worker has begun with, and which attempt of it.
    pub(crate) fn job_that_began(&self) -> Option<(JobId, u32)> {
        match self {
            Self::Busy(Assignment { stage: Stage::Sent, .. }) => None,
            Self::Busy(Assignment { job, attempt, .. }) => Some((*job, *attempt)),
            _ => None,
        }
    }

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
                    Stage::Overtime { timeout } => Fate::Failed(Box::new(JobFailure::ran_too_long(timeout))),
                    Stage::Leaving => Fate::Cancelled,
                },
            )),
            _ => None,
        }
    }
}
