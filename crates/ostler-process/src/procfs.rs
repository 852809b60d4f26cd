//! What `/proc` says of other processes. Each look has three ends: it was seen, there is nobody whom we may see, or we
//! could not look, for want of a descriptor perhaps, and know nothing. `Ok(None)` is the second, `Err` the third.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rustix::buffer::spare_capacity;
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, getpid};
use rustix::time::{ClockId, clock_gettime};

/// What we need of a line of `/proc/PID/stat`, see proc_pid_stat(5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stat {
    pub(super) state: char,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// When it started, in ticks since boot. With the number, it names a process once and for all.
    pub(super) start: u64,
    pub(super) resident_pages: u64,
    /// Bytes; a kernel thread has none, nor has who is about to end.
    address_space: u64,
}

impl Stat {
    /// `None` if nobody has the number, or somebody whom we may not see.
    pub(super) fn of(pid: Pid) -> io::Result<Option<Self>> {
        Self::read(&directory(pid).join("stat"))
    }

    fn read(path: &Path) -> io::Result<Option<Self>> {
        let Some(line) = visible(read(path, STAT))? else { return Ok(None) };
        // Not as a string: the name in it is any bytes.
        let stat = Self::parse(&String::from_utf8_lossy(&line));
        stat.map(Some).ok_or_else(|| io::Error::other(format!("{} is not as expected", path.display())))
    }

    /// The name before the fields may contain anything, parentheses too.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let start = fields.nth(15)?.parse().ok()?;
        let address_space = fields.next()?.parse().ok()?;
        let resident_pages = fields.next()?.parse().ok()?;
        Some(Self { state, parent, group, session, start, resident_pages, address_space })
    }

    /// Whether it has no environment for good. Otherwise one that was found to be empty may be that only while the process
    /// becomes another program: it has let go of the old environment before it has the new, and the kernel notes where the
    /// new one begins, as if it also ended there, before it has built it. One that was started without any looks the same.
    pub(super) fn has_no_environment(&self) -> bool {
        self.address_space == 0
    }

    /// A zombie does not: it is only somebody else's to reap.
    pub(super) fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// All processes that can be seen now, the newest number first: what forks while it is looked for is found
/// at the top.
pub(super) fn pids() -> io::Result<Vec<Pid>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        pids.extend(number(&entry?.file_name()));
    }
    pids.sort_unstable_by_key(|pid| std::cmp::Reverse(pid.as_raw_pid()));
    Ok(pids)
}

/// The children of this process, also those that it was left with.
pub(super) fn children() -> io::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        let path = thread?.path().join("children");
        match read(&path, ENVIRONMENT) {
            Ok(numbers) => children.extend(numbers_in(&numbers)),
            // The thread has ended, or this kernel was built without such lists.
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.with_file_name("stat").exists() => {
                return children_by_walk();
            }
            Err(error) => drop(visible(Err::<(), _>(error))?),
        }
    }
    Ok(children)
}

fn children_by_walk() -> io::Result<Vec<Pid>> {
    let own = getpid().as_raw_pid();
    let mut children = Vec::new();
    for pid in pids()? {
        children.extend(Stat::of(pid)?.filter(|stat| stat.parent == own).map(|_| pid));
    }
    Ok(children)
}

fn numbers_in(text: &[u8]) -> impl Iterator<Item = Pid> {
    let numbers = text.split(|byte| byte.is_ascii_whitespace());
    numbers.filter_map(|number| Pid::from_raw(std::str::from_utf8(number).ok()?.parse().ok()?))
}

/// The process or thread that an entry of `/proc` is about, if it is about one.
pub(super) fn number(name: &OsStr) -> Option<Pid> {
    Pid::from_raw(name.to_str()?.parse().ok()?)
}

pub(super) fn directory(pid: Pid) -> PathBuf {
    PathBuf::from(format!("/proc/{}", pid.as_raw_pid()))
}

/// Now, in the unit of [`Stat::start`], rounded down.
pub(super) fn now() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    let ticks = clock_ticks_per_second();
    seconds * ticks + nanos * ticks / 1_000_000_000
}

