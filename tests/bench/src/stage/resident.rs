use serde::{Deserialize, Serialize};

use crate::Result;
use crate::limit::Child;
use crate::line::Line;
use crate::pool::{self, Spin};
use crate::procfs::Memory;

/// What a host and its only worker have in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Resident {
    host: Memory,
    worker: Memory,
}

impl Resident {
    /// Of a host with one idle worker, after the first job.
    pub(super) fn of_a_pool() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let manager = runtime.block_on(pool::launch(pool::config(Spin::Without)))?;
        let job = runtime.block_on(async {
            let job = manager.start_job("echo", Line::small()).await?;
            crate::Result::Ok(job.finished().await)
        })?;
        Self::with(job.worker_pid.ok_or("no worker ran the job")?)
    }

    /// Of two processes with nothing but the standard library, the second asleep.
    pub(super) fn of_two_processes() -> Result<Self> {
        let mut child = Child::spawn("hello", &[])?;
        child.first_byte()?;
        Self::with(child.pid())
    }

    fn with(worker: u32) -> Result<Self> {
        Ok(Self { host: Memory::of(std::process::id())?, worker: Memory::of(worker)? })
    }

    /// Of both together, in bytes.
    pub(crate) fn resident(self) -> u64 {
        self.host.resident + self.worker.resident
    }

    /// The same, with shared pages counted once.
    pub(crate) fn proportional(self) -> u64 {
        self.host.proportional + self.worker.proportional
    }
}
