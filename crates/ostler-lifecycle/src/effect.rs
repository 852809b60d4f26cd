use crate::{
    BlockReason, Command, ControlFailure, ControlId, DegradedReason, DownReason, EndCause, EndReason,
    Forensics, JobFailure, JobId, RequestId, Ticket, WorkerExit, WorkerKey,
};

/// One thing to carry out. The order counts.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Make the worker's process.
    Spawn {
        /// Which worker.
        worker: WorkerKey,
    },
    /// Tell the worker something.
    Send {
        /// Which worker.
        worker: WorkerKey,
        /// The name of this command.
        request: RequestId,
        /// What to tell it.
        command: Command,
    },
    /// End the worker's process group, also if its process is still being made.
    Kill {
        /// Which worker.
        worker: WorkerKey,
    },
    /// Feed in all that this worker has said and printed until now, and its exit if it has ended; then
    /// [`Input::CaughtUp`](crate::Input::CaughtUp). A deadline of it has passed, and is judged after that.
    CatchUp {
        /// Which worker.
        worker: WorkerKey,
    },
    /// Ask the resource hook about a job that had to wait. Its slot is reserved until the answer.
    AskAdmission {
        /// The job.
        job: JobId,
        /// The name of this question.
        ticket: Ticket,
    },
    /// Something happened to a job that goes on.
    Publish {
        /// The job.
        job: JobId,
        /// What happened.
        change: JobChange,
    },
    /// A job reached its terminal state. It is the last that the machine says of it.
    Settle {
        /// The job.
        job: JobId,
        /// How it ended.
        outcome: Outcome,
    },
    /// The submit is not accepted, and no job exists.
    Reject {
        /// The job.
        job: JobId,
        /// Why not.
        rejection: Rejection,
    },
    /// A cancelled job's process does not die; the job stays in cancelling.
    StillDying {
        /// The job.
        job: JobId,
        /// The process.
        pid: Option<u32>,
    },
    /// Something happened to a worker.
    Worker {
        /// Which worker.
        worker: WorkerKey,
        /// What happened.
        change: WorkerChange,
    },
    /// The frame that was just fed in is a worker's part of the answer to this operation.
    Report {
        /// The operation.
        id: ControlId,
    },
    /// An operation on the whole pool ended.
    Answer {
        /// The operation.
        id: ControlId,
        /// Whether every worker did it, and if not, why.
        result: Result<(), ControlFailure>,
    },
    /// A restart budget is spent while a worker lives: the pool works with what it has, and tries again when it may.
    Degraded {
        /// Why.
        reason: DegradedReason,
    },
    /// The workers that were missing are there again, or are not wanted any more.
    Recovered,
    /// No worker lives and none will come: a restart budget is spent, or a limit is too low.
    Down {
        /// Why.
        reason: DownReason,
    },
    /// [`Input::RestartWorkers`](crate::Input::RestartWorkers) cleared it.
    Up,
    /// No job starts until it is resumed.
    Paused,
    /// Jobs start again.
    Resumed,
    /// The limit to growth would recycle every worker after each job: from now on it is not heeded.
    RecyclingRefused {
        /// The limit, and what workers grow by.
        figures: String,
    },
    /// The shutdown is complete.
    Closed {
        /// Processes that do not die.
        still_dying: Vec<u32>,
    },
}

/// What can happen to a job before its end.
#[derive(Clone, PartialEq, Debug)]
pub enum JobChange {
    /// It waits in the queue.
    Queued,
    /// It cannot start yet. If it was running, it failed: the reason says how.
    Blocked(BlockReason),
    /// It is let out of quarantine, and waits for a worker.
    Released,
    /// A worker began with it.
    Started {
        /// Which worker.
        worker: WorkerKey,
        /// Its process.
        pid: Option<u32>,
        /// Which attempt.
        attempt: u32,
    },
    /// The frame that was just fed in is a progress report or a log line of this job.
    Noted,
    /// The frame that was just fed in is a chunk of this job.
    Chunk,
    /// It is being ended on request.
    Cancelling,
}

/// How a job ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// The frame that was just fed in holds its result.
    Completed,
    /// With an error.
    Failed(Box<JobFailure>),
    /// On request; no code of it runs. For one that was in a worker, the evidence of that.
    Cancelled(Option<Box<Forensics>>),
}

/// Why a submit is not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// As many jobs wait as may.
    #[error("the queue is full ({capacity} jobs wait); try again when some have ended")]
    QueueFull {
        /// How many may wait.
        capacity: usize,
    },
    /// No worker will come.
    #[error("no worker is available: {0}; find out why, then call restart_worker()")]
    Down(DownReason),
    /// A shutdown was asked for.
    #[error("the manager is shut down")]
    ShutDown,
}

/// Why a job stays in quarantine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotReleased {
    /// It is not in quarantine.
    NotQuarantined,
    /// No worker will come.
    Down(DownReason),
    /// A shutdown was asked for.
    ShutDown,
}

/// What can happen to a worker.
#[derive(Clone, PartialEq, Debug)]
pub enum WorkerChange {
    /// Its process exists.
    Spawned {
        /// The process.
        pid: u32,
    },
    /// It said hello and loads its plugins.
    Loading,
    /// It can take a job.
    Idle,
    /// It was given a job.
    Busy {
        /// The job.
        job: JobId,
    },
    /// It was told to stop.
    Draining {
        /// Why.
        reason: EndReason,
    },
    /// It was killed and does not die: its slot goes on without it. It is [`Gone`](Self::Gone) when it has died after all.
    GivenUp {
        /// Why it was killed.
        reason: EndReason,
    },
    /// It is dead.
    Gone {
        /// Why.
        cause: EndCause,
        /// What is known of its end.
        exit: WorkerExit,
        /// Whether it had been idle or busy before.
        was_ready: bool,
    },
}