/// The threads of the kernel itself, which are nobody's. Nobody if the kernel does not tell, or if we are in a container
/// and cannot see them.
pub(super) fn kernel_threads() -> HashSet<Pid> {
    // Who has this number keeps it as long as anybody here can look.
    static SEES_PARENT: LazyLock<bool> = LazyLock::new(|| {
        fs::read("/proc/2/comm").is_ok_and(|name| name == b"kthreadd\n")
            && Pid::from_raw(2)
                .and_then(|pid| Stat::of(pid).ok().flatten())
                .is_some_and(|stat| stat.runs() && stat.address_space == 0)
    });
    if !*SEES_PARENT {
        return HashSet::new();
    }
    let children = read(Path::new("/proc/2/task/2/children"), ENVIRONMENT).unwrap_or_default();
    numbers_in(&children).collect()
}

/// What files here take mostly, in bytes, with room.
const STAT: usize = 1024;
const LIMITS: usize = 4 * 1024;
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
/// program, finds nothing more of the old environment, and the half looks like a whole. Empty of whoever has no memory, `None` if
/// it is not ours to read.
pub(super) fn environment(directory: &Path) -> io::Result<Option<Vec<u8>>> {
    match read(&directory.join("environ"), ENVIRONMENT) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(Some(Vec::new())),
        read => visible(read),
    }
}

/// The hard limit of file locks of a process; of zombies too, and of those whose environment is nobody's to read.
pub(super) fn locks_limit(pid: Pid) -> io::Result<Option<u64>> {
    let limits = visible(read(&directory(pid).join("limits"), LIMITS))?;
    let find = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let line = text.lines().find_map(|line| line.strip_prefix("Max file locks"))?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    Ok(limits.and_then(|text| find(&text)))
}

/// The directories of a process's threads that run. A process whose first thread has ended looks like a
/// zombie while others of its threads run.
pub(super) fn live_threads(pid: Pid) -> io::Result<Vec<PathBuf>> {
    let mut live = Vec::new();
    for thread in visible(fs::read_dir(directory(pid).join("task")))?.into_iter().flatten() {
        // A process that ends takes the rest of its list along.
        let Some(thread) = visible(thread)? else { break };
        if Stat::read(&thread.path().join("stat"))?.is_some_and(|stat| stat.runs()) {
            live.push(thread.path());
        }
    }
    Ok(live)
}

/// Tells a look at nobody from one that failed.
fn visible<T>(look: io::Result<T>) -> io::Result<Option<T>> {
    match look {
        Ok(seen) => Ok(Some(seen)),
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOENT | libc::ESRCH | libc::EACCES | libc::EPERM) => Ok(None),
            _ => Err(error),
        },
    }
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
            parent: 1,
            group: 4242,
            session: 17,
            start: 98_765,
            resident_pages: 321,
            address_space: 2_478_080,
        };
        assert_eq!(Stat::parse(line), Some(stat));
        assert_eq!(Stat::parse("17 (sleep"), None);
        assert_eq!(Stat::parse("17 (sleep) S 1 4242 17 0"), None);
    }

    #[test]
    fn we_are_among_all_processes_and_run() {
        let own = rustix::process::getpid();
        assert!(pids().unwrap().contains(&own));
        let stat = Stat::of(own).unwrap().unwrap();
        assert!(stat.start <= now());
        assert!(stat.runs() && stat.resident_pages > 0 && stat.start > 0, "{stat:?}");
        assert!(!stat.has_no_environment(), "{stat:?}");
        assert!(!live_threads(own).unwrap().is_empty());
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
            let stat = Stat::of(thread).unwrap();
            assert!(stat.is_none_or(|stat| stat.address_space == 0 && stat.has_no_environment()));
        }
    }

    #[test]
    fn nobody_is_not_a_failed_look() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = Pid::from_child(&child);
        within("it is a zombie", || Stat::of(pid).unwrap().is_some_and(|stat| !stat.runs()));
        assert!(live_threads(pid).unwrap().is_empty());
        assert!(environment(&directory(pid)).unwrap().is_none_or(|environment| environment.is_empty()));
        child.wait().unwrap();
        assert_eq!(Stat::of(pid).unwrap(), None);
        assert_eq!((locks_limit(pid).unwrap(), environment(&directory(pid)).unwrap()), (None, None));
        assert!(live_threads(pid).unwrap().is_empty());
        for number in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EIO] {
            let failed = visible::<()>(Err(io::Error::from_raw_os_error(number)));
            assert_eq!(failed.unwrap_err().raw_os_error(), Some(number));
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
        let stat = Stat::of(pid).unwrap();
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert!(stat.is_some_and(|stat| stat.runs()), "{stat:?}");
    }
}
