use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process that is held on to, whoever's child it is: its number may become somebody else's, this cannot.
/// What was learnt of the number before may be of another; look again after.
pub(super) struct Pinned {
    pidfd: OwnedFd,
}

impl Pinned {
    /// `None` if nobody has the number any more.
    pub(super) fn open(pid: Pid) -> Option<Self> {
        Some(Self { pidfd: pidfd_open(pid, PidfdFlags::empty()).ok()? })
    }

    /// Says whether somebody was there to be killed, stopped or not.
    pub(super) fn kill(&self) -> bool {
        pidfd_send_signal(&self.pidfd, Signal::KILL).is_ok()
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
    let mut fds: Vec<_> =
        processes.iter().map(|process| PollFd::new(&process.pidfd, PollFlags::IN)).collect();
    // An interrupted wait is a short one.
    let _ = poll(&mut fds, Timespec::try_from(longest).ok().as_ref());
    let ended = fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
    ended.map(|(index, _)| index).collect()
}
