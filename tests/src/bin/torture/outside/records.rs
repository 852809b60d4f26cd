use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// Where Ostler keeps the records of this host, and of no other.
pub(crate) fn record_directory() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default();
    runtime.join("ostler")
}

/// The workers that are on record as alive, and how many records there are.
pub(crate) fn on_record() -> (BTreeSet<u32>, usize) {
    let entries = fs::read_dir(record_directory()).into_iter().flatten().flatten();
    let texts: Vec<String> = entries.filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect();
    let mut living = BTreeMap::new();
    for line in texts.iter().flat_map(|text| text.lines()) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["+", pid, _, id] => {
                if let Ok(pid) = pid.parse() {
                    living.insert(id, pid);
                }
            }
            ["-", id] => {
                living.remove(id);
            }
            _ => {}
        }
    }
    (living.into_values().collect(), texts.len())
}
