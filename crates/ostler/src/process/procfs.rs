//! What `/proc` says of other processes. A process may end at any moment: whatever cannot be read is gone.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rustix::buffer::spare_capacity;
use rustix::process::Pid;

/// What we need of a line of `/proc/PID/stat`, see proc_pid_stat(5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stat {
    pub(super) state: char,
    pub(super) group: i32,
    /// When it started, in ticks since boot. With the number, it names a process once and for all.
    pub(super) start: u64,
    pub(super) resident_pages: u64,
    /// Bytes; a kernel thread has none, nor has who is about to end.
    address_space: u64,
    /// The addresses at which its environment begins and ends; 0 while it has none, or if it is not ours to read.
    environment: (u64, u64),
}

impl Stat {
    pub(super) fn of(pid: Pid) -> Option<Self> {
        Self::read(&directory(pid).join("stat"))
    }

    fn read(path: &Path) -> Option<Self> {
        // Not as a string: the name in it is any bytes.
        Self::parse(&String::from_utf8_lossy(&read(path, STAT).ok()?))
    }

    /// The name before the fields may contain anything, parentheses too.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let group = fields.nth(1)?.parse().ok()?;
        let start = fields.nth(16)?.parse().ok()?;
        let address_space = fields.next()?.parse().ok()?;
        let resident_pages = fields.next()?.parse().ok()?;
        let environment = (fields.nth(25)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self { state, group, start, resident_pages, address_space, environment })
    }

    /// Whether its environment is empty for good, if it may be read. Otherwise one that was found to be empty was that
    /// only while the process became another program: it has let go of the old environment before it has the new.
    pub(super) fn has_no_environment(&self) -> bool {
        let (start, end) = self.environment;
        self.address_space == 0 || (end != 0 && start == end)
    }

    /// A zombie does not: it is only somebody else's to reap.
    pub(super) fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// All processes that can be seen now, the newest number first: what forks while it is looked for is found
/// at the top.
pub(super) fn pids() -> io::Result<Vec<Pid>> {
    let mut pids: Vec<Pid> =
        fs::read_dir("/proc")?.filter_map(|entry| number(&entry.ok()?.file_name())).collect();
    pids.sort_unstable_by_key(|pid| std::cmp::Reverse(pid.as_raw_pid()));
    Ok(pids)
}

/// The process or thread that an entry of `/proc` is about, if it is about one.
pub(super) fn number(name: &OsStr) -> Option<Pid> {
    Pid::from_raw(name.to_str()?.parse().ok()?)
}

pub(super) fn directory(pid: Pid) -> PathBuf {
    PathBuf::from(format!("/proc/{}", pid.as_raw_pid()))
}

/// The threads of the kernel itself, which are nobody's. Nobody if the kernel does not tell, or if we are in a container
/// and cannot see them.
pub(super) fn kernel_threads() -> HashSet<Pid> {
    // Who has this number keeps it as long as anybody here can look.
    static SEES_PARENT: LazyLock<bool> = LazyLock::new(|| {
        fs::read("/proc/2/comm").is_ok_and(|name| name == b"kthreadd\n")
            && Pid::from_raw(2).and_then(Stat::of).is_some_and(|stat| stat.runs() && stat.address_space == 0)
    });
    if !*SEES_PARENT {
        return HashSet::new();
    }
    let children = read(Path::new("/proc/2/task/2/children"), ENVIRONMENT).unwrap_or_default();
    let numbers = children.split(|byte| byte.is_ascii_whitespace());
    numbers.filter_map(|number| Pid::from_raw(std::str::from_utf8(number).ok()?.parse().ok()?)).collect()
}

/// What files here take mostly, in bytes, with room.
const STAT: usize = 1024;
const ENVIRONMENT: usize = 64 * 1024;

/// Reads a file, as a rule in one read. Its size is not known, and to find it out would take more calls than it is worth.
pub(super) fn read(path: &Path, usual_bytes: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::with_capacity(usual_bytes);
    while rustix::io::read(&file, spare_capacity(&mut bytes))? > 0 && bytes.len() == bytes.capacity() {
        bytes.reserve(usual_bytes);
    }
    Ok(bytes)
}

/// The environment of a process or thread, as a rule in one read: a second one, after the process has become another
/// program, finds nothing more of the old environment, and the half looks like a whole.
pub(super) fn environment(directory: &Path) -> io::Result<Vec<u8>> {
    read(&directory.join("environ"), ENVIRONMENT)
}

/// The directories of a process's threads that run. A process whose first thread has ended looks like a
/// zombie while others of its threads run.
pub(super) fn live_threads(pid: Pid) -> Vec<PathBuf> {
    let Ok(threads) = fs::read_dir(directory(pid).join("task")) else { return Vec::new() };
    let threads = threads.flatten().map(|thread| thread.path());
    threads.filter(|thread| Stat::read(&thread.join("stat")).is_some_and(|stat| stat.runs())).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::process::{Command, Stdio};

    use super::super::test_support::within;
    use super::*;

    #[test]
    fn a_line_is_read_behind_a_hostile_name() {
        let line = "17 (a) Z 1 (b) S 1 4242 17 0 -1 4194560 90 0 0 0 3 4 0 0 20 0 1 0 98765 2478080 321 184467 \
                    1 2 3 0 0 0 0 0 65538 0 0 0 17 1 0 0 0 0 0 4 5 6 7 8 9 77 0";
        let stat = Stat {
            state: 'S',
            group: 4242,
            start: 98_765,
            resident_pages: 321,
            address_space: 2_478_080,
            environment: (9, 77),
        };
        assert_eq!(Stat::parse(line), Some(stat));
        assert_eq!(Stat::parse("17 (sleep"), None);
        assert_eq!(Stat::parse("17 (sleep) S 1 4242 17 0"), None);
    }

    #[test]
    fn we_are_among_all_processes_and_run() {
        let own = rustix::process::getpid();
        assert!(pids().unwrap().contains(&own));
        let stat = Stat::of(own).unwrap();
        assert!(stat.runs() && stat.resident_pages > 0 && stat.start > 0, "{stat:?}");
        assert!(!stat.has_no_environment(), "{stat:?}");
        assert!(!live_threads(own).is_empty());
    }

    #[test]
    fn a_file_that_is_larger_than_usual_is_read_whole() {
        let own = Path::new("/proc/self/stat");
        let (whole, pieces) = (read(own, STAT).unwrap(), read(own, 7).unwrap());
        let fields = |bytes: &[u8]| bytes.split(|&byte| byte == b' ').count();
        assert_eq!(fields(&whole), fields(&pieces));
    }

    #[test]
    fn the_threads_of_the_kernel_are_none_of_ours() {
        let threads = kernel_threads();
        let own = rustix::process::getpid();
        assert!(!threads.contains(&own));
        for thread in threads {
            assert!(Stat::of(thread).is_none_or(|stat| stat.address_space == 0 && stat.has_no_environment()));
        }
    }

    #[test]
    fn a_name_need_not_be_text() {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "printf '\\377) Z' > /proc/$$/comm; read line"]).stdin(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let pid = Pid::from_child(&shell);
        let line = || fs::read(directory(pid).join("stat")).unwrap();
        within("it is renamed", || String::from_utf8(line()).is_err());
        let stat = Stat::of(pid);
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert!(stat.is_some_and(|stat| stat.runs()), "{stat:?}");
    }
}
