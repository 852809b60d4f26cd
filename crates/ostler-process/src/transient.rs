//! Errors that may be gone when the same is tried again.

use std::io;

/// Whether the host had not enough of something, or was interrupted.
pub(super) fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS | libc::EINTR | libc::ENOLCK)
    )
}
