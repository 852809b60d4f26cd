use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

/// So many are waited for with one call: fewer than most processes may have open, however low the limit has become.
const MOST_AT_ONCE: usize = 16;

/// A pause when nothing can be seen.
const BLIND: Duration = Duration::from_millis(1);

/// A process that is held on to, whoever's child it is: its number may become somebody else's, this cannot.
/// What was learnt of the number before may be of another; look again after.
pub(super) struct Pinned {
    pidfd: OwnedFd,
}

impl Pinned {
    /// `None` if nobody has the number any more.
    ///
    /// # Errors
    /// It cannot be held on to, for want of a descriptor perhaps.
    pub(super) fn open(pid: Pid) -> io::Result<Option<Self>> {
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Some(Self { pidfd })),
            // The second is told of a number that only a group or a session still has.
            Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills it, stopped or not. Says whether somebody was there, if only a zombie.
    ///
    /// # Errors
    /// It is not ours to kill.
    pub(super) fn kill(&self) -> io::Result<bool> {
        match pidfd_send_signal(&self.pidfd, Signal::KILL) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Collects what is left of it, if it is a child of ours that has ended. Says whether it was.
    pub(super) fn reap(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        loop {
            match waitid(WaitId::PidFd(self.pidfd.as_fd()), options) {
                Ok(ended) => return Ok(ended.is_some()),
                Err(Errno::CHILD) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        !wait_for_one(&[self], Duration::ZERO).is_empty()
    }

    /// Waits until all have ended, but not longer than that.
    pub(super) fn wait_for_all(processes: &[&Self], longest: Duration) {
        let deadline = Instant::now() + longest;
        let mut waiting = processes.to_vec();
        while !waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            // From the last, so that the others stay where they are.
            for index in wait_for_one(&waiting, left).into_iter().rev() {
                waiting.swap_remove(index);
            }
            if left.is_zero() {
                break;
            }
        }
    }
}

/// Waits until one has ended, and says which have.
fn wait_for_one(processes: &[&Pinned], longest: Duration) -> Vec<usize> {
    let deadline = Instant::now() + longest;
    let mut ended = Vec::new();
    // The kernel refuses to look at more than this process may have open now, though it has more. The others are looked
    // at without a wait.
    for (first, some) in processes.chunks(MOST_AT_ONCE).enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let waits = if ended.is_empty() { left } else { Duration::ZERO };
        let mut fds: Vec<_> = some.iter().map(|process| PollFd::new(&process.pidfd, PollFlags::IN)).collect();
        match poll(&mut fds, Timespec::try_from(waits).ok().as_ref()) {
            // An interrupted wait is a short one.
            Ok(_) | Err(Errno::INTR) => {}
            // Nothing was seen, so nobody is known to have ended. Who asks again at once asks in vain.
            Err(_) => std::thread::sleep(BLIND.min(left)),
        }
        let seen = fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
        ended.extend(seen.map(|(index, _)| first * MOST_AT_ONCE + index));
    }
    ended
}
