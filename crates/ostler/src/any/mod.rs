//! A manager without the type of its jobs: what a server, a command line, or a node of a fleet holds.

mod any_manager;
mod control;
mod job_query;
mod of_manager;
mod overview;

pub use any_manager::{Answer, AnyManager, EventStream, Started};
pub use control::Control;
pub use job_query::{JobCursor, JobPage, JobQuery};
pub use overview::Overview;
