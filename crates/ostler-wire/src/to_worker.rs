use serde::{Deserialize, Serialize};

use crate::{JobId, Payload, SegmentNews};

/// What a host says to a worker. Every message but `Segments` and `Nudge` carries a request id, and its answer the same.
///
/// Its serde form is the envelope of a frame, without any payload: write it with
/// [`frame::encode`](crate::frame::encode), not with a serde format of your own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first message: load these plugins. Answered by [`FromWorker::Ready`](crate::FromWorker::Ready).
    Init(Init),
    /// Run a job. Answered by `Started`, and at its end by `Result`.
    Execute(Execute),
    /// Ask the running job to stop by itself. Answered by `Response`; an error if that job is not running.
    Cancel {
        /// The request id.
        request: u64,
        /// The job that should stop.
        job: JobId,
    },
    /// Load a plugin afresh. Answered by `Response`.
    Reload {
        /// The request id.
        request: u64,
        /// The plugin's name.
        plugin: String,
        /// The new configuration: the text of a JSON object.
        config: String,
    },
    /// Drop a plugin; the next job for it loads it again. Answered by `Response`.
    Unload {
        /// The request id.
        request: u64,
        /// The plugin's name.
        plugin: String,
    },
    /// Ask how the worker is. Answered by `State`, also while a job runs.
    GetState {
        /// The request id.
        request: u64,
    },
    /// Ask whether the worker is there. Answered by `Pong`, also while a job runs.
    Ping {
        /// The request id.
        request: u64,
    },
    /// Drop all plugins, answer by `Response`, and exit with code 0. A job that runs is finished first.
    Stop {
        /// The request id.
        request: u64,
    },
    /// What changed about shared memory. It is not answered.
    Segments(SegmentNews),
    /// Something lies in the ring. It has no place in the order of messages.
    Nudge,
}

/// What a worker needs before its first job. `request` and `protocol` stay at their place in every version from 4 on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Init {
    /// The request id.
    pub request: u64,
    /// The version that both use from now on: one of those that the worker said it speaks.
    pub protocol: u32,
    /// Configurations by plugin, in the order of loading.
    pub plugins: Vec<PluginSetup>,
    /// True: load just these plugins. False: load all that the worker has, the others unconfigured.
    pub only_these: bool,
    /// The frame limit that holds from now on in both directions, in bytes.
    pub max_frame_bytes: u64,
    /// How long to look for the next command before sleeping, in nanoseconds; see docs/wire.md.
    pub spin_ns: u64,
    /// How much memory each side may share with the other, in bytes; 0 if nothing is shared.
    pub shared_memory_bytes: u64,
    /// Whether the descriptor of a ring comes with this message; from the next one on it is used, in both directions.
    pub ring: bool,
}

/// A plugin and its configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PluginSetup {
    /// The plugin's name.
    pub name: String,
    /// Its configuration: the text of a JSON object. An empty text is an empty object.
    pub config: String,
}

/// One attempt of one job.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Execute {
    /// The request id.
    pub request: u64,
    /// The job.
    pub job: JobId,
    /// Which attempt this is; the first is 1. Whatever the worker says about the job repeats it.
    pub attempt: u32,
    /// The name of the plugin that shall run it.
    pub plugin: String,
    /// The time that is left until the host gives up, in milliseconds.
    pub deadline_ms: Option<u64>,
    /// Whether the host wants chunks.
    pub stream: bool,
    /// The request.
    #[serde(skip)]
    pub payload: Payload,
}
