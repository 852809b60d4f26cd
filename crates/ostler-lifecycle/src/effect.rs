use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    BlockReason, ControlId, DownReason, Forensics, JobFailure, JobId, RecycleReason, RequestId, Ticket,
    WorkerExit, WorkerKey,
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
    /// The restart budget is spent: no worker will come.
    Down {
        /// Why.
        reason: DownReason,
    },
    /// [`Input::RestartWorkers`](crate::Input::RestartWorkers) cleared it.
    Up,
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

/// What a worker is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Load the plugins.
    Init,
    /// Run a job.
    Execute {
        /// The job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
    /// Please end this job; a kill follows.
    Cancel {
        /// The job.
        job: JobId,
    },
    /// Load a plugin afresh.
    Reload {
        /// The operation that says which one.
        id: ControlId,
    },
    /// Drop a plugin.
    Unload {
        /// The operation that says which one.
        id: ControlId,
    },
    /// Say what is loaded and what runs.
    GetState,
    /// Say that you live.
    Ping,
    /// Drop the plugins and exit.
    Stop,
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
    /// The restart budget is spent.
    #[error("no worker is available: {0}; find out why, then call restart_worker()")]
    Down(DownReason),
    /// A shutdown was asked for.
    #[error("the manager is shut down")]
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
    Draining,
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

/// Why a worker ended, from evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndCause {
    /// Its process could not be made.
    SpawnFailed(String),
    /// We ended it.
    Ended(EndReason),
    /// It ended without our doing: see the exit status.
    OnItsOwn,
}

impl EndCause {
    /// The end as the rest of a sentence that begins with "the worker".
    pub fn describe(&self, exit: &WorkerExit) -> String {
        match self {
            Self::SpawnFailed(message) => format!("could not be started: {message}"),
            Self::Ended(reason) => reason.to_string(),
            Self::OnItsOwn => exit.status.describe(),
        }
    }
}

/// Why we ended a worker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
pub enum EndReason {
    /// Its job was cancelled.
    Cancelled,
    /// Its job ran too long.
    TimedOut,
    /// It was given a job and did not begin.
    Stalled,
    /// Its job reported nothing for too long.
    Silent,
    /// It did not answer whether it lives.
    Unresponsive,
    /// It did not say hello in time.
    SilentAtStart,
    /// It did not load its plugins in time.
    LoadTimedOut,
    /// Its plugins cannot be loaded.
    LoadFailed(String),
    /// It did not carry out a reload or unload in time.
    ControlTimedOut,
    /// It broke the protocol.
    Protocol(String),
    /// It must not go on with what it has loaded.
    Retired,
    /// It has reached the end of its life; another one took its place.
    Recycled(RecycleReason),
    /// The pool was made smaller.
    Surplus,
    /// Its processes took more memory than they may.
    MemoryLimit {
        /// What they took together, in bytes.
        resident: u64,
        /// What they may.
        limit: u64,
    },
    /// The host was short of memory.
    MemoryPressure,
    /// The manager shut down.
    Shutdown,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("was killed to cancel its job"),
            Self::TimedOut => f.write_str("was killed because its job ran too long"),
            Self::Stalled => f.write_str("was killed because it did not begin the job that it was sent"),
            Self::SilentAtStart => {
                f.write_str("was killed because it did not say hello within worker_start_timeout")
            }
            Self::LoadTimedOut => {
                f.write_str("was killed because it did not load its plugins within load_timeout")
            }
            Self::LoadFailed(why) => write!(f, "could not load its plugins: {why}"),
            Self::ControlTimedOut => f.write_str("was killed because a reload or unload took too long"),
            Self::Protocol(how) => write!(f, "was killed because it broke the protocol: {how}"),
            Self::Silent => f.write_str("was killed because its job reported nothing for too long"),
            Self::Unresponsive => {
                f.write_str("was killed because it did not answer: it is stopped, starved or frozen")
            }
            Self::Retired => f.write_str("was retired"),
            Self::Recycled(RecycleReason::Jobs) => f.write_str("was recycled after its number of jobs"),
            Self::Recycled(RecycleReason::Age) => f.write_str("was recycled for its age"),
            Self::Recycled(RecycleReason::Growth) => f.write_str("was recycled because its memory had grown"),
            Self::Surplus => f.write_str("was ended because the pool was made smaller"),
            Self::MemoryLimit { resident, limit } => {
                write!(
                    f,
                    "was killed because it took {} of memory and may take {}",
                    mib(*resident),
                    mib(*limit)
                )
            }
            Self::MemoryPressure => f.write_str("was ended because the host is short of memory"),
            Self::Shutdown => f.write_str("was ended by the shutdown"),
        }
    }
}

/// Why an operation on the pool is answered with no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ControlFailure {
    /// There is nobody to ask.
    #[error("no worker is alive")]
    NoLiveWorker,
    /// A worker did not do it in time.
    #[error("a worker did not answer in time")]
    TimedOut,
    /// The plugin said no.
    #[error("{0}")]
    Plugin(String),
    /// The manager shut down.
    #[error("the manager is shut down")]
    ShutDown,
}

/// Bytes as people read them.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}
