use std::fs;
use std::path::{Path, PathBuf};

use super::procfs;

/// What the files of counters take, in bytes, with room.
const COUNTERS: usize = 16 * 1024;

/// How often the kernel had killed for memory at some time, in our control group or else in the whole system.
pub(super) struct OomCounter {
    scope: Scope,
    value: u64,
}

enum Scope {
    /// Counts all below it as well.
    ControlGroup(PathBuf),
    System,
}

impl OomCounter {
    /// `None` if the kernel does not tell.
    pub(super) fn read() -> Option<Self> {
        let of = |scope: Scope| Some(Self { value: scope.count()?, scope });
        // The group rather than the system: there, others die as well.
        own_group().into_iter().find_map(|path| of(Scope::ControlGroup(path))).or_else(|| of(Scope::System))
    }

    /// That it has risen since, in words.
    pub(super) fn rise(&self) -> Option<String> {
        let place = match &self.scope {
            Scope::ControlGroup(_) => "this control group",
            Scope::System => "this system",
        };
        let kills = self.scope.count()?.checked_sub(self.value).filter(|&kills| kills > 0)?;
        Some(format!(
            "the kernel killed for memory in {place} while the worker lived: its oom_kill counter rose by {kills}"
        ))
    }
}

impl Scope {
    fn count(&self) -> Option<u64> {
        let path = match self {
            Self::ControlGroup(path) => path,
            Self::System => Path::new("/proc/vmstat"),
        };
        oom_kills(std::str::from_utf8(&procfs::read(path, COUNTERS).ok()?).ok()?)
    }
}

/// Where the events of our control group may be, by the two places in which version 2 is mounted.
fn own_group() -> Vec<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(group) = groups.lines().find_map(|line| line.strip_prefix("0::/")) else { return Vec::new() };
    let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
    mounts.iter().map(|mount| PathBuf::from(mount).join(group).join("memory.events")).collect()
}

/// Of a file of lines `name value`.
fn oom_kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::super::test_support::scratch;
    use super::*;

    #[test]
    fn the_counter_is_found_among_others() {
        let events = "low 0\nhigh 0\nmax 31\noom 2\noom_kill 1\noom_group_kill 7\n";
        assert_eq!(oom_kills(events), Some(1));
        assert_eq!(oom_kills("nr_free_pages 5\nswap_ra 0\noom_kill 12\n"), Some(12));
        assert_eq!(oom_kills("oom_killer 3\noom_kill x\n"), None);
        assert_eq!(oom_kills(""), None);
    }

    #[test]
    fn only_a_rise_is_told() {
        let scratch = scratch();
        let path = scratch.path().join("memory.events");
        fs::write(&path, "oom_kill 4\n").unwrap();
        let counter = OomCounter { value: 4, scope: Scope::ControlGroup(path.clone()) };
        assert_eq!(counter.rise(), None);
        fs::write(&path, "oom_kill 3\n").unwrap();
        assert_eq!(counter.rise(), None);
        fs::write(&path, "oom_kill 6\n").unwrap();
        assert!(
            counter
                .rise()
                .unwrap()
                .ends_with("in this control group while the worker lived: its oom_kill counter rose by 2")
        );
        fs::remove_file(path).unwrap();
        assert_eq!(counter.rise(), None);
    }

    #[test]
    fn this_kernel_tells() {
        assert_eq!(OomCounter::read().unwrap().rise(), None);
    }
}
