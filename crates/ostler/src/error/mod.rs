//! What can go wrong, by operation. A job's failure is not here: it is data, see [`JobFailure`](crate::JobFailure).

mod cancel;
mod chain;
mod control;
mod hook;
mod job;
mod launch;
mod shutdown;
mod start;
mod supervision;
mod top;

pub use cancel::CancelError;
pub(crate) use chain::chain;
pub use control::ControlError;
pub use hook::{HookError, HookPanicked};
pub use job::JobError;
pub use launch::{CommandError, InvalidPluginConfig, LaunchError, WorkerStartError};
pub use shutdown::ShutdownError;
pub use start::StartError;
pub use supervision::{QuarantineError, RerunError, ResizeError};
pub use top::{Error, Result};
