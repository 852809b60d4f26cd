use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A soft limit of this process that is lowered, until this is dropped.
pub(super) struct Lowered {
    resource: Resource,
    before: Rlimit,
}

impl Lowered {
    pub(super) fn to(resource: Resource, value: u64) -> io::Result<Self> {
        let before = getrlimit(resource);
        setrlimit(resource, Rlimit { current: Some(value), ..before })?;
        Ok(Self { resource, before })
    }
}

impl Drop for Lowered {
    fn drop(&mut self) {
        // A soft limit may always be raised again.
        let _ = setrlimit(self.resource, self.before);
    }
}

/// Raises the soft limits that the torture lowers. A worker inherits them from its host of that moment, and is not to fail
/// at what the torture itself does in it.
pub(crate) fn give_limits_back() {
    for resource in [Resource::Nofile, Resource::Fsize] {
        let limit = getrlimit(resource);
        // What is refused stays as it was.
        let _ = setrlimit(resource, Rlimit { current: limit.maximum, ..limit });
    }
}

/// The numbers of the descriptors that are open, in order.
pub(super) fn open_numbers() -> Vec<u64> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let mut numbers: Vec<u64> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// The highest limit below which exactly so many numbers are free.
pub(super) fn limit_with_free(open: &[u64], free: u64) -> u64 {
    let mut limit = free;
    for number in open {
        if *number <= limit {
            limit += 1;
        }
    }
    limit
}
