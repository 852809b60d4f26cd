//! A worker and the group that it leads: ending them, and telling when nobody is left.
//!
//! A number belongs to a process until it is reaped, and that may be done by somebody else: by the kernel, if the host
//! ignores SIGCHLD, or by a host that waits for any child. So a number is used only right after the kernel has said that
//! its process is still our child. Since Linux 6.9 none is needed: the descriptor of the leader stands for its group.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal, test_kill_process_group};

use super::pidfd::{self, Standing};
use super::procfs::{self, Stat};

/// The first process of a worker, which leads the group. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Leader {
    pid: Pid,
    pidfd: Arc<OwnedFd>,
}

impl Leader {
    pub(super) fn new(pid: Pid, pidfd: OwnedFd) -> Self {
        Self { pid, pidfd: Arc::new(pidfd) }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    pub(super) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Ends the leader and every process of its group. That nobody is left is as good as a kill.
    ///
    /// # Errors
    /// The system refuses it, as it does to a host that has given up the rights that it had when it made the worker.
    pub(super) fn kill(&self) -> io::Result<()> {
        // Both: before the leader begins its session there is no group, and in one there may be others.
        let leader = gone_is_fine(pidfd_send_signal(&self.pidfd, Signal::KILL).map_err(io::Error::from));
        let group = self.kill_group();
        leader.and(group)
    }

    /// Ends every process of the group.
    ///
    /// # Errors
    /// As of [`kill`](Self::kill).
    pub(super) fn kill_group(&self) -> io::Result<()> {
        gone_is_fine(match pidfd::signal_group(&self.pidfd, libc::SIGKILL) {
            Err(error) if is_unknown(&error) => self.kill_group_by_number(),
            killed => killed,
        })
    }

    fn kill_group_by_number(&self) -> io::Result<()> {
        match pidfd::standing(&self.pidfd)? {
            Standing::Runs | Standing::Ended => {
                kill_process_group(self.pid, Signal::KILL).map_err(io::Error::from)
            }
            // Whose the number is now, nobody knows.
            Standing::Reaped => Ok(()),
        }
    }

    /// Whether no process of the group runs any more. A zombie counts as dead: it is somebody else's to reap. If the leader
    /// was reaped by somebody else, an old kernel cannot tell, and what is left is for the sweep.
    pub(super) fn group_is_empty(&self, was_reaped_by_us: bool) -> bool {
        let anybody = match pidfd::signal_group(&self.pidfd, 0) {
            Err(error) if is_unknown(&error) && was_reaped_by_us => {
                test_kill_process_group(self.pid).map_err(io::Error::from)
            }
            Err(error) if is_unknown(&error) => return true,
            result => result,
        };
        match anybody {
            Err(error) if is_gone(&error) => true,
            // Somebody is there, but perhaps only zombies. Members keep the number from being used again.
            // What cannot be seen is not proven.
            _ => !has_live_member(self.pid).unwrap_or(true),
        }
    }
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })
}

fn is_gone(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::SRCH)
}

/// Whether the kernel does not know what was asked for, being older.
fn is_unknown(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::INVAL)
}

fn has_live_member(leader: Pid) -> io::Result<bool> {
    for pid in procfs::pids()? {
        // A process that ends while we look is no member any more.
        let member = Stat::of(pid)?.filter(|stat| stat.group == leader.as_raw_pid());
        if let Some(stat) = member
            && (stat.runs() || !procfs::live_threads(pid)?.is_empty())
        {
            return Ok(true);
        }
    }
    Ok(false)
}
