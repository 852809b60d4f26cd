use serde::Serialize;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The memory of the host and of some of its processes, in bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SystemMemory {
    /// What there is, or what the host's control group may use if that is less.
    pub total: u64,
    /// What could still be taken without swapping.
    pub available: u64,
    /// The resident size of each process that was asked for and is alive.
    pub processes: Vec<(u32, u64)>,
}

/// The system does not say what memory it has.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the system's memory: {reason}")]
pub struct MemoryError {
    reason: String,
}

impl SystemMemory {
    /// Reads the memory of the host and of these processes, each without its children. It reads small files
    /// of `/proc`, one a process.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn read(pids: &[u32]) -> Result<Self, MemoryError> {
        let mut system = System::new().map_err(|error| MemoryError { reason: error.to_string() })?;
        system.refresh_memory();
        let pids: Vec<_> = pids.iter().map(|&pid| Pid::from_u32(pid)).collect();
        let memory = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, memory);
        let resident = |pid: &Pid| Some((pid.as_u32(), system.process(*pid)?.memory()));
        let limits = system.cgroup_limits();
        let (total, available) = (system.total_memory(), system.available_memory());
        Ok(Self {
            total: limits.as_ref().map_or(total, |limits| total.min(limits.total_memory)),
            available: limits.as_ref().map_or(available, |limits| available.min(limits.free_memory)),
            processes: pids.iter().filter_map(resident).collect(),
        })
    }

    /// What the processes use together. Memory that they share is counted for each.
    pub fn used_by_processes(&self) -> u64 {
        self.processes.iter().map(|&(_, bytes)| bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn our_own_process_is_measured_and_a_dead_one_left_out() {
        let own = std::process::id();
        // Larger than any process id that Linux gives.
        let memory = SystemMemory::read(&[own, u32::MAX >> 1]).unwrap();
        assert_eq!(memory.processes.len(), 1);
        assert_eq!(memory.processes[0].0, own);
        assert!((1..=memory.total).contains(&memory.used_by_processes()), "{memory:?}");
        assert!((1..=memory.total).contains(&memory.available), "{memory:?}");
    }
}
