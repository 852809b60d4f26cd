//! A plugin may fork. Only the process that said hello is the worker: its child must not go on as a second one, which
//! would read from the same socket.
#![expect(unsafe_code, reason = "memory that the kernel empties in a forked child")]

use std::io;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// A byte that is 1 in the process that made it, and 0 in every process that was forked from it: to look costs no system
/// call, and also a fork that goes past the C library is noticed.
struct Mark(NonNull<AtomicU8>);

// SAFETY: it points to an atomic that is never unmapped.
unsafe impl Send for Mark {}
// SAFETY: as above.
unsafe impl Sync for Mark {}

static MARK: OnceLock<Mark> = OnceLock::new();

/// Notes that this process is the worker. Only the first call counts.
///
/// # Errors
/// The system has no such memory.
pub(crate) fn note_process() -> io::Result<()> {
    if MARK.get().is_none() {
        let mark = make()?;
        // Another one may have been first, and then says the same.
        let _ = MARK.set(mark);
    }
    Ok(())
}

fn make() -> io::Result<Mark> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, which nobody else knows.
    let page = unsafe { libc::mmap(ptr::null_mut(), size_of::<AtomicU8>(), protection, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping was just made, and the kernel rounds its length up to a page.
    if unsafe { libc::madvise(page, size_of::<AtomicU8>(), libc::MADV_WIPEONFORK) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // A mapping that did not fail is not null.
    let page = NonNull::new(page.cast::<AtomicU8>()).ok_or_else(io::Error::last_os_error)?;
    let mark = Mark(page);
    mark.byte().store(1, Ordering::Relaxed);
    Ok(mark)
}

impl Mark {
    fn byte(&self) -> &AtomicU8 {
        // SAFETY: it is mapped, zeroed at first and aligned, and stays as long as the process lives.
        unsafe { self.0.as_ref() }
    }
}

/// Ends this process if it was forked from the worker; see the module. Nothing of the worker's is tidied up in it: all
/// that is the worker's.
pub(crate) fn end_unless_worker() {
    if MARK.get().is_some_and(|mark| mark.byte().load(Ordering::Relaxed) == 0) {
        const WORDS: &[u8] =
            b"ostler worker: a plugin forked, and came back in the child too: only its parent goes on\n";
        // SAFETY: the words are there; neither call touches what the fork may have left in between.
        unsafe {
            libc::write(libc::STDERR_FILENO, WORDS.as_ptr().cast(), WORDS.len());
            libc::_exit(1);
        }
    }
}
