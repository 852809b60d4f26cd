//! Job state alone, for any executor.
mod builder;
mod job_tracker;
mod state;
mod task_guard;

pub use builder::JobTrackerBuilder;
pub use job_tracker::JobTracker;
