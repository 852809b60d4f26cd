use std::collections::BTreeMap;
use std::fs;

/// The open descriptors of this process, by kind: `socket`, `pipe`, `anon_inode:[pidfd]`, or a path.
pub(super) fn descriptors() -> BTreeMap<String, usize> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    let mut counts = BTreeMap::new();
    for target in targets {
        let target = target.to_string_lossy().into_owned();
        // The directory that is just being read.
        if target.starts_with("/proc/") {
            continue;
        }
        let kind = target.split_once(":[").filter(|(kind, _)| matches!(*kind, "socket" | "pipe"));
        *counts.entry(kind.map_or(target.clone(), |(kind, _)| kind.to_owned())).or_default() += 1;
    }
    counts
}
