use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::descriptors::descriptors;

/// What this process holds, and what of Ostler lies in `/dev/shm`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Gauge {
    pub(crate) descriptors: BTreeMap<String, usize>,
    pub(crate) threads: usize,
    /// Resident memory that is its own, in KiB.
    pub(crate) memory: u64,
    pub(crate) shared: BTreeSet<String>,
}

impl Gauge {
    pub(crate) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        Self {
            descriptors: descriptors(),
            threads: usize::try_from(number("Threads:")).unwrap_or_default(),
            memory: number("RssAnon:"),
            shared: shared(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.descriptors.values().sum()
    }

    /// How the descriptors differ from those of an earlier look, by kind.
    pub(crate) fn descriptors_since(&self, before: &Self) -> Vec<String> {
        let kinds: BTreeSet<&String> = self.descriptors.keys().chain(before.descriptors.keys()).collect();
        let count = |gauge: &Self, kind: &str| gauge.descriptors.get(kind).copied().unwrap_or(0);
        let changed = kinds.into_iter().filter(|kind| count(self, kind) != count(before, kind));
        changed
            .map(|kind| format!("{kind}: {} before, {} now", count(before, kind), count(self, kind)))
            .collect()
    }
}

/// Others use the directory too, and may come and go: only what bears our name is looked at.
fn shared() -> BTreeSet<String> {
    let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("ostler")).collect()
}
