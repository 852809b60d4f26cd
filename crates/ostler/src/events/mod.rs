//! What happens, as numbered events: a bounded log for each job, and cursors over it.

mod cursor;
mod job_event;
mod log;
mod manager_event;

pub use cursor::{JobEvents, Missed};
pub use job_event::{JobEvent, JobEventKind};
pub(crate) use log::EventLog;
pub use manager_event::{ManagerEvent, ManagerEvents, WorkerEvent};
