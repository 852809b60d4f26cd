use std::collections::BTreeSet;
use std::time::Instant;

use ostler_lifecycle::{
    Category, ControlId, EndReason, FailureKind, JobId, PluginKey, PoolConfig, RecycleReason, RequestId,
};

/// A worker whose exit was not fed in yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worker {
    pub(crate) pid: Option<u32>,
    pub(crate) spawned_at: Option<Instant>,
    /// Its start was paid for since the one before it was never ready, and when.
    pub(crate) charged_at: Option<Instant>,
    pub(crate) hello_at: Option<Instant>,
    pub(crate) hung_up_at: Option<Instant>,
    pub(crate) init: Option<RequestId>,
    pub(crate) ready: bool,
    pub(crate) ready_at: Option<Instant>,
    /// What it took when it was ready, if that is known.
    pub(crate) baseline: Option<u64>,
    /// Since when it is idle, if it is.
    pub(crate) idle_since: Option<Instant>,
    pub(crate) jobs_done: u32,
    /// Plugins that it has loaded.
    pub(crate) warm: BTreeSet<PluginKey>,
    pub(crate) task: Option<Task>,
    /// The reload or unload that it is doing, and since when.
    pub(crate) chore: Option<(ControlId, RequestId)>,
    pub(crate) chore_since: Option<Instant>,
    /// By when it is to be done with one that a shutdown has refused.
    pub(crate) chore_ends: Option<Instant>,
    /// What it did of those.
    pub(crate) chores_done: Vec<ControlId>,
    /// It was asked to end a job whose time was up, and has not answered that.
    pub(crate) asked_to_end: Option<RequestId>,
    /// Open questions for its state.
    pub(crate) questions: Vec<(RequestId, ControlId)>,
    /// Has taken a configuration that was not accepted in the whole pool.
    pub(crate) obsolete: bool,
    /// It may be here to replace an old one, and take no place before that one goes.
    pub(crate) spare: bool,
    /// It was, once.
    pub(crate) was_spare: bool,
    /// Has reached the end of its life, and since when. Of a spare one that counts only once it has taken its place.
    pub(crate) old: Option<(RecycleReason, Instant)>,
    /// The last sign of life, or when it was given something to do; and when it was asked for another one.
    pub(crate) quiet_since: Option<Instant>,
    pub(crate) pinged_at: Option<Instant>,
    /// Why it is about to be told to stop.
    pub(crate) drains: Option<EndReason>,
    pub(crate) stopped: Option<Stopped>,
    /// It was on its way out when the pool got another size: another one may take its place.
    pub(crate) may_return: bool,
    pub(crate) killed: Option<Killed>,
    /// The job that it had begun when it was killed: what that had printed until then is still told.
    pub(crate) printed_by: Option<(JobId, u32)>,
    /// Until when all was read that it had said, and since when more of that is being read.
    pub(crate) read_until: Option<Instant>,
    pub(crate) read_asked_at: Option<Instant>,
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
    /// When it last reported anything.
    pub(crate) reported_at: Instant,
    pub(crate) next_chunk: u64,
    /// It was asked to end by itself, and until when.
    pub(crate) leave_by: Option<Instant>,
    /// That was because its time was up.
    pub(crate) overtime: bool,
}

impl Task {
    /// What it fails with whatever ends it, since its time was up before.
    pub(crate) fn doom_of_overtime(&self) -> Option<(FailureKind, Category)> {
        self.overtime.then_some((FailureKind::TimedOut, Category::Transient))
    }
}

/// When and why a worker was killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Killed {
    pub(crate) at: Instant,
    pub(crate) end: End,
    pub(crate) why: Why,
    /// What its job fails with, unless it is cancelled or goes back to the queue.
    pub(crate) doom: Option<(FailureKind, Category)>,
    /// Its slot is filled again whatever the policy says: a restart was asked for since, or it had to make room.
    pub(crate) replaced: bool,
}

/// A worker that was told to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stopped {
    /// When it is killed; with the shutdown's deadline, if it has none of its own.
    pub(crate) until: Option<Instant>,
    pub(crate) reason: EndReason,
    /// As of the killed ones.
    pub(crate) replaced: bool,
}

/// Whether a worker's end was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Asked,
    Fault(Fault),
}

/// Why a worker was killed, as far as that can be told from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    Cancelled,
    TimedOut,
    /// It did not begin.
    Stalled,
    /// Its job reported nothing.
    Silent,
    Unresponsive,
    MemoryLimit,
    MemoryPressure,
    Breach,
    LoadFailed,
    /// It did not say hello, load its plugins, or do what the pool does in time.
    TooSlow,
    /// It is not wanted any more.
    LetGo,
}

