#![expect(unsafe_code, reason = "how a signal is taken is set by a system call")]

use nix::sys::signal::{SigHandler, Signal, signal};

/// A result that is larger than files may be (`ulimit -f`) is to be an error that says so, and no end by SIGXFSZ.
pub(crate) fn make_limit_an_error() {
    // SAFETY: no handler is set, the signal is ignored. If that fails, it is as it was.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
}
