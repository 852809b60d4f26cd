use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::{group, teardown};

/// Whom a kill reaches, from before a process is made until after it is reaped.
///
/// A kill takes this lock and not the supervisor's thread: that may be making another process, from a slow
/// disk perhaps. Under the lock there are only system calls that never wait.
#[derive(Debug, Default)]
pub(super) struct Life(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    condemned: bool,
    /// While its number cannot be anybody else's.
    leader: Option<Pid>,
    killed_at: Option<Instant>,
}

impl State {
    fn kill(&mut self) {
        self.condemned = true;
        if let Some(leader) = self.leader {
            if self.killed_at.is_none() {
                self.killed_at = Some(Instant::now());
                teardown::keep_away(leader);
            }
            group::kill(leader);
        }
    }
}

impl Life {
    pub(super) fn is_condemned(&self) -> bool {
        self.lock().condemned
    }

    /// Ends the process group, or sees to it that it ends as soon as it is made.
    pub(super) fn kill(&self) {
        self.lock().kill();
    }

    /// The process is made, and leads its group.
    pub(super) fn begin(&self, leader: Pid) {
        let mut state = self.lock();
        state.leader = Some(leader);
        if state.condemned {
            state.kill();
        }
    }

    /// Whether the leader has ended, reaped or not. Only of one that was made.
    pub(super) fn has_ended(&self) -> bool {
        let state = self.lock();
        let Some(leader) = state.leader else { return true };
        let looks = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(leader), looks) {
            Ok(ended) => ended.is_some(),
            // Somebody else has reaped it: the supervisor will find that as well.
            Err(Errno::CHILD) => true,
            // The other errors are of calls that are not like this one.
            Err(_) => false,
        }
    }

    /// Reaps, and from then on no kill uses the number. Says also when the process was killed.
    pub(super) fn end<T>(&self, reap: impl FnOnce() -> Option<T>) -> Option<(T, Option<Instant>)> {
        let mut state = self.lock();
        let reaped = reap()?;
        state.leader = None;
        Some((reaped, state.killed_at))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use rustix::thread::sched_getaffinity;

    use super::super::memory;
    use super::super::test_support::{holder, on_one_core, within};
    use super::*;

    #[test]
    fn a_large_process_is_killed_on_another_core_than_its_killers() {
        let mut child = holder(32 << 20);
        let pid = Pid::from_child(&child);
        within("it is large", || memory::held_by(pid).is_some_and(|bytes| bytes >= 32 << 20));
        let cores = sched_getaffinity(Some(pid)).unwrap();
        let life = Life::default();
        life.begin(pid);
        let this = on_one_core(|core| {
            life.kill();
            core
        });
        // It can be asked until it is reaped.
        let left = sched_getaffinity(Some(pid)).unwrap();
        child.wait().unwrap();
        assert!(
            cores.count() == 1 || !left.is_set(this),
            "it was killed on core {this}, and may end on {left:?}"
        );
    }
}
