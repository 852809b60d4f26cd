//! Jobs as data: what is asked for, what is recorded, how it ended.

mod cancellation;
mod job_type;
mod ledger;
mod metadata;
mod new_job;
mod panic_message;
mod plugin_id;
mod record;
mod result;

pub use cancellation::Cancellation;
pub use job_type::JobType;
pub(crate) use ledger::Ledger;
pub use metadata::Metadata;
pub use new_job::NewJob;
pub(crate) use panic_message::panic_message;
pub use plugin_id::PluginId;
pub use record::Job;
pub use result::JobResult;
