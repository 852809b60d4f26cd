//! Job records over anything that can execute a plugin.
mod executor;
mod failure;
mod job_service;
mod record;
mod service_error;

pub use executor::{ExecutorError, PluginExecutor};
pub use failure::{FailureDetail, ServiceFailure};
pub use job_service::JobService;
pub use record::ServiceJob;
pub use service_error::ServiceError;
