//! Bytes and descriptors over a Unix stream socket, one system call at a time.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use crate::{Descriptors, MAX_DESCRIPTORS};

/// Room for the descriptors of one message.
const CONTROL_BYTES: usize = rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS));

/// Sends some of the bytes, and with the first of them all of the descriptors, which are closed here then. Returns
/// how many bytes went. Whoever has bytes with other descriptors behind these must send them with another call.
///
/// # Errors
/// Those of `sendmsg`. Nothing was sent, and the descriptors are still there.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let iov = [IoSlice::new(bytes)];
    let flags = SendFlags::NOSIGNAL;
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&borrowed));
    }
    let sent = match sendmsg(socket, &iov, &mut control, flags) {
        // Too many are on their way somewhere: the peer will find that these are missing, and say so.
        Err(Errno::TOOMANYREFS) => sendmsg(socket, &iov, &mut SendAncillaryBuffer::default(), flags)?,
        other => other?,
    };
    if sent > 0 {
        descriptors.clear();
    }
    Ok(sent)
}

/// Receives some bytes, 0 at the end, and the descriptors that came with them. Waits if the socket does.
///
/// If this process can have no more descriptors, the bytes come without them: the kernel has closed them.
///
/// # Errors
/// Those of `recvmsg`.
pub fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8], descriptors: &mut Descriptors) -> io::Result<usize> {
    receive_with(socket, bytes, descriptors, RecvFlags::CMSG_CLOEXEC)
}

/// Like [`receive`], and never waits.
///
/// # Errors
/// Those of `recvmsg`; [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing is there.
pub fn receive_now(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    descriptors: &mut Descriptors,
) -> io::Result<usize> {
    receive_with(socket, bytes, descriptors, RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT)
}

fn receive_with(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    descriptors: &mut Descriptors,
    flags: RecvFlags,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, flags)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(came) = message {
            came.for_each(|descriptor| descriptors.push(descriptor));
        }
    }
    Ok(received.bytes)
}
