use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
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

/// The pause after a wait that the system refused.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until one has ended, and says which have.
fn wait_for_one(processes: &[&Pinned], longest: Duration) -> Vec<usize> {
    let mut fds: Vec<_> =
        processes.iter().map(|process| PollFd::new(&process.pidfd, PollFlags::IN)).collect();
    match poll(&mut fds, Timespec::try_from(longest).ok().as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        // There are more of them than this process may open files now, or there is no memory: a part at a time, and whoever
        // cannot be looked at even alone counts as alive.
        Err(_) => return wait_for_parts(processes, longest),
    }
    let ended = fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
    ended.map(|(index, _)| index).collect()
}

fn wait_for_parts(processes: &[&Pinned], longest: Duration) -> Vec<usize> {
    let half = processes.len() / 2;
    if half == 0 {
        std::thread::sleep(PAUSE.min(longest));
        return Vec::new();
    }
    let (first, second) = processes.split_at(half);
    let mut ended = wait_for_one(first, PAUSE.min(longest));
    ended.extend(wait_for_one(second, Duration::ZERO).into_iter().map(|index| index + half));
    ended
}
