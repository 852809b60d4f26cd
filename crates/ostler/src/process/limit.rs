//! Setting the limits of a process that was just made.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setpriority_pgrp};

use crate::limits::WorkerLimits;

/// A limit could not be set.
#[derive(Debug, thiserror::Error)]
#[error("the worker's {name} cannot be limited to {value}: {source}{}", host_has(*maximum))]
pub(crate) struct LimitError {
    name: &'static str,
    value: i128,
    /// What the host itself may have, if that is less.
    maximum: Option<u64>,
    source: io::Error,
}

fn host_has(maximum: Option<u64>) -> String {
    maximum.map(|maximum| format!("; the host itself may have {maximum} at most")).unwrap_or_default()
}

/// Sets the limits of a child, and with them those of all that it starts from now on. From the host, and not by
/// the child before it becomes the worker: that would make the spawn fork the whole host.
pub(super) fn apply(child: Pid, limits: &WorkerLimits) -> Result<(), LimitError> {
    let cpu_time = limits.cpu_time.map(whole_seconds);
    // The kernel compares with the hard limit first: without a second between them there would be no SIGXCPU,
    // which tells why the process died.
    let hard_cpu_time = cpu_time.map(|seconds| seconds.saturating_add(1));
    let resources = [
        ("address_space", Resource::As, limits.address_space, limits.address_space),
        ("cpu_time", Resource::Cpu, cpu_time, hard_cpu_time),
        ("open_files", Resource::Nofile, limits.open_files, limits.open_files),
        ("processes", Resource::Nproc, limits.processes, limits.processes),
        ("core_size", Resource::Core, limits.core_size, limits.core_size),
    ];
    for (name, resource, soft, hard) in resources {
        if let (Some(soft), Some(hard)) = (soft, hard) {
            limit(child, resource, soft, hard).map_err(|source| LimitError {
                name,
                value: soft.into(),
                maximum: getrlimit(resource).maximum.filter(|&maximum| maximum < soft),
                source,
            })?;
        }
    }
    if let Some(nice) = limits.nice {
        // Of the group, which is only the child: of a process it would be that of its first thread alone.
        setpriority_pgrp(Some(child), nice.into()).map_err(|error| LimitError {
            name: "nice",
            value: nice.into(),
            maximum: None,
            source: error.into(),
        })?;
    }
    Ok(())
}

fn limit(child: Pid, resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    // The second that we add must not be what asks for more than the host may have.
    let inherited = getrlimit(resource).maximum.filter(|&maximum| maximum >= soft);
    let hard = inherited.map_or(hard, |maximum| hard.min(maximum));
    prlimit(Some(child), resource, Rlimit { current: Some(soft), maximum: Some(hard) })?;
    Ok(())
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}
