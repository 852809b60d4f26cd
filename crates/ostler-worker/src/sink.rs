use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use ostler_shm::socket;

/// Where the worker's answers go.
pub(crate) trait Sink: Send {
    /// Writes some of the bytes, and the descriptors with the first of them. Says how many it were.
    fn write(&mut self, bytes: &[u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize>;
}

/// The socket of a worker process.
pub(crate) struct SocketSink(pub(crate) OwnedFd);

impl Sink for SocketSink {
    fn write(&mut self, bytes: &[u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
        socket::send(self.0.as_fd(), bytes, descriptors)
    }
}

/// Any writer. It takes no descriptors, so nothing is shared over it.
pub(crate) struct PlainSink<W>(pub(crate) W);

impl<W: Write + Send> Sink for PlainSink<W> {
    fn write(&mut self, bytes: &[u8], _: &mut Vec<OwnedFd>) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.0.flush()?;
        Ok(bytes.len())
    }
}
