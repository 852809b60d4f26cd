//! Runs jobs in worker processes: cancels them by killing, brings workers back by policy.
mod integration;
mod job;
mod service;
mod tracker;

pub use integration::{
    Broadcast, BroadcastChannel, BroadcastEvent, BroadcastSubscriber, EventBroadcaster, MemoryError,
    PluginInfo, PluginRegistry, RegistryError, ResourceManager, StaticRegistry, SystemMemory, WorkerPhase,
    WorkerState, WorkerTable,
};
pub use job::{Job, JobResult, JobType, Metadata, NewJob, PluginId};
pub use ostler_lifecycle::{
    BlockReason, Category, FailureKind, Forensics, Generation, JobFailure, JobId, JobStatus, Priority, SlotId,
};
pub use ostler_wire::{Attachment, Encoding, Payload};
pub use ostler_worker::PluginConfig;
pub use service::{
    ExecutorError, FailureDetail, JobService, PluginExecutor, ServiceError, ServiceFailure, ServiceJob,
};
pub use tracker::{JobTracker, JobTrackerBuilder};
