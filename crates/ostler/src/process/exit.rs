use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::ExitStatus;

use super::oom::OomEvidence;
use super::spawn::SpawnError;

/// How a child ended. It is reaped, and its group is empty.
#[derive(Clone, Debug)]
pub(crate) struct ChildExit {
    pub(crate) status: ExitStatus,
    pub(crate) cpu_time: Duration,
    /// In bytes.
    pub(crate) peak_memory: u64,
    /// When it was first killed by us, if it was.
    pub(crate) killed_at: Option<Instant>,
    /// From its making to its reaping.
    pub(crate) uptime: Duration,
    /// That the kernel killed it for memory, if something speaks for it.
    pub(crate) oom: Option<OomEvidence>,
    /// Why it never executed its program, if it did not.
    pub(crate) failure: Option<Arc<SpawnError>>,
}

impl ChildExit {
    /// Of one that nobody can tell about.
    pub(crate) fn unknown() -> Self {
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
