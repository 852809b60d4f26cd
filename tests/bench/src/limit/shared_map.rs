//! Memory that two processes share.
#![expect(
    unsafe_code,
    reason = "memory is mapped by system calls, and copied by pointers: the other process writes too"
)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A file that exists in memory only.
pub(super) fn memory_file(size: usize) -> io::Result<OwnedFd> {
    let file = memfd_create("ostler-bench", MemfdFlags::CLOEXEC)?;
    ftruncate(&file, size as u64)?;
    Ok(file)
}

/// Such a file, mapped. There is no reference into it, so the other process may write when it likes.
pub(super) struct SharedMap {
    start: *mut u8,
    size: usize,
}

impl SharedMap {
    pub(super) fn of(file: BorrowedFd<'_>, size: usize) -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses the place, so nothing that exists is mapped over.
        let start = unsafe { mmap(ptr::null_mut(), size, access, MapFlags::SHARED, file, 0)? };
        Ok(Self { start: start.cast(), size })
    }

    pub(super) fn copy_in(&mut self, at: usize, bytes: &[u8]) {
        self.check(at, bytes.len());
        // SAFETY: the range lies within the mapping, and no slice of this process can overlap with it.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(at), bytes.len()) }
    }

    pub(super) fn copy_out(&self, at: usize, bytes: &mut [u8]) {
        self.check(at, bytes.len());
        // SAFETY: as above.
        unsafe { ptr::copy_nonoverlapping(self.start.add(at), bytes.as_mut_ptr(), bytes.len()) }
    }

    pub(super) fn copy_within(&mut self, from: usize, to: usize, size: usize) {
        self.check(from, size);
        self.check(to, size);
        // SAFETY: both ranges lie within the mapping; they may overlap.
        unsafe { ptr::copy(self.start.add(from), self.start.add(to), size) }
    }

    fn check(&self, at: usize, size: usize) {
        assert!(
            at.checked_add(size).is_some_and(|end| end <= self.size),
            "{size} bytes at {at} are not in the map"
        );
    }
}

impl Drop for SharedMap {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this size, and nothing refers to it any more.
        let _ = unsafe { munmap(self.start.cast(), self.size) };
    }
}
