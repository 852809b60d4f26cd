//! The memory of a segment in this process, and who may look at it. All unsafe code of the crate is here.
//!
//! Within the process it is what `RwLock` would be: one [`Writer`], or any number of [`Reader`]s. That the peer does not
//! read what is being written is a matter of the protocol; that it does not write is one of seals.
#![expect(unsafe_code, reason = "memory is mapped, and handed out as slices")]

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// What is read at once.
const WORD: usize = size_of::<usize>();
/// What is copied in one round, in bytes: with words alone, 1 MiB takes 1.7 times as long.
const LINE: usize = 8 * WORD;
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

impl Reader {
    /// The bytes as they are now, in memory of this process alone; `None` if there is too little of it. Whoever writes
    /// there meanwhile, this is sound, and the copy does not change.
    pub(crate) fn copy(&self) -> Option<Vec<u8>> {
        let mut copy = Vec::<u8>::new();
        copy.try_reserve_exact(self.len).ok()?;
        let mut at = 0;
        // SAFETY: so many bytes from there on are mapped as long as the reader lives, and the copy has room for them.
        // What may change is only read by relaxed atomic loads of at most the size of a pointer, which are allowed on
        // memory that is mapped for reading only, and each of which is aligned: single bytes, and words from the first
        // address on that is a multiple of their size.
        unsafe {
            let (from, to) = (self.mapping.start.as_ptr().add(self.offset), copy.as_mut_ptr());
            let byte = |at: usize| to.add(at).write(AtomicU8::from_ptr(from.add(at)).load(Ordering::Relaxed));
            let words = from.align_offset(WORD).min(self.len);
            while at < words {
                byte(at);
                at += 1;
            }
            while at + LINE <= self.len {
                let word = |at: usize| AtomicUsize::from_ptr(from.add(at).cast()).load(Ordering::Relaxed);
                let line = std::array::from_fn(|index| word(at + index * WORD));
                to.add(at).cast::<[usize; LINE / WORD]>().write_unaligned(line);
                at += LINE;
            }
            while at < self.len {
                byte(at);
                at += 1;
            }
            copy.set_len(self.len);
        }
        Some(copy)
    }
}

impl AsRef<[u8]> for Reader {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the bounds were checked, and in this process there is no writer while there is a reader. A peer that
        // owns the segment does not write either: it keeps to the protocol. That was promised by `TrustedPeer`, or it is
        // the host that made this process; what comes from others is copied, and never seen by this.
        unsafe { std::slice::from_raw_parts(self.mapping.start.as_ptr().add(self.offset), self.len) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.mapping.users.fetch_sub(1, Ordering::AcqRel);
    }
}
