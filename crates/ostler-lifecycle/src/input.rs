use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{BlockReason, JobFailure, JobId, PluginKey, Priority, RetryPolicy, WorkerExit, WorkerKey};

/// The name of a command sent to a worker; its answer carries the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RequestId(pub u64);

/// The name of an operation on the whole pool: a reload, an unload, a question for the workers' state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ControlId(pub u64);

/// The name of one question to the resource hook. An answer to an earlier question is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ticket(pub u64);

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Fill the slots, as a launch does that is not lazy.
    Start,
    /// A job was accepted; see [`Machine::can_accept`](crate::Machine::can_accept).
    Submit(Submit),
    /// Somebody wants the job gone.
    Cancel {
        /// Which one.
        job: JobId,
        /// How long it may tidy up; `None` for as long as the pool allows. A second cancel may only shorten it.
        grace: Option<Duration>,
    },
    /// Give a job in quarantine another chance, with a clean record.
    Release {
        /// Which one.
        job: JobId,
    },
    /// Let a job in quarantine fail, with its last crash.
    GiveUp {
        /// Which one.
        job: JobId,
    },
    /// The resource hook answered.
    Admission {
        /// The job that it was asked about.
        job: JobId,
        /// Which question this answers.
        ticket: Ticket,
        /// What it said.
        answer: Admission,
    },
    /// The worker's process exists.
    WorkerSpawned {
        /// Which worker.
        worker: WorkerKey,
        /// Its process.
        pid: u32,
    },
    /// The worker's process could not be made.
    SpawnFailed {
        /// Which worker.
        worker: WorkerKey,
        /// Why.
        message: String,
    },
    /// The worker said something.
    Frame {
        /// Which worker.
        worker: WorkerKey,
        /// What it said.
        frame: WorkerFrame,
    },
    /// The worker is dead and its process group empty, and all that it said has been fed in.
    WorkerExited {
        /// Which worker.
        worker: WorkerKey,
        /// What is known of its end.
        exit: WorkerExit,
    },
    /// All was fed in that this worker had said when [`Effect::CatchUp`](crate::Effect::CatchUp) asked for it.
    CaughtUp {
        /// Which worker.
        worker: WorkerKey,
    },
    /// The host did not run for so long, until now: it was stopped, or something blocked it. That time counts for no
    /// deadline.
    HostPaused {
        /// How long.
        time: Duration,
    },
    /// Time passed: [`Machine::next_deadline`](crate::Machine::next_deadline) was reached.
    Tick,
    /// Do this in every worker, each when it is idle.
    Control {
        /// Its name.
        id: ControlId,
        /// What to do.
        operation: ControlOperation,
    },
    /// Forget past faults and fill the empty slots.
    RestartWorkers,
    /// Start no job until [`Resume`](Self::Resume). Those that run go on, and so does the time that others may wait.
    Pause,
    /// Start jobs again.
    Resume,
    /// Keep this many workers from now on. No job ends because of it.
    Resize {
        /// Jobs that may run at once; at least 1.
        max_workers: u32,
        /// Workers beside those.
        standby: u32,
    },
    /// What was measured; see [`Machine::measure_every`](crate::Machine::measure_every).
    Memory {
        /// What the host has left, in bytes, if that is known.
        available: Option<u64>,
        /// Resident memory of the processes of each worker together, in bytes.
        resident: Vec<(WorkerKey, u64)>,
    },
    /// Stop the intake, finish until the deadline, end the rest. A second one may only shorten it.
    Shutdown {
        /// When to end the rest.
        deadline: Instant,
    },
}

/// A job as the machine sees it.
#[derive(Clone, Debug)]
pub struct Submit {
    /// Its name, new to the machine.
    pub job: JobId,
    /// What runs it: an idle worker that has it loaded goes first.
    pub plugin: PluginKey,
    /// Its place in the queue.
    pub priority: Priority,
    /// How long it may wait for its first start.
    pub queue_timeout: Option<Duration>,
    /// How long it may run, from its start.
    pub timeout: Option<Duration>,
    /// How long it may report nothing.
    pub stall_timeout: Option<Duration>,
    /// What becomes of it when it fails; `None` for what the pool says.
    pub retry: Option<Arc<RetryPolicy>>,
    /// Set when the resource hook already told it to wait.
    pub blocked: Option<BlockReason>,
}

/// The resource hook's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// Start it.
    Proceed,
    /// Not now: let later jobs pass and ask again when something was freed.
    Wait {
        /// What it waits for.
        reason: String,
    },
    /// Never.
    Refuse {
        /// Why not.
        reason: String,
    },
}

/// What to do in every worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlOperation {
    /// Load a plugin afresh.
    Reload(PluginKey),
    /// Drop a plugin.
    Unload(PluginKey),
    /// Say what is loaded and what runs.
    GetState,
}

/// What a worker said, without payloads: the machine decides on names alone.
#[derive(Clone, PartialEq, Debug)]
pub enum WorkerFrame {
    /// It is the process that was asked for, and speaks our protocol.
    Hello,
    /// It loaded its plugins; those that failed are listed with the reason.
    Ready {
        /// The request that it answers.
        request: RequestId,
        /// What it has loaded.
        loaded: Vec<PluginKey>,
        /// Plugin and reason.
        failed: Vec<(String, String)>,
        /// Resident memory of its process, in bytes; 0 if that is not known.
        resident: u64,
    },
    /// It is about to run the job.
    Started {
        /// The request that it answers.
        request: RequestId,
        /// The job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
    /// The job told how far it is, or logged something.
    Note {
        /// The job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
    /// The job produced a part of its result.
    Chunk {
        /// The job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
        /// Its number, from 0 without a gap.
        seq: u64,
    },
    /// The job wrote to stdout or stderr: a line, or a part of one.
    Output {
        /// The job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
    /// The job ended.
    Result {
        /// The request that it answers.
        request: RequestId,
        /// The job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
        /// How it ended.
        result: Result<(), JobFailure>,
        /// Resident memory of the worker's process, in bytes; 0 if that is not known.
        resident: u64,
    },
    /// A reload, an unload or a stop was carried out, or not.
    Response {
        /// The request that it answers.
        request: RequestId,
        /// Whether it was, and if not, why.
        result: Result<(), String>,
    },
    /// The answer to a question for its state.
    State {
        /// The request that it answers.
        request: RequestId,
    },
    /// It lives.
    Pong,
    /// The host does not listen to it at the moment: that it says nothing proves nothing.
    Unheard,
    /// It closed its connection. Its exit should follow.
    HungUp,
    /// It broke the protocol, or what it sent cannot be read. Whatever it says after that is lost, so a job
    /// that it was sent may have begun.
    Fault {
        /// How.
        message: String,
    },
}

impl WorkerFrame {
    /// Whether it may mean that a job that was sent has begun.
    pub(crate) fn may_hide_begin_of(&self, job: JobId) -> bool {
        matches!(self, Self::Fault { .. }) || self.job() == Some(job)
    }

    /// The job that it is about.
    fn job(&self) -> Option<JobId> {
        match self {
            Self::Started { job, .. }
            | Self::Note { job, .. }
            | Self::Chunk { job, .. }
            | Self::Result { job, .. } => Some(*job),
            Self::Hello
            | Self::Ready { .. }
            // What comes through a pipe is not said by the worker, and the host added the job's name: it proves nothing.
            | Self::Output { .. }
            | Self::Response { .. }
            | Self::State { .. }
            | Self::Pong
            | Self::Unheard
            | Self::HungUp
            | Self::Fault { .. } => None,
        }
    }
}
