//! What workers leave, once it has become a child of this process.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, getpid};

use super::pinned::Pinned;
use super::procfs::{self, Stat};
use super::worker_id::WorkerId;

/// Collects what is left of processes that workers of this program have left behind, and says how many they were. Does
/// not wait.
///
/// A program needs this if orphans become its children: it is the first process of a container, or has asked for them by
/// `PR_SET_CHILD_SUBREAPER`. Nobody else collects them then, and each takes a process number for ever. What is left at the end
/// of a worker Ostler collects itself. This is for what ends while its worker lives: say, of a plugin that starts a daemon
/// with each job. Call it now and then, or when SIGCHLD comes; it looks at the children of this process alone.
///
/// It collects nobody else: not the program's own children, whose exit somebody may be waiting for, not what those leave,
/// and not the workers. An orphan is known by a limit that Ostler gives to each of its workers and that all inherit from it
/// (`RLIMIT_LOCKS`, which Linux does not use). So a program without other children may instead wait for any child by `waitpid` with
/// `__WNOTHREAD`, on its main thread: orphans become children of that one, and workers are children of another.
///
/// # Errors
/// The children of this process cannot be looked at; some may have been collected.
pub fn reap_orphans() -> io::Result<usize> {
    let mut reaped = 0;
    for pid in procfs::children()? {
        if Stat::of(pid)?.is_none_or(|stat| stat.runs() || stat.parent != getpid().as_raw_pid()) {
            continue;
        }
        // Held on to before it is looked at: then it is what was looked at, or is gone.
        if let Some(process) = Pinned::open(pid)?
            && let Some(limit) = procfs::locks_limit(pid)?
            && WorkerId::is_limit_of_ours(limit)
            && !may_be_worker(pid, limit)
            && process.reap()?
        {
            reaped += 1;
        }
    }
    Ok(reaped)
}

/// The workers that are not reaped, by their limits; of those that are just being made the number is not known yet.
static WORKERS: Mutex<Option<HashMap<u64, Option<Pid>>>> = Mutex::new(None);

fn workers() -> MutexGuard<'static, Option<HashMap<u64, Option<Pid>>>> {
    // Nothing panics while it is held.
    WORKERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn may_be_worker(pid: Pid, limit: u64) -> bool {
    let workers = workers();
    let worker = workers.as_ref().and_then(|workers| workers.get(&limit));
    worker.is_some_and(|worker| worker.is_none_or(|worker| worker == pid))
}

/// A worker that only the supervisor may reap, until this is ended or dropped. To be had before it is made.
pub(super) struct Unreaped(Option<u64>);

impl Unreaped {
    pub(super) fn expect(id: WorkerId) -> Self {
        let limit = id.locks_limit();
        if let Some(limit) = limit {
            workers().get_or_insert_default().insert(limit, None);
        }
        Self(limit)
    }

    /// Hands it on.
    pub(super) fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    pub(super) fn is(&mut self, pid: Pid) {
        if let Some(limit) = self.0 {
            workers().get_or_insert_default().insert(limit, Some(pid));
        }
    }

    pub(super) fn end(&mut self) {
        if let Some(limit) = self.0.take() {
            workers().get_or_insert_default().remove(&limit);
        }
    }
}

impl Drop for Unreaped {
    fn drop(&mut self) {
        self.end();
    }
}
