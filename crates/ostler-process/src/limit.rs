//! The limits of a process that is to be made, as the kernel takes them.

use std::io;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use super::clone_child::Limit;
use super::worker_id::WorkerId;
use crate::WorkerLimits;

/// A limit could not be set.
#[derive(Debug, thiserror::Error)]
#[error("the worker's {name} cannot be limited to {value}: {source}{}", host_has(*maximum))]
pub struct LimitError {
    name: &'static str,
    value: i128,
    /// What the host itself may have, if that is less.
    maximum: Option<u64>,
    source: io::Error,
}

fn host_has(maximum: Option<u64>) -> String {
    maximum.map(|maximum| format!("; the host itself may have {maximum} at most")).unwrap_or_default()
}

/// Those that are set, and the one by which the worker is known, in the order in which a child sets them, before it executes its program: so nothing of the program
/// runs without them.
pub(super) fn of(limits: &WorkerLimits, id: WorkerId) -> Vec<Limit> {
    let as_kernel_takes_it = |(_, resource, soft, hard): Row| {
        // The second that we add must not be what asks for more than the host may have.
        let inherited = getrlimit(resource).maximum.filter(|&maximum| maximum >= soft);
        let hard = inherited.map_or(hard, |maximum| hard.min(maximum));
        Limit { resource: number(resource), values: [soft, hard] }
    };
    rows(limits, id).map(as_kernel_takes_it).collect()
}

/// Of the limit with this index in what [`of`] returned.
pub(super) fn error(
    limits: &WorkerLimits,
    id: WorkerId,
    index: usize,
    source: io::Error,
) -> Option<LimitError> {
    let (name, resource, soft, _) = rows(limits, id).nth(index)?;
    let maximum = getrlimit(resource).maximum.filter(|&maximum| maximum < soft);
    Some(LimitError { name, value: soft.into(), maximum, source })
}

pub(super) fn nice_error(limits: &WorkerLimits, source: io::Error) -> LimitError {
    LimitError { name: "nice", value: limits.nice.unwrap_or_default().into(), maximum: None, source }
}

type Row = (&'static str, Resource, u64, u64);

fn rows(limits: &WorkerLimits, id: WorkerId) -> impl Iterator<Item = Row> {
    let cpu_time = limits.cpu_time.map(whole_seconds);
    // The kernel compares with the hard limit first: without a second between them there would be no SIGXCPU,
    // which tells why the process died.
    let hard_cpu_time = cpu_time.map(|seconds| seconds.saturating_add(1));
    let all = [
        ("address_space", Resource::As, limits.address_space, limits.address_space),
        ("cpu_time", Resource::Cpu, cpu_time, hard_cpu_time),
        ("open_files", Resource::Nofile, limits.open_files, limits.open_files),
        ("processes", Resource::Nproc, limits.processes, limits.processes),
        ("core_size", Resource::Core, limits.core_size, limits.core_size),
        // A mark and no limit: see the worker's id.
        ("file_locks", Resource::Locks, id.locks_limit(), id.locks_limit()),
    ];
    all.into_iter().filter_map(|(name, resource, soft, hard)| Some((name, resource, soft?, hard?)))
}

fn number(resource: Resource) -> libc::c_int {
    let number = match resource {
        Resource::As => libc::RLIMIT_AS,
        Resource::Cpu => libc::RLIMIT_CPU,
        Resource::Nofile => libc::RLIMIT_NOFILE,
        Resource::Nproc => libc::RLIMIT_NPROC,
        Resource::Locks => libc::RLIMIT_LOCKS,
        _ => libc::RLIMIT_CORE,
    };
    number as libc::c_int
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}
