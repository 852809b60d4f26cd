//! Jobs as data: what is asked for, what is recorded, how it ended.

mod cancellation;
mod cell;
mod counts;
mod entry;
mod job_type;
mod ledger;
mod metadata;
mod new_id;
mod new_job;
mod panic_message;
pub(crate) mod payload_json;
mod plugin_id;
mod record;
mod result;
mod waiting;
mod walk;

pub use cancellation::Cancellation;
pub(crate) use cell::JobCell;
pub use counts::JobCounts;
pub use job_type::JobType;
pub(crate) use ledger::Ledger;
pub use metadata::Metadata;
pub(crate) use new_id::new_id;
pub use new_job::NewJob;
pub(crate) use panic_message::panic_message;
pub use plugin_id::PluginId;
pub use record::Job;
pub use result::JobResult;
pub(crate) use waiting::Waiting;
pub(crate) use walk::{all, clear};
