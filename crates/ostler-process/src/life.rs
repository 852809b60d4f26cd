use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::process::{Pid, getpid};

use super::clone_child::SharesMemory;
use super::group::Leader;
use super::pidfd::{self, Standing};
use super::teardown;

/// Whom a kill reaches, from before a process is made until after it is reaped.
///
/// A kill takes this lock and does not wait for the supervisor's thread. Under the lock there are only system calls that
/// never wait.
#[derive(Debug, Default)]
pub(super) struct Life(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    condemned: bool,
    /// Also after its end.
    made: Option<Pid>,
    /// Until it is reaped.
    living: Option<Living>,
    killed: Option<Killed>,
    refusal: Option<KillError>,
}

#[derive(Debug)]
struct Living {
    leader: Leader,
    shares_memory: Option<SharesMemory>,
    /// Who made it.
    host: Pid,
}

/// The first kill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Killed {
    pub(super) at: Instant,
    /// It had not executed its program, and its memory was the host's.
    pub(super) before_program: bool,
}

/// Why a worker could not be killed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KillError {
    /// The system's answer.
    #[error(
        "the system did not let this host kill it: {0}; a host that gives up its rights after the launch can no longer end \
         the workers that it made before: give them up first"
    )]
    Refused(String),
    /// Whoever asks has a copy of the memory of the host that made it.
    #[error("it belongs to process {0}, from which this one was forked, and is not this one's to kill")]
    NotOurs(i32),
    /// Why a maker of another kind could not.
    #[error("{0}")]
    Other(String),
}

impl State {
    fn kill(&mut self) -> Result<(), KillError> {
        self.condemned = true;
        let Some(Living { leader, shares_memory, host }) = &self.living else { return Ok(()) };
        if *host != getpid() {
            return Err(KillError::NotOurs(host.as_raw_pid()));
        }
        if self.killed.is_none() {
            let before_program = shares_memory.as_ref().is_some_and(SharesMemory::get);
            self.killed = Some(Killed { at: Instant::now(), before_program });
            // What it seems to hold before is the host's.
            if !before_program {
                teardown::keep_away(leader.pid());
            }
        }
        let killed = leader.kill().map_err(|error: io::Error| KillError::Refused(error.to_string()));
        self.refusal = killed.clone().err();
        killed
    }
}

impl Life {
    pub(super) fn is_condemned(&self) -> bool {
        self.lock().condemned
    }

    /// Ends the process group, or sees to it that it ends as soon as it is made.
    ///
    /// # Errors
    /// It goes on living.
    pub(super) fn kill(&self) -> Result<(), KillError> {
        self.lock().kill()
    }

    /// The number of the process, once it was made.
    pub(super) fn made(&self) -> Option<Pid> {
        self.lock().made
    }

    /// Why the last kill did not reach it, if it lives because of that.
    pub(super) fn refusal(&self) -> Option<KillError> {
        self.lock().refusal.clone()
    }

    /// The process is made, and leads its group or is about to.
    pub(super) fn begin(&self, leader: Leader, shares_memory: Option<SharesMemory>) {
        let mut state = self.lock();
        state.made = Some(leader.pid());
        state.living = Some(Living { leader, shares_memory, host: getpid() });
        if state.condemned {
            // Kept for whoever asks.
            let _ = state.kill();
        }
    }

    /// Whether the leader has ended, reaped or not. Only of one that was made.
    pub(super) fn has_ended(&self) -> bool {
        let state = self.lock();
        let Some(living) = &state.living else { return true };
        match pidfd::standing(living.leader.pidfd()) {
            // Somebody else may have reaped it: the supervisor will find that as well.
            Ok(Standing::Ended | Standing::Reaped) => true,
            // What cannot be looked at is not proven.
            Ok(Standing::Runs) | Err(_) => false,
        }
    }

    /// Reaps, and from then on there is nobody to be killed. Says also how the process was killed.
    pub(super) fn end<T>(&self, reap: impl FnOnce() -> Option<T>) -> Option<(T, Option<Killed>)> {
        let mut state = self.lock();
        let reaped = reap()?;
        state.living = None;
        state.refusal = None;
        Some((reaped, state.killed))
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
    use super::super::test_support::{holder, leader, on_one_core, within};
    use super::*;

    #[test]
    fn a_large_process_is_killed_on_another_core_than_its_killers() {
        let mut child = holder(32 << 20);
        let pid = Pid::from_child(&child);
        within("it is large", || memory::held_by(pid).is_some_and(|bytes| bytes >= 32 << 20));
        let cores = sched_getaffinity(Some(pid)).unwrap();
        let life = Life::default();
        life.begin(leader(pid), None);
        let this = on_one_core(|core| {
            life.kill().unwrap();
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
