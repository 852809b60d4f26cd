use std::time::Duration;

use ostler_lifecycle::serde_form;
use serde::{Deserialize, Serialize};

/// What each worker may take at most; `None` is no limit of ours. By default there is none.
///
/// They hold from the first instruction of the worker's program, and it inherits them to all that it starts. Whoever sets
/// more than the host itself may have needs the privilege for it, else no worker can be made.
///
/// ```
/// use std::time::Duration;
/// # use ostler_process as ostler;
/// use ostler::WorkerLimits;
///
/// let limits = WorkerLimits { memory: Some(2 << 30), nice: Some(10), ..WorkerLimits::default() };
/// # assert_eq!(limits.cpu_time, None);
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerLimits {
    /// Resident bytes of the worker and all its processes together, at least 1 MiB. The host looks from time to
    /// time and kills a worker that has more. What its processes share is counted for each of them.
    #[serde(with = "serde_form::byte_size")]
    pub memory: Option<u64>,
    /// Bytes of address space of each of its processes, at least 1 MiB: an allocation beyond it fails. Programs
    /// reserve far more than they use, and need some to start at all.
    #[serde(with = "serde_form::byte_size")]
    pub address_space: Option<u64>,
    /// Time on a processor of each of its processes, over its whole life, 1 s to a year; rounded up to whole
    /// seconds. SIGXCPU ends a process that has used it up, and a second later SIGKILL.
    #[serde(with = "serde_form::duration::option")]
    pub cpu_time: Option<Duration>,
    /// Open files of each of its processes, at least 16.
    pub open_files: Option<u64>,
    /// Processes and threads, at least 1. Linux counts all those of the user, the host's own among them, and
    /// exempts root.
    pub processes: Option<u64>,
    /// Bytes of a core dump; 0 for none.
    #[serde(with = "serde_form::byte_size")]
    pub core_size: Option<u64>,
    /// How it yields to others, from -20 to 19. Below the host's own it takes a privilege. Where the kernel shares the
    /// processor by sessions (autogroup), that of the worker's session is set as well, also if it is only the host's own
    /// that is inherited.
    pub nice: Option<i8>,
}

/// Those of them at which the kernel refuses a program what it asks for, and does not say so to anybody else; for whoever
/// wonders why it does not start.
#[must_use]
pub fn refusing_limits(limits: &WorkerLimits) -> Option<String> {
    let refusing = [
        ("address_space", limits.address_space),
        ("open_files", limits.open_files),
        ("processes", limits.processes),
    ];
    let set = refusing.into_iter().filter_map(|(name, limit)| Some(format!("{name} {}", limit?)));
    let set: Vec<_> = set.collect();
    (!set.is_empty()).then(|| set.join(", "))
}

/// The first value that is out of bounds, with what it may be.
///
/// # Errors
/// The names of the field and of its bound.
pub fn check_limits(limits: &WorkerLimits) -> Result<(), (&'static str, &'static str)> {
    let is_less = |value: Option<u64>, least: u64| value.is_some_and(|value| value < least);
    let mebibyte = 1 << 20;
    for (field, value) in [("limits.memory", limits.memory), ("limits.address_space", limits.address_space)] {
        if is_less(value, mebibyte) {
            return Err((field, "at least 1048576 (1 MiB)"));
        }
    }
    let year = Duration::from_secs(365 * 24 * 3600);
    if limits.cpu_time.is_some_and(|time| time < Duration::from_secs(1) || time > year) {
        return Err(("limits.cpu_time", "at least a second and at most a year"));
    }
    // The worker itself has some: its output, its socket, what its plugins load.
    if is_less(limits.open_files, 16) {
        return Err(("limits.open_files", "at least 16"));
    }
    if is_less(limits.processes, 1) {
        return Err(("limits.processes", "at least 1"));
    }
    if limits.nice.is_some_and(|nice| !(-20..=19).contains(&nice)) {
        return Err(("limits.nice", "-20 to 19"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Spoil = fn(&mut WorkerLimits);

    #[test]
    fn every_bound_is_checked_and_named() {
        let bad: [(&str, Spoil); 8] = [
            ("limits.memory", |limits| limits.memory = Some((1 << 20) - 1)),
            ("limits.address_space", |limits| limits.address_space = Some(0)),
            ("limits.cpu_time", |limits| limits.cpu_time = Some(Duration::from_millis(999))),
            ("limits.cpu_time", |limits| limits.cpu_time = Some(Duration::MAX)),
            ("limits.open_files", |limits| limits.open_files = Some(15)),
            ("limits.processes", |limits| limits.processes = Some(0)),
            ("limits.nice", |limits| limits.nice = Some(20)),
            ("limits.nice", |limits| limits.nice = Some(-21)),
        ];
        for (name, spoil) in bad {
            let mut limits = WorkerLimits::default();
            spoil(&mut limits);
            assert_eq!(check_limits(&limits).map_err(|(field, _)| field), Err(name));
        }
    }

    #[test]
    fn the_bounds_themselves_are_allowed() {
        assert_eq!(check_limits(&WorkerLimits::default()), Ok(()));
        let least = WorkerLimits {
            memory: Some(1 << 20),
            address_space: Some(1 << 20),
            cpu_time: Some(Duration::from_secs(1)),
            open_files: Some(16),
            processes: Some(1),
            core_size: Some(0),
            nice: Some(-20),
        };
        assert_eq!(check_limits(&least), Ok(()));
        let most =
            WorkerLimits { cpu_time: Some(Duration::from_secs(365 * 24 * 3600)), nice: Some(19), ..least };
        assert_eq!(check_limits(&most), Ok(()));
    }
}
