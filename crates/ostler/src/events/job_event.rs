use jiff::Timestamp;
use ostler_lifecycle::{BlockReason, JobFailure};
use ostler_wire::{DecodeError, LogLevel, Payload};
use serde::de::DeserializeOwned;

use super::OutputStream;

/// One thing that happened to a job.
#[derive(Clone, PartialEq, Debug)]
pub struct JobEvent {
    /// Its number, from 1 without a gap.
    pub seq: u64,
    /// When the host learned of it.
    pub at: Timestamp,
    /// What happened.
    pub kind: JobEventKind,
}

/// What can happen to a job.
#[derive(Clone, PartialEq, Debug)]
pub enum JobEventKind {
    /// It was accepted and waits.
    Queued,
    /// It cannot start yet. If it ran, its attempt failed, and the reason says how.
    Blocked(BlockReason),
    /// It was let out of quarantine, and waits for a worker.
    Released,
    /// A worker began with it.
    Started {
        /// The worker's process.
        pid: Option<u32>,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// The plugin said how far it is.
    Progress {
        /// From 0 to 1.
        fraction: f64,
        /// What it is doing.
        message: String,
    },
    /// The plugin gave a part of its result.
    Chunk {
        /// Its number, from 0.
        seq: u64,
        /// Whether it closes the stream; it is empty then.
        is_final: bool,
        /// The part.
        payload: Payload,
    },
    /// The plugin logged a line.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// The line.
        message: String,
    },
    /// The job printed a line: the plugin, a library in it, or a process that it started.
    Output {
        /// Where to.
        stream: OutputStream,
        /// The line, without its newline. A line of more than 4 KiB comes in pieces; what is no UTF-8 is replaced.
        text: String,
    },
    /// The job printed or logged faster than is kept: this much of it is lost, since the last such event. Pieces of a
    /// long line count as lines. Whatever is lost is counted before the job's end.
    OutputDropped {
        /// Lines.
        lines: u64,
        /// What they weighed, in bytes, without their newlines.
        bytes: u64,
    },
    /// It is being ended on request.
    Cancelling,
    /// It ended with a result.
    Completed,
    /// It ended with an error.
    Failed(Box<JobFailure>),
    /// It ended on request.
    Cancelled,
}

impl JobEvent {
    /// The part of the result in this event, decoded; `None` if this is something else, or the empty chunk that
    /// closes a stream.
    ///
    /// # Errors
    /// The part is not a `T`.
    pub fn chunk<T: DeserializeOwned>(&self) -> Option<Result<T, DecodeError>> {
        match &self.kind {
            JobEventKind::Chunk { is_final: false, payload, .. } => Some(payload.decode()),
            _ => None,
        }
    }

    /// What it weighs in the log, in bytes, besides its own size.
    pub(crate) fn weight(&self) -> usize {
        match &self.kind {
            JobEventKind::Chunk { payload, .. } => payload.len(),
            JobEventKind::Progress { message, .. } | JobEventKind::Log { message, .. } => message.len(),
            JobEventKind::Output { text, .. } => text.len(),
            _ => 0,
        }
    }
}

impl JobEventKind {
    /// Whether it is told on the way only: a log that is full of it shall still hold what became of the job, and the
    /// parts of its result.
    pub(crate) const fn is_chatter(&self) -> bool {
        matches!(
            self,
            Self::Progress { .. } | Self::Log { .. } | Self::Output { .. } | Self::OutputDropped { .. }
        )
    }

    /// The event's name, as in `queued`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Blocked(BlockReason::Resources { .. }) => "blocked",
            Self::Blocked(BlockReason::Retry { .. }) => "retrying",
            Self::Blocked(BlockReason::Quarantined { .. }) => "quarantined",
            Self::Released => "released",
            Self::Started { .. } => "started",
            Self::Progress { .. } => "progress",
            Self::Chunk { .. } => "chunk",
            Self::Log { .. } => "log",
            Self::Output { .. } => "output",
            Self::OutputDropped { .. } => "output_dropped",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
