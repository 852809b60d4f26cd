//! The memory of a segment in this process, and who may look at it. All unsafe code of the crate is here.
//!
//! Within the process it is what `RwLock` would be: one [`Writer`], or any number of [`Reader`]s. That the peer does not
//! read what is being written is a matter of the protocol; that it does not write is one of seals.
#![expect(unsafe_code, reason = "memory is mapped, and handed out as slices")]

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// The number of users while there is a writer.
const WRITER: usize = usize::MAX;

/// A whole segment. Unmapped when nobody has it any more.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    users: AtomicUsize,
}

// SAFETY: it is memory like other memory, and belongs to no thread. `users` keeps readers and a writer apart.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub(crate) fn writable(descriptor: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        Self::new(descriptor, len, ProtFlags::READ | ProtFlags::WRITE)
    }

    pub(crate) fn readable(descriptor: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        Self::new(descriptor, len, ProtFlags::READ)
    }

    fn new(descriptor: BorrowedFd<'_>, len: usize, access: ProtFlags) -> io::Result<Self> {
        // Its pages are there: entered all at once they cost a tenth of what they cost one by one.
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: the system chooses a place where nothing is.
        let start = unsafe { mmap(std::ptr::null_mut(), len, access, flags, descriptor, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, len, users: AtomicUsize::new(0) })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody in this process reads or writes it.
    pub(crate) fn is_unused(&self) -> bool {
        self.users.load(Ordering::Acquire) == 0
    }

    /// Where these bytes begin in the segment, if they are in it. As long as both live, an address says that for sure.
    pub(crate) fn offset_of(&self, bytes: &[u8]) -> Option<usize> {
        let offset = bytes.as_ptr().addr().checked_sub(self.start.as_ptr().addr())?;
        (offset.checked_add(bytes.len())? <= self.len).then_some(offset)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and readers and writers keep it alive.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

/// The only one who has the segment.
pub(crate) struct Writer {
    mapping: Arc<Mapping>,
    /// Those who are there when it is gone: none, or the reader that it became.
    users_after: usize,
}

impl Writer {
    /// None while there is a reader or another writer.
    pub(crate) fn claim(mapping: &Arc<Mapping>) -> Option<Self> {
        let free = mapping.users.compare_exchange(0, WRITER, Ordering::AcqRel, Ordering::Relaxed);
        free.ok().map(|_| Self { mapping: Arc::clone(mapping), users_after: 0 })
    }

    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        let len = len.min(self.mapping.len);
        // SAFETY: so many bytes are mapped, and only this writer has them.
        unsafe { std::slice::from_raw_parts(self.mapping.start.as_ptr(), len) }
    }

    pub(crate) fn bytes_mut(&mut self, len: usize) -> &mut [u8] {
        let len = len.min(self.mapping.len);
        // SAFETY: so many bytes are mapped, writable since only owners make writers, and only this one has them.
        unsafe { std::slice::from_raw_parts_mut(self.mapping.start.as_ptr(), len) }
    }

    /// Writes no more, and reads the first so many bytes.
    pub(crate) fn into_reader(mut self, len: usize) -> Reader {
        self.users_after = 1;
        Reader { mapping: Arc::clone(&self.mapping), offset: 0, len: len.min(self.mapping.len) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.mapping.users.store(self.users_after, Ordering::Release);
    }
}

/// One of those who read.
pub(crate) struct Reader {
    mapping: Arc<Mapping>,
    offset: usize,
    len: usize,
}

impl Reader {
    /// None if there is a writer, or so many bytes are not there.
    pub(crate) fn new(mapping: &Arc<Mapping>, offset: u64, len: u64) -> Option<Self> {
        let (offset, len) = (usize::try_from(offset).ok()?, usize::try_from(len).ok()?);
        if offset.checked_add(len)? > mapping.len {
            return None;
        }
        let more = |users| if users == WRITER { None } else { Some(users + 1) };
        mapping.users.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).ok()?;
        Some(Self { mapping: Arc::clone(mapping), offset, len })
    }
}

impl AsRef<[u8]> for Reader {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the bounds were checked, and in this process there is no writer while there is a reader. A peer that
        // owns the segment and keeps to the protocol does not write either; what one can do that does not is said in
        // the documentation of `Inflow::next`.
        unsafe { std::slice::from_raw_parts(self.mapping.start.as_ptr().add(self.offset), self.len) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.mapping.users.fetch_sub(1, Ordering::AcqRel);
    }
}
