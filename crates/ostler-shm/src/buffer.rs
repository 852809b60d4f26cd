use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;

use crate::mapping::Writer;

/// Memory in which a large part of a payload is written where it will be read, so that it is not copied to be sent.
///
/// Write it, [`freeze`](Self::freeze) it, and use the bytes as an attachment or as a raw body. If they are sent to
/// the process that the buffer is shared with, nothing is copied; if to another one, or if there was no shared memory to
/// be had, they are copied like all others. Whoever waits to use it takes memory from others: it counts as in use
/// until it and the bytes are gone.
pub struct SharedBuffer {
    memory: Memory,
    len: usize,
}

enum Memory {
    Shared(Writer),
    Private(Vec<u8>),
}

impl SharedBuffer {
    /// A buffer that is shared with nobody: what is sent of it is copied.
    pub fn private(len: usize) -> Self {
        Self { memory: Memory::Private(vec![0; len]), len }
    }

    pub(crate) fn shared(writer: Writer, len: usize) -> Self {
        Self { memory: Memory::Shared(writer), len }
    }

    /// Whether it is shared with a process.
    pub const fn is_shared(&self) -> bool {
        matches!(self.memory, Memory::Shared(_))
    }

    /// Shortens it. Longer than it is it does not get.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The bytes, which do not change any more.
    pub fn freeze(self) -> Bytes {
        match self.memory {
            Memory::Shared(writer) => Bytes::from_owner(writer.into_reader(self.len)),
            Memory::Private(mut bytes) => {
                bytes.truncate(self.len);
                bytes.into()
            }
        }
    }
}

impl Deref for SharedBuffer {
    type Target = [u8];

    /// What it holds at first may be left from an earlier payload to or from the same process.
    fn deref(&self) -> &[u8] {
        match &self.memory {
            Memory::Shared(writer) => writer.bytes(self.len),
            Memory::Private(bytes) => &bytes[..self.len],
        }
    }
}

impl DerefMut for SharedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Shared(writer) => writer.bytes_mut(self.len),
            Memory::Private(bytes) => &mut bytes[..self.len],
        }
    }
}

impl fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBuffer").field("len", &self.len).field("is_shared", &self.is_shared()).finish()
    }
}
