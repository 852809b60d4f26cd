use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use ostler_shm::{Descriptors, socket};

/// Where the host's commands come from.
pub(crate) trait Source: Send {
    /// Whether descriptors come with the bytes.
    fn brings_descriptors(&self) -> bool;

    /// Waits until something comes, and says how many bytes it was; none is the end.
    fn read(&mut self, buffer: &mut [u8], descriptors: &mut Descriptors) -> io::Result<usize>;

    /// Takes what is there. [`WouldBlock`](io::ErrorKind::WouldBlock) says that nothing is, or that it cannot be told.
    fn read_now(&mut self, buffer: &mut [u8], descriptors: &mut Descriptors) -> io::Result<usize>;
}

/// The socket of a worker process.
pub(crate) struct SocketSource(pub(crate) OwnedFd);

impl Source for SocketSource {
    fn brings_descriptors(&self) -> bool {
        true
    }

    fn read(&mut self, buffer: &mut [u8], descriptors: &mut Descriptors) -> io::Result<usize> {
        socket::receive(self.0.as_fd(), buffer, descriptors)
    }

    fn read_now(&mut self, buffer: &mut [u8], descriptors: &mut Descriptors) -> io::Result<usize> {
        socket::receive_now(self.0.as_fd(), buffer, descriptors)
    }
}

/// Any reader; whether something is there cannot be told without waiting.
pub(crate) struct PlainSource<R>(pub(crate) R);

impl<R: Read + Send> Source for PlainSource<R> {
    fn brings_descriptors(&self) -> bool {
        false
    }

    fn read(&mut self, buffer: &mut [u8], _: &mut Descriptors) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn read_now(&mut self, _: &mut [u8], _: &mut Descriptors) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
