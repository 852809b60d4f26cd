//! The end of a foreign process.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Notes when a process is gone. The kernel wakes a thread for it, so that the host does not poll.
pub(crate) struct Departure(mpsc::Receiver<Instant>);

impl Departure {
    pub(crate) fn of(pid: i32) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        let (tell, told) = mpsc::channel();
        thread::spawn(move || watch(&process, &tell));
        Ok(Departure(told))
    }

    /// None if the process is still there.
    pub(crate) fn wait(&self, patience: Duration) -> Option<Instant> {
        self.0.recv_timeout(patience).ok()
    }
}

fn watch(process: &OwnedFd, tell: &mpsc::Sender<Instant>) {
    if poll(&mut [PollFd::new(process, PollFlags::IN)], None).is_ok() {
        // Nobody listens any more if the host has lost patience.
        let _ = tell.send(Instant::now());
    }
}
