//! What happens, as numbered events: a bounded log for each job, and cursors over it.

mod archive;
mod cursor;
mod dropped;
mod job_event;
mod log;
mod manager_event;
mod output_stream;
mod shelf;

pub(crate) use archive::Archive;
pub use cursor::{JobEvents, Missed};
pub(crate) use dropped::Dropped;
pub use job_event::{JobEvent, JobEventKind};
pub(crate) use log::EventLog;
pub use manager_event::{ManagerEvent, ManagerEvents, WorkerEvent};
pub use output_stream::OutputStream;
