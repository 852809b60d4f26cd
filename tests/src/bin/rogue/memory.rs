//! Shared memory and descriptors, as C would have them.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// The size of the segments that this worker makes.
pub(crate) const SIZE: usize = 1024 * 1024;

/// A segment that begins with these bytes.
pub(crate) fn segment(bytes: &[u8], sealed: bool) -> io::Result<OwnedFd> {
    // SAFETY: the calls get plain numbers, a text that ends, and bytes with their length.
    unsafe {
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        let memory = OwnedFd::from_raw_fd(checked(libc::memfd_create(c"rogue".as_ptr(), flags))?);
        let number = memory.as_raw_fd();
        checked(libc::fallocate(number, 0, 0, SIZE as i64))?;
        checked(libc::pwrite(number, bytes.as_ptr().cast(), bytes.len(), 0) as i32)?;
        if sealed {
            checked(libc::fcntl(number, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK | libc::F_SEAL_FUTURE_WRITE))?;
        }
        Ok(memory)
    }
}

/// Sends bytes, and with the first of them one descriptor so many times.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptor: &OwnedFd,
    times: usize,
) -> io::Result<()> {
    let numbers = vec![descriptor.as_raw_fd(); times];
    let len = times * size_of::<RawFd>();
    // SAFETY: all pointers are to what lives until the call has returned, with their lengths; the control buffer
    // is aligned, and as long as the macros of the C library say.
    let sent = unsafe {
        let mut control = vec![0_u64; (libc::CMSG_SPACE(len as u32) as usize).div_ceil(8)];
        let mut iov = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &mut iov;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(len as u32) as usize;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(len as u32) as usize;
        std::ptr::copy_nonoverlapping(numbers.as_ptr().cast(), libc::CMSG_DATA(header), len);
        checked(libc::sendmsg(socket.as_raw_fd(), &message, 0) as i32)?
    };
    if sent as usize == bytes.len() { Ok(()) } else { Err(io::Error::other("the socket is full")) }
}

fn checked(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
