use std::sync::Weak;

use bytes::Bytes;

use crate::arena::Shared;
use crate::mapping::Reader;

/// Bytes in a segment of the peer's. The peer is told when nobody has them any more.
pub(crate) struct Lease {
    /// Goes first: when the peer hears of it, nobody reads here.
    reader: Option<Reader>,
    segment: u64,
    arena: Weak<Shared>,
}

impl Lease {
    pub(crate) fn new(reader: Reader, segment: u64, arena: Weak<Shared>) -> Self {
        Self { reader: Some(reader), segment, arena }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// The bytes in memory of this process alone, if there is enough of it. The lease ends.
    pub(crate) fn copy(self) -> Option<Bytes> {
        Some(self.reader.as_ref()?.copy()?.into())
    }
}

impl AsRef<[u8]> for Lease {
    fn as_ref(&self) -> &[u8] {
        self.reader.as_ref().map_or(&[], |reader| reader.as_ref())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.reader = None;
        // Without the arena the connection is gone, and there is nobody to tell.
        if let Some(arena) = self.arena.upgrade() {
            arena.give_back(self.segment);
        }
    }
}
