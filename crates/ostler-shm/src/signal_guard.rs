//! Writes that the kernel answers with a signal.
#![expect(unsafe_code, reason = "the mask of a thread's signals is set by system calls")]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Makes a file longer, or memory that is one: beyond the limit of the size of files (`ulimit -f`) this is an error, and
/// does not end the process. The kernel sends SIGXFSZ as well, to the thread that wrote; it is taken back here. All that
/// Ostler writes to files goes through this. (What goes to sockets asks for no signal by a flag of the call.)
///
/// # Errors
/// Those of `write`.
pub fn without_sigxfsz<T>(write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let guard = Guard::new()?;
    let written = write();
    drop(guard);
    written
}

/// Until it is dropped, this thread is not sent SIGXFSZ.
struct Guard {
    /// The mask to go back to.
    before: libc::sigset_t,
    signal: libc::sigset_t,
    /// One was there before, which is not ours to take.
    was_pending: bool,
}

impl Guard {
    fn new() -> io::Result<Self> {
        let (mut signal, mut before, mut pending) =
            (MaybeUninit::uninit(), MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: each set is written by the call that gets it, before it is read; all outlive the calls.
        unsafe {
            libc::sigemptyset(signal.as_mut_ptr());
            libc::sigaddset(signal.as_mut_ptr(), libc::SIGXFSZ);
            let signal = signal.assume_init();
            if libc::sigpending(pending.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            let was_pending = libc::sigismember(pending.as_ptr(), libc::SIGXFSZ) == 1;
            match libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signal, before.as_mut_ptr()) {
                0 => Ok(Self { before: before.assume_init(), signal, was_pending }),
                error => Err(io::Error::from_raw_os_error(error)),
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let no_time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the calls read sets that are whole, and write nothing.
        unsafe {
            if !self.was_pending {
                // That none is there is the usual answer. An interrupted call has not looked.
                while libc::sigtimedwait(&raw const self.signal, ptr::null_mut(), &raw const no_time) < 0
                    && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
                {}
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    /// In this test's process others may lower the limit: only signals are looked at.
    #[test]
    fn a_signal_of_the_write_is_taken_back_and_the_mask_too() {
        let is_blocked = || {
            let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
            // SAFETY: the call writes the set.
            unsafe {
                libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), mask.as_mut_ptr());
                libc::sigismember(mask.as_ptr(), libc::SIGXFSZ) == 1
            }
        };
        assert!(!is_blocked());
        let refused = without_sigxfsz(|| -> io::Result<()> {
            assert!(is_blocked());
            // SAFETY: the signal goes to this thread, as the kernel's would.
            unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGXFSZ) };
            Err(io::ErrorKind::FileTooLarge.into())
        });
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(!is_blocked(), "and this thread lives");
    }
}
