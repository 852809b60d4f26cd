//! What happens, as numbered events: a bounded log for each job and one for the manager, and readers of them.

mod archive;
mod cursor;
mod dropped;
mod job_event;
mod log;
mod manager_event;
mod manager_log;
mod output_stream;
mod reader;
mod shelf;

pub(crate) use archive::Archive;
pub use cursor::{JobEvents, Missed};
pub(crate) use dropped::Dropped;
pub use job_event::{JobEvent, JobEventKind};
pub(crate) use log::EventLog;
pub use manager_event::{ManagerEvent, ManagerEventKind, ManagerEvents, WorkerEvent};
pub(crate) use manager_log::ManagerLog;
pub use output_stream::OutputStream;
