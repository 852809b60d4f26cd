use super::Machine;
use crate::assignment::Stage;
use crate::job::Whereabouts;
use crate::slot::SlotState;
use crate::{DownReason, JobId, JobStatus, RequestId, SlotId, WorkerKey};

/// What a slot's worker is doing, for readers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SlotPhase {
    /// No worker, or the restart policy lets it wait.
    Empty,
    /// Its process is being made, or has not said hello.
    Starting,
    /// Loads its plugins.
    Loading,
    /// Can take a job, or is about to.
    Idle,
    /// Has a job, or reloads a plugin.
    Busy,
    /// Was told to stop, or was killed and is not dead yet.
    Ending,
}

/// One slot, for readers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotView {
    /// The slot and the last worker that filled it.
    pub worker: WorkerKey,
    /// That worker's process.
    pub pid: Option<u32>,
    /// What it is doing.
    pub phase: SlotPhase,
    /// The job that it has.
    pub job: Option<JobId>,
    /// Jobs that it has run.
    pub jobs_done: u32,
}

impl Machine {
    /// All slots, in order.
    pub fn slots(&self) -> impl Iterator<Item = SlotView> {
        self.slots.iter().map(|slot| {
            let (phase, job) = match &slot.state {
                SlotState::Vacant { .. } | SlotState::Waiting { .. } => (SlotPhase::Empty, None),
                SlotState::Starting => (SlotPhase::Starting, None),
                SlotState::Loading { .. } => (SlotPhase::Loading, None),
                SlotState::Idle | SlotState::Reserved { .. } => (SlotPhase::Idle, None),
                SlotState::Busy(assignment) => (SlotPhase::Busy, Some(assignment.job)),
                SlotState::Controlling { .. } => (SlotPhase::Busy, None),
                SlotState::Draining { .. } => (SlotPhase::Ending, None),
                SlotState::Dying(death) => (SlotPhase::Ending, death.victim.as_ref().map(|(job, _)| *job)),
            };
            SlotView { worker: slot.worker(), pid: slot.pid, phase, job, jobs_done: slot.life.jobs_done }
        })
    }

    /// Whether a result of this worker would count now: it was asked for, its job has begun, and nothing has ended it.
    ///
    /// Whoever has something to do with a result asks before, so that nothing is done with one that is forged, late or
    /// cancelled. A result is handled when it is fed in: what is handled meanwhile wins.
    pub fn awaits_result(&self, worker: WorkerKey, request: RequestId, job: JobId, attempt: u32) -> bool {
        let slot = self.slots.get(worker.slot.0 as usize);
        slot.filter(|slot| slot.generation == worker.generation).is_some_and(|slot| match &slot.state {
            SlotState::Busy(assignment) => assignment.awaits_result(request, job, attempt),
            _ => false,
        })
    }

    /// The job that this worker has, or dies with.
    pub fn job_in(&self, worker: WorkerKey) -> Option<JobId> {
        let slot = self.slots.get(worker.slot.0 as usize).filter(|slot| slot.worker() == worker)?;
        slot.job()
    }

    /// Where a job stands that has not ended; `None` for one that has, and for a stranger.
    pub fn status(&self, job: JobId) -> Option<JobStatus> {
        let slot = match self.jobs.get(&job)?.whereabouts {
            Whereabouts::InLane | Whereabouts::Returned | Whereabouts::Delayed | Whereabouts::Quarantined => {
                return Some(JobStatus::Pending);
            }
            Whereabouts::Undead => return Some(JobStatus::Cancelling),
            Whereabouts::InSlot(SlotId(index)) => &self.slots[index as usize],
        };
        Some(match &slot.state {
            SlotState::Busy(assignment) => match assignment.stage {
                Stage::Sent => JobStatus::Pending,
                Stage::Running { .. } | Stage::Overtime { .. } => JobStatus::Running,
                Stage::Leaving => JobStatus::Cancelling,
            },
            SlotState::Dying(death) => match &death.victim {
                Some((_, crate::job::Fate::Cancelled)) => JobStatus::Cancelling,
                Some((_, crate::job::Fate::Failed(_))) => JobStatus::Running,
                Some((_, crate::job::Fate::Requeued)) | None => JobStatus::Pending,
            },
            _ => JobStatus::Pending,
        })
    }

    /// How many jobs may run at once, and how many workers are kept beside those.
    pub fn size(&self) -> (u32, u32) {
        (self.config.max_workers, self.config.standby)
    }

    /// Jobs in the queue, also those whose time has not come; those that were sent to a worker, and those in
    /// quarantine, are not among them.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Jobs that have not ended.
    pub fn unfinished(&self) -> usize {
        self.jobs.len()
    }

    /// Whether the host was short of memory, and workers that had to go for that have not all come back.
    pub fn is_short_of_memory(&self) -> bool {
        self.short_of_memory
    }

    /// Why no worker will come any more, if that is so.
    pub fn down(&self) -> Option<&DownReason> {
        self.down.as_ref()
    }
}
