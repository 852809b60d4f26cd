//! As the first process of a container the command is left with the orphans of all others, and nobody else reaps them.

use nix::sys::prctl::get_child_subreaper;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;

/// Reaps orphans for ever, if this process is left with any. To be polled by the main thread.
pub(crate) async fn reap() -> Result<std::convert::Infallible, Failure> {
    // If it cannot be told, it is none: it has not asked for that itself.
    let is_reaper = std::process::id() == 1 || get_child_subreaper().unwrap_or(false);
    if !is_reaper {
        return std::future::pending().await;
    }
    let mut ended = signal(SignalKind::child())
        .map_err(|error| Failure::failed(format!("cannot listen for the end of orphans: {error}")))?;
    loop {
        // Orphans become children of the main thread, which makes none of its own: workers are children of another.
        let only_orphans = WaitPidFlag::WNOHANG | WaitPidFlag::__WNOTHREAD;
        while waitpid(None, Some(only_orphans)).is_ok_and(|status| status != WaitStatus::StillAlive) {}
        ended.recv().await;
    }
}
