use serde::{Deserialize, Serialize};

use crate::{Failure, Hello, JobId, LogLevel, Payload, PluginManifest, SegmentNews, outcome};

/// What a worker says to its host.
///
/// Its serde form is the envelope of a frame, without any payload: write it with
/// [`frame::encode`](crate::frame::encode), not with a serde format of your own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// The first message of a connection.
    Hello(Hello),
    /// The answer to `Init`: the plugins are loaded, or not.
    Ready {
        /// The request id of `Init`.
        request: u64,
        /// The plugins that can run jobs.
        loaded: Vec<PluginManifest>,
        /// The plugins that could not be loaded.
        failed: Vec<LoadFailure>,
    },
    /// The job begins. Always sent before any code of the plugin runs for it.
    Started {
        /// The request id of `Execute`.
        request: u64,
        /// The job.
        job: JobId,
        /// Its attempt.
        attempt: u32,
    },
    /// How far a job is.
    Progress {
        /// The job.
        job: JobId,
        /// Its attempt.
        attempt: u32,
        /// What part is done, from 0 to 1.
        fraction: f64,
        /// What is being done.
        message: String,
        /// More of it, for programs: the text of a JSON value.
        data: Option<String>,
    },
    /// A part of a streamed result.
    StreamChunk {
        /// The job.
        job: JobId,
        /// Its attempt.
        attempt: u32,
        /// Its number, counted from 0 without a gap.
        seq: u64,
        /// True for the last chunk of a stream, which is empty.
        is_final: bool,
        /// The chunk.
        #[serde(skip)]
        payload: Payload,
    },
    /// A line for the log.
    Log {
        /// The job that it is about, if any.
        job: Option<JobId>,
        /// How much it matters.
        level: LogLevel,
        /// The line.
        message: String,
    },
    /// The job has ended.
    Result {
        /// The request id of `Execute`.
        request: u64,
        /// The job.
        job: JobId,
        /// Its attempt.
        attempt: u32,
        /// The response, or how it failed.
        #[serde(with = "outcome")]
        outcome: Result<Payload, Failure>,
    },
    /// The answer to `Cancel`, `Reload`, `Unload` and `Stop`.
    Response {
        /// The request id.
        request: u64,
        /// Whether it was done, and if not, why.
        result: Result<(), String>,
    },
    /// The answer to `GetState`.
    State {
        /// The request id.
        request: u64,
        /// How the worker is.
        state: WorkerReport,
    },
    /// The answer to `Ping`.
    Pong {
        /// The request id.
        request: u64,
    },
    /// The worker cannot go on and says why; it ends after this.
    Error {
        /// What a person should read.
        message: String,
    },
    /// What changed about shared memory.
    Segments(SegmentNews),
    /// Something lies in the ring. It has no place in the order of messages.
    Nudge,
}

/// A plugin that could not be loaded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoadFailure {
    /// The plugin's name.
    pub plugin: String,
    /// Why.
    pub message: String,
}

/// How a worker is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerReport {
    /// Its process id.
    pub pid: u32,
    /// The time since it connected, in milliseconds.
    pub uptime_ms: u64,
    /// The names of its loaded plugins, sorted.
    pub loaded: Vec<String>,
    /// The job that runs.
    pub current_job: Option<JobId>,
    /// How many jobs have ended in it, well or badly.
    pub jobs_done: u64,
}
