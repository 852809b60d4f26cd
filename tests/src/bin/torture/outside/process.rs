use std::fs;

use rustix::process::{Pid, test_kill_process_group};

/// A process in the process table, see proc_pid_stat(5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) state: char,
    pub(crate) parent: u32,
    group: u32,
    /// In the kernel's ticks since the machine started: a later process of the same number has another.
    started: u64,
}

impl Process {
    pub(crate) fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name in parentheses may contain anything, parentheses too.
    fn parse(stat: &str) -> Option<Self> {
        let (head, tail) = stat.rsplit_once(')')?;
        let (pid, name) = head.split_once(" (")?;
        let mut fields = tail.split_ascii_whitespace();
        Some(Self {
            pid: pid.parse().ok()?,
            name: name.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            started: fields.nth(16)?.parse().ok()?,
        })
    }

    fn all() -> impl Iterator<Item = Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // One that ends while we look is gone.
        pids.filter_map(Self::read)
    }

    pub(crate) fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Whether it leads a group, as workers do.
    pub(crate) fn leads_group(&self) -> bool {
        self.group == self.pid
    }

    /// Whether it is still the same process, and runs.
    pub(crate) fn still_runs(&self) -> bool {
        Self::read(self.pid).is_some_and(|now| now.started == self.started && !now.is_zombie())
    }

    pub(crate) fn describe(&self) -> String {
        let Self { pid, name, state, parent, group, .. } = self;
        format!("{pid} ({name}, state {state}, parent {parent}, group {group})")
    }
}

/// The processes of a group that run.
pub(crate) fn group(leader: u32) -> Vec<Process> {
    Process::all().filter(|process| process.group == leader && !process.is_zombie()).collect()
}

/// Whether nobody of a group runs. It walks through all processes only if there is anybody.
pub(crate) fn is_group_empty(leader: u32) -> bool {
    let pid = i32::try_from(leader).ok().and_then(Pid::from_raw);
    let Some(pid) = pid else { return true };
    test_kill_process_group(pid) == Err(rustix::io::Errno::SRCH) || group(leader).is_empty()
}

/// The children of this process, also those that have ended and are not reaped.
pub(crate) fn children() -> Vec<Process> {
    let own = std::process::id();
    Process::all().filter(|process| process.parent == own).collect()
}