impl Why {
    pub(crate) fn of(reason: &EndReason) -> Self {
        match reason {
            EndReason::Cancelled => Self::Cancelled,
            EndReason::TimedOut => Self::TimedOut,
            EndReason::Stalled => Self::Stalled,
            EndReason::Silent => Self::Silent,
            EndReason::Unresponsive => Self::Unresponsive,
            EndReason::MemoryLimit { .. } => Self::MemoryLimit,
            EndReason::MemoryPressure => Self::MemoryPressure,
            EndReason::Protocol(_) => Self::Breach,
            EndReason::LoadFailed(_) => Self::LoadFailed,
            EndReason::SilentAtStart | EndReason::LoadTimedOut | EndReason::ControlTimedOut => Self::TooSlow,
            EndReason::Retired
            | EndReason::Recycled(_)
            | EndReason::Surplus
            | EndReason::Idle
            | EndReason::Shutdown => Self::LetGo,
        }
    }
}

/// Faults of workers that were ready, and of those that never were.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    Load,
    Crash,
}

impl Worker {
    /// Whether it may be told anything.
    pub(crate) fn listens(&self) -> bool {
        self.killed.is_none() && self.stopped.is_none()
    }

    /// Whether it can take a job, or is reserved for one.
    pub(crate) fn is_free(&self) -> bool {
        self.ready && self.listens() && self.task.is_none() && self.chore.is_none()
    }

    /// Never had a job, and does nothing that may take memory but its start.
    pub(crate) fn has_done_nothing(&self) -> bool {
        !self.ready || (self.is_free() && self.jobs_done == 0)
    }

    /// It may be on its way out because it was one too many.
    pub(crate) fn may_be_surplus(&self) -> bool {
        self.stopped.as_ref().is_some_and(|stopped| stopped.reason == EndReason::Surplus)
            || self.killed.is_some_and(|killed| killed.why == Why::LetGo)
    }

    /// Told to stop since it had reached the end of its life.
    pub(crate) fn is_recycled(&self) -> bool {
        self.stopped.as_ref().is_some_and(|stopped| matches!(stopped.reason, EndReason::Recycled(_)))
    }

    /// Told to stop, and its slot is filled again whatever the policy says.
    pub(crate) fn has_a_successor(&self) -> bool {
        self.stopped.as_ref().is_some_and(|stopped| stopped.replaced)
    }

    /// Whether its slot is filled again, whatever the policy says, if it is on its way out.
    pub(crate) fn is_replaced(&mut self, replaced: bool) {
        self.killed.iter_mut().for_each(|killed| killed.replaced = replaced);
        self.stopped.iter_mut().for_each(|stopped| stopped.replaced = replaced);
    }

    /// Has a job and is not being killed.
    pub(crate) fn is_busy(&self) -> bool {
        self.task.is_some() && self.listens()
    }

    /// Has a connection, plugins, and no reason to go but its age.
    pub(crate) fn is_serving(&self) -> bool {
        self.ready && self.listens() && self.hung_up_at.is_none() && !self.obsolete
    }

    /// Nobody has a reason to let it go but its age.
    pub(crate) fn stays(&self) -> bool {
        self.listens() && !self.obsolete
    }

    /// Could take over at once from one that is old.
    pub(crate) fn is_young(&self) -> bool {
        self.is_serving() && self.chore.is_none() && self.old.is_none()
    }

    /// It ends now, and nobody asked for it.
    pub(crate) fn fault(&self) -> End {
        End::Fault(if self.ready { Fault::Crash } else { Fault::Load })
    }

    /// Whether it has anything to do, so that it must show that it lives.
    pub(crate) fn must_show_life(&self) -> bool {
        self.listens()
            && (self.task.is_some() || self.chore.is_some() || (self.hello_at.is_some() && !self.ready))
    }

    /// Whether all was read that it had said until then.
    pub(crate) fn was_read_until(&self, time: Instant) -> bool {
        self.read_until.is_some_and(|until| time <= until)
    }

    /// Something was heard of it, or it was given something to do.
    pub(crate) fn lives(&mut self, now: Instant) {
        self.quiet_since = Some(now);
        self.pinged_at = None;
    }

    /// When it must be asked for a sign of life.
    pub(crate) fn asks_at(&self, config: &PoolConfig) -> Option<Instant> {
        if config.heartbeat_interval.is_zero() || !self.must_show_life() || self.pinged_at.is_some() {
            return None;
        }
        self.quiet_since.map(|since| since + config.heartbeat_interval)
    }

    /// When it has not given one in time.
    pub(crate) fn dies_at(&self, config: &PoolConfig) -> Option<Instant> {
        self.pinged_at.filter(|_| self.must_show_life()).map(|asked| asked + config.heartbeat_timeout)
    }
}
