use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};

use interprocess::local_socket::Stream;
use nix::sys::socket::{MsgFlags, recv};

/// Where the host's commands come from.
pub(crate) trait Source: Send {
    /// Waits until something comes, and says how many bytes it was; none is the end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Takes what is there. [`WouldBlock`](io::ErrorKind::WouldBlock) says that nothing is, or that it cannot be told.
    fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

/// The socket of a worker process.
pub(crate) struct Socket(pub(crate) Stream);

impl Source for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Stream::UdSocket(socket) = &self.0;
        Ok(recv(socket.as_fd().as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)?)
    }
}

/// Any reader; whether something is there cannot be told without waiting.
pub(crate) struct Plain<R>(pub(crate) R);

impl<R: Read + Send> Source for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn read_now(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
