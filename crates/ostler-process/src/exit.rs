use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::ExitStatus;

use super::oom::OomEvidence;
use super::spawn::SpawnError;

/// How a worker ended: nothing of it runs any more, but for what has escaped from it.
#[derive(Clone, Debug)]
pub struct ChildExit {
    /// As the system tells it.
    pub status: ExitStatus,
    /// What it used of processors, with the children that it has waited for.
    pub cpu_time: Duration,
    /// The most that was resident at a time, in bytes.
    pub peak_memory: u64,
    /// When it was first killed by us, if it was.
    pub killed_at: Option<Instant>,
    /// From its making to its reaping.
    pub uptime: Duration,
    /// That the kernel killed it for memory, if something speaks for it.
    pub oom: Option<OomEvidence>,
    /// Why it never executed its program, if it did not.
    pub failure: Option<Arc<SpawnError>>,
}

impl ChildExit {
    /// Of one that nobody can tell about.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            status: ExitStatus::Unknown,
            cpu_time: Duration::ZERO,
            peak_memory: 0,
            killed_at: None,
            uptime: Duration::ZERO,
            oom: None,
            failure: None,
        }
    }
}
