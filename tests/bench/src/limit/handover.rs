use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::Child;
use super::descriptor::{receive, send};
use super::shared_map::{SharedMap, memory_file};
use crate::Result;

/// L3: a payload that lies in memory already; only its descriptor changes hands, there and back.
pub(crate) struct Handover {
    child: Child,
    file: OwnedFd,
}

impl Handover {
    pub(crate) fn spawn(size: usize) -> Result<Self> {
        let file = memory_file(size)?;
        SharedMap::of(file.as_fd(), size)?.copy_in(0, &vec![1; size]);
        Ok(Self { child: Child::spawn("handover", &[])?, file })
    }

    pub(crate) fn there_and_back(&mut self) -> Result<()> {
        send(&self.child.socket, self.file.as_fd())?;
        // What comes back is a descriptor of its own; the first goes.
        self.file = receive(&self.child.socket)?;
        Ok(())
    }
}

/// The child's part.
pub(super) fn answer(socket: &UnixStream) -> io::Result<()> {
    while let Ok(file) = receive(socket) {
        send(socket, file.as_fd())?;
    }
    Ok(())
}
