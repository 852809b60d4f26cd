//! Memory of which both sides write their parts, at the same time, word by word.
#![expect(unsafe_code, reason = "memory is mapped, and handed out as a slice")]

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// What a word takes, in bytes.
pub(crate) const WORD: usize = size_of::<AtomicU64>();

/// A mapping as atomic words: whatever a peer does to them meanwhile, to read one is sound.
pub(crate) struct Words {
    start: NonNull<AtomicU64>,
    count: usize,
}

// SAFETY: it is memory like other memory, belongs to no thread, and is only reached by atomic operations.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    /// Maps so many words of memory that cannot be cut short.
    pub(crate) fn map(descriptor: BorrowedFd<'_>, count: usize) -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: the system chooses a place where nothing is.
        let start = unsafe { mmap(std::ptr::null_mut(), count * WORD, access, flags, descriptor, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, count })
    }

    pub(crate) fn all(&self) -> &[AtomicU64] {
        // SAFETY: so many words are mapped for as long as this lives, at the begin of a page, and any bytes are one.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and nobody borrows of it any more.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.count * WORD) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}
