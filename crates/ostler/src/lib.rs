//! Runs jobs in worker processes: cancels them by killing, brings workers back by policy.
//!
//! A host implements [`BaseJobManager`] for its [`JobType`], launches a [`JobManager`], and starts jobs; each job runs in
//! a worker process that has loaded its plugins once. What a worker is made of is in [`worker`]. How workers are kept is
//! a [`WorkerConfig`]; [`JobManager::builder`] takes what else there is: plugin configurations, a registry, integrations.
//!
//! ```no_run
//! use ostler::worker::{JobContext, Plugin, PluginError};
//! use ostler::{BaseJobManager, JobType, WorkerCommand, WorkerConfig};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Serialize, Deserialize)]
//! struct CountWords { text: String }
//! impl JobType for CountWords { type Output = usize; }
//!
//! struct WordCounter;
//! impl Plugin for WordCounter {
//!     const NAME: &str = "word_counter";
//!     type Config = ();
//!     type Request = CountWords;
//!     type Response = usize;
//!     fn load((): ()) -> Result<Self, PluginError> { Ok(WordCounter) }
//!     fn execute(&mut self, request: CountWords, _: &JobContext) -> Result<usize, PluginError> {
//!         Ok(request.text.split_whitespace().count())
//!     }
//! }
//!
//! struct TextJobs;
//! impl BaseJobManager<CountWords> for TextJobs {
//!     fn worker_type(&self) -> &str { "text" }
//!     fn get_worker_entry_point(&self) -> WorkerCommand { WorkerCommand::current_exe() }
//! }
//!
//! fn main() -> ostler::Result<()> {
//!     ostler::worker::run_if_worker(|plugins| plugins.register::<WordCounter>());
//!     host()
//! }
//!
//! #[tokio::main]
//! async fn host() -> ostler::Result<()> {
//!     let manager = TextJobs.launch(WorkerConfig::default()).await?;
//!     let job = manager.start_job("word_counter", CountWords { text: "hello world".into() }).await?;
//!     println!("{}", job.output().await?);
//!     manager.shutdown().await
//! }
//! ```

pub mod any;
mod base;
mod caught;
mod command;
mod config;
mod default_hook;
mod engine;
mod error;
mod events;
mod integration;
mod job;
mod manager;
mod service;
mod tracker;

pub use any::AnyManager;
pub use base::BaseJobManager;
/// Types of other crates that stand in this one's functions.
#[doc(no_inline)]
pub use bytes::Bytes;
pub use command::WorkerCommand;
pub use config::WorkerConfig;
pub use error::{
    CancelError, CommandError, ControlError, Error, HookError, HookPanicked, InvalidPluginConfig, JobError,
    LaunchError, QuarantineError, RerunError, ResizeError, Result, ShutdownError, StartError,
    WorkerStartError,
};
pub use events::{
    JobEvent, JobEventKind, JobEvents, ManagerEvent, ManagerEventKind, ManagerEvents, Missed, OutputStream,
    WorkerEvent,
};
pub use integration::{
    Broadcast, BroadcastChannel, BroadcastEvent, BroadcastSubscriber, EventBroadcaster, ManagerId,
    MemoryError, PluginInfo, PluginRegistry, RegistryError, ResourceManager, StaticRegistry, SystemMemory,
    WorkerPhase, WorkerState, WorkerTable,
};
/// When something happened: the crate `jiff`'s, as it stands on records and events.
#[doc(no_inline)]
pub use jiff::Timestamp;
pub use job::{Cancellation, Job, JobCounts, JobResult, JobType, Metadata, NewJob, PluginId};
pub use manager::{
    AsCompleted, CancelOutcome, CancelRequest, CancelSummary, JobHandle, JobManager, JobManagerBuilder,
    JobRequest, PoolSize, as_completed,
};
pub use ostler_lifecycle::{
    Admission, BlockReason, ByteSize, ByteSizeError, Category, DeathCause, DeathPhase, DegradedReason,
    DownReason, EndReason, ExitStatus, FailureKind, Forensics, Generation, Health, JobFailure, JobId,
    JobStatus, LimitKind, Priority, RecycleReason, Recycling, RestartPolicy, RetryPolicy, SlotId,
};
pub use ostler_process::{HostError, WorkerLimits, reap_orphans};
pub use ostler_shm::{SharedBuffer, TrustedPeer};
pub use ostler_wire::{
    Attachment, DecodeError, EncodeError, Encoding, LogLevel, Parameter, ParameterKind, Payload,
    PluginManifest, WorkerReport,
};
#[doc(inline)]
pub use ostler_worker as worker;
pub use ostler_worker::PluginConfig;
pub use service::{
    ExecutorError, FailureDetail, JobService, PluginExecutor, ServiceError, ServiceFailure, ServiceJob,
};
/// How the processes of workers are made and ended, for a host that makes them in a way of its own: see
/// [`JobManagerBuilder::maker`].
pub mod process {
    pub use ostler_process::{
        Certainty, ChildExit, ChildOutput, KillError, LimitError, Maker, OnSwept, OnUnclaimedExit,
        OomEvidence, Peer, ProcessGroups, SpawnError, SpawnSpec, Spawned, Swept, WorkerProcess,
    };
}
pub use tracker::{JobTracker, JobTrackerBuilder};
#[doc(no_inline)]
pub use uuid::Uuid;

/// The README's code is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
