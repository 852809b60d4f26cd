//! Errors of a host that has run out of something.

use std::io;

/// Whether the same may succeed later, as it was us who had not enough of something.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS | libc::EINTR | libc::ENOLCK)
    )
}
