use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use super::Child;
use crate::Result;

/// L3: a payload copied through the socket, there and back.
pub(crate) struct SocketCopy {
    child: Child,
    back: Vec<u8>,
}

impl SocketCopy {
    pub(crate) fn spawn(size: usize) -> Result<Self> {
        Ok(Self { child: Child::spawn("socket-copy", &[&size.to_string()])?, back: vec![0; size] })
    }

    pub(crate) fn there_and_back(&mut self, payload: &[u8]) -> Result<&[u8]> {
        self.child.socket.write_all(payload)?;
        self.child.socket.read_exact(&mut self.back)?;
        Ok(&self.back)
    }
}

/// The child's part.
pub(super) fn answer(socket: &mut UnixStream, size: usize) -> io::Result<()> {
    let mut payload = vec![0; size];
    while socket.read_exact(&mut payload).is_ok() {
        socket.write_all(&payload)?;
    }
    Ok(())
}
