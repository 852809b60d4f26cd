//! What has to be measured in a process of its own, because nothing else may have touched its memory.
//!
//! A stage is this program again. It prints what it measured as a line of JSON, and ends.

mod deep_queue;
mod host;
mod process;
mod queued;
mod resident;

pub(crate) use process::{Stage, run_if_stage};
pub(crate) use queued::Queued;
pub(crate) use resident::Resident;
