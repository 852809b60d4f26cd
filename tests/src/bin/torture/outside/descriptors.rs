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
        *counts.entry(kind(target)).or_default() += 1;
    }
    counts
}

fn kind(target: String) -> String {
    match target.split_once(":[") {
        Some((kind @ ("socket" | "pipe"), _)) => kind.to_owned(),
        _ if is_record(&target) => "the record of the workers".to_owned(),
        _ => target,
    }
}

/// Whether it is the file in which Ostler notes its workers. It is written afresh under another name now and then.
fn is_record(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with("ostler-"))
}
