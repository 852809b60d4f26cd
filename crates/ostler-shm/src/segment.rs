//! How segments are made, and how one that comes is checked.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create,
};

use crate::mapping::Mapping;
use crate::without_sigxfsz;

/// In what a file counts its blocks, whatever its file system.
const BLOCK: u64 = 512;

/// Makes a segment of which all memory is there, which nobody can cut short, and which only this mapping can write.
pub(crate) fn make(size: usize) -> io::Result<(Mapping, OwnedFd)> {
    let descriptor = reserve(size)?;
    let mapping = Mapping::writable(descriptor.as_fd(), size)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
    fcntl_add_seals(&descriptor, seals)?;
    Ok((mapping, descriptor))
}

fn reserve(size: usize) -> io::Result<OwnedFd> {
    let descriptor = memfd_create("ostler", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    // Here and now: a page that is missing later would be a SIGBUS.
    without_sigxfsz(|| Ok(fallocate(&descriptor, FallocateFlags::empty(), 0, size as u64)?))?;
    Ok(descriptor)
}

/// Makes memory that nobody can cut short, and both sides write.
pub(crate) fn make_open(size: usize) -> io::Result<OwnedFd> {
    let descriptor = reserve(size)?;
    fcntl_add_seals(&descriptor, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(descriptor)
}

/// Whether it is that.
pub(crate) fn check_open(descriptor: &OwnedFd, size: usize) -> Result<(), String> {
    let seals = fcntl_get_seals(descriptor).map_err(|error| format!("it is no sealed memory: {error}"))?;
    let there = fstat(descriptor).map_err(|error| error.to_string())?.st_size;
    if !seals.contains(SealFlags::SHRINK) || usize::try_from(there).ok() != Some(size) {
        return Err(format!("{there} bytes with {seals:?} came instead of {size} that cannot shrink"));
    }
    Ok(())
}

/// Why a segment cannot be taken over.
pub(crate) enum Refusal {
    /// It is not what a peer may send.
    Fault(String),
    /// The system does not let us.
    Unavailable(String),
}

/// Maps a segment of a peer that may mean no good, for reading.
pub(crate) fn take_over(descriptor: OwnedFd, size: u64) -> Result<Mapping, Refusal> {
    let unavailable = |what: &str, error: io::Error| {
        Refusal::Unavailable(format!("{what} of {size} bytes that came: {error}"))
    };
    let fault = |why: String| Err(Refusal::Fault(why));
    let Ok(seals) = fcntl_get_seals(&descriptor) else {
        return fault("the descriptor that came is no memory that can be sealed".to_owned());
    };
    let stat = fstat(&descriptor).map_err(|error| unavailable("cannot look at memory", error.into()))?;
    let is_written_by_its_owner_alone = seals.intersects(SealFlags::FUTURE_WRITE | SealFlags::WRITE);
    if !seals.contains(SealFlags::SHRINK) || !is_written_by_its_owner_alone {
        return fault(format!("a segment is not sealed against shrinking and writing: {seals:?}"));
    }
    if u64::try_from(stat.st_size).ok() != Some(size) {
        return fault(format!("a segment has {} bytes and was announced with {size}", stat.st_size));
    }
    // And with that seal no hole can be made later.
    if u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK) < size {
        return fault(format!("of a segment of {size} bytes only {} blocks are there", stat.st_blocks));
    }
    let Ok(len) = usize::try_from(size) else { return fault(format!("a segment has {size} bytes")) };
    Mapping::readable(descriptor.as_fd(), len).map_err(|error| unavailable("cannot map memory", error))
}
