//! The hand that strikes workers from outside.

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use crate::book::Ledger;
use crate::figures::Figures;
use crate::outside::Process;

/// What is done to a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub(super) signal: Signal,
    /// To its whole group, and not to its process alone.
    pub(super) whole_group: bool,
}

/// Sends a worker a signal, if it is still there.
pub(crate) fn strike(ledger: &Ledger, pid: u32, phase: &str, strike: Strike) -> bool {
    let Some((process, number)) = worker(pid) else { return false };
    let Ok(pidfd) = pidfd_open(number, PidfdFlags::empty()) else { return false };
    // The descriptor is that of the process that was looked at, if it is still there.
    if !process.still_runs() {
        return false;
    }
    let Strike { signal, whole_group } = strike;
    let name = {
        let mut book = ledger.open();
        book.blows.add(pid, signal);
        let name = book.blows.of(pid).last().map_or("", |blow| blow.name());
        let whom = if whole_group { "the group of a worker that was" } else { "a worker that was" };
        Figures::count(&mut book.figures.blows, format!("{name} to {whom} {phase}"));
        name
    };
    debug_assert!(!name.is_empty());
    match whole_group {
        true => kill_process_group(number, signal).is_ok(),
        false => pidfd_send_signal(&pidfd, signal).is_ok(),
    }
}

/// Lets a worker that was stopped go on.
pub(crate) fn wake(pid: u32) {
    let pidfd = worker(pid).and_then(|(_, number)| pidfd_open(number, PidfdFlags::empty()).ok());
    if let Some(pidfd) = pidfd {
        // It may be gone by now.
        let _ = pidfd_send_signal(&pidfd, Signal::CONT);
    }
}

/// A child of ours of that number.
fn worker(pid: u32) -> Option<(Process, Pid)> {
    let process = Process::read(pid)?;
    let is_ours = process.parent == std::process::id() && !process.is_zombie();
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    is_ours.then_some((process, number))
}
