//! The handles that a host holds: the manager, and one for each job that it started.

mod alive;
mod as_completed;
mod builder;
mod cancel_outcome;
mod cancel_request;
mod cancel_summary;
mod execute;
mod job_handle;
mod job_manager;
mod job_request;
mod pool_size;
mod queue;
mod supervision;

pub(crate) use alive::Alive;
pub use as_completed::{AsCompleted, as_completed};
pub use builder::JobManagerBuilder;
pub use cancel_outcome::CancelOutcome;
pub use cancel_request::CancelRequest;
pub use cancel_summary::CancelSummary;
pub use job_handle::JobHandle;
pub use job_manager::JobManager;
pub use job_request::JobRequest;
pub use pool_size::PoolSize;
