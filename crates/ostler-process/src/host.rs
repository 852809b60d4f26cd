//! What the host process must be like, so that its workers can be ended and their ends be known.
#![expect(unsafe_code, reason = "the disposition of a signal is asked of the C library")]

use std::ptr;

use crate::HostError;

/// To be asked before each worker is made: a host may change while it runs.
///
/// # Errors
/// The kernel itself reaps what this process starts. How a worker ended would not be known, and its number could be a
/// stranger's when it is killed.
pub(super) fn check() -> Result<(), HostError> {
    // SAFETY: all zeroes are a valid value, that of the default. The call only fills it, and fails for no signal that exists.
    let action = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGCHLD, ptr::null(), &raw mut action);
        action
    };
    if action.sa_sigaction == libc::SIG_IGN || action.sa_flags & libc::SA_NOCLDWAIT != 0 {
        return Err(HostError::ChildrenNotReported);
    }
    Ok(())
}
