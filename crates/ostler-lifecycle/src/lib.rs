//! The rules of a job manager as a pure state machine: jobs, queue, slots, restarts.
//!
//! Everything that is hard in running jobs in worker processes is order: a result that crosses a
//! cancel, a crash while loading, a restart while shutting down. So whatever decides something about a
//! job's or a worker's life is here, as a function of what happened and when: [`Machine::handle`] takes
//! one [`Input`] and gives back [`Effect`]s. Time, ids and the seed of the jitter are inputs.
//!
//! What it refuses to do: read a clock, make a process, hold a payload, know how a worker is made or
//! where it runs. The `ostler` crate carries the effects out, and feeds back what they led to.
//!
//! [`JobStatus`] draws a job's life, [`SlotPhase`] names what a worker goes through:
//!
//! ```text
//!  Vacant ─► Starting ─► Loading ─► Idle ◄─► Busy ─► Draining ─► Gone
//!              │            │         │        │
//!              └────────────┴─ dead ──┴────────┘ ─► restart policy ─► Starting | Waiting(until) | Down(reason)
//! ```

mod assignment;
mod block;
mod byte_size;
mod bytes;
mod command;
mod config;
mod control;
mod degraded;
mod down;
mod effect;
mod end_cause;
mod end_reason;
mod exit;
mod failure;
mod forensics;
mod health;
mod heartbeat;
mod host_clock;
mod id;
mod input;
mod job;
mod job_table;
mod lane;
mod life;
mod machine;
mod place;
mod priority;
mod queue;
mod read_mark;
mod recycling;
mod restart;
mod retry;
pub mod serde_form;
mod slab;
mod slot;
mod standing;
mod status;

pub use block::BlockReason;
pub use byte_size::{ByteSize, ByteSizeError};
pub use command::Command;
pub use config::{PoolConfig, RestartPolicy};
pub use control::ControlFailure;
pub use degraded::DegradedReason;
pub use down::DownReason;
pub use effect::{Effect, JobChange, NotReleased, Outcome, Rejection, WorkerChange};
pub use end_cause::EndCause;
pub use end_reason::EndReason;
pub use exit::{ExitStatus, WorkerExit, signal_name};
pub use failure::{FailureKind, JobFailure};
pub use forensics::{DeathCause, DeathPhase, Forensics, LimitKind};
pub use health::Health;
pub use id::{Generation, PluginKey, SlotId, WorkerKey};
pub use input::{Admission, ControlId, ControlOperation, Input, RequestId, Submit, Ticket, WorkerFrame};
pub use job_table::{JobTable, OfJob};
pub use machine::{Machine, SlotPhase, SlotView};
/// Whose turn it is to act on a failure. A plugin says it, so it travels on the wire.
pub use ostler_wire::{Category, JobId};
pub use priority::Priority;
pub use recycling::{MemoryRules, RecycleReason, Recycling};
pub use retry::RetryPolicy;
pub use status::JobStatus;
