//! What this process prints must be on its way when the job that printed it ends: the host cannot know of what waits
//! in a buffer here, and would hold it for the next job's.
#![expect(unsafe_code, reason = "plugins in C and C++ print through the C library")]

use std::io::Write;
use std::ptr;

unsafe extern "C" {
    static stdout: *mut libc::FILE;
}

/// Makes C's stdout write out every line, as Rust's does. Without that, it would keep some KiB back, since it is a pipe.
/// To be called before anybody prints.
pub(crate) fn write_lines_at_once() {
    // SAFETY: `stdout` is a stream for as long as the process lives, and nobody has used it yet.
    unsafe { libc::setvbuf(stdout, ptr::null_mut(), libc::_IOLBF, 0) };
}

/// Writes out the begin of a line.
pub(crate) fn flush() {
    // With stdout closed there is nobody to tell.
    let _ = std::io::stdout().flush();
    // SAFETY: `stdout` is a stream for as long as the process lives; the C library locks it.
    unsafe { libc::fflush(stdout) };
}
