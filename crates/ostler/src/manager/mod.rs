//! The handles that a host holds: the manager, and one for each job that it started.

mod alive;
mod builder;
mod execute;
mod job_handle;
mod job_manager;
mod job_request;

pub(crate) use alive::Alive;
pub use builder::JobManagerBuilder;
pub use job_handle::JobHandle;
pub use job_manager::JobManager;
pub use job_request::JobRequest;
