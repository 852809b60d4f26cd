use serde::{Deserialize, Serialize};

/// Where the bytes of one part of a payload are: of its body, or of an attachment.
///
/// A *segment* is memory that both sides have mapped. Its owner, who made it and writes it, has numbered it. All
/// numbers in here are the peer's until they are checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Place {
    /// In the frame, behind the envelope.
    Inline {
        /// How many bytes.
        len: u64,
    },
    /// In a segment of the sender's. From now on the receiver holds one reference to it, until it gives that back.
    Shared {
        /// The segment's number.
        segment: u64,
        /// Where in it the part begins.
        offset: u64,
        /// How many bytes.
        len: u64,
        /// For a segment that the receiver has not seen: its size. Its descriptor comes with the first byte of
        /// the frame; several come in the order of the parts.
        new: Option<u64>,
    },
    /// In a segment of the receiver's own: the sender has it from there. It still has to give its reference back.
    Returned {
        /// The segment's number.
        segment: u64,
        /// Where in it the part begins.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
}

impl Place {
    /// How many bytes the part has.
    pub const fn len(self) -> u64 {
        match self {
            Self::Inline { len } | Self::Shared { len, .. } | Self::Returned { len, .. } => len,
        }
    }

    /// Whether the part has no byte.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether the bytes are in the frame.
    pub const fn is_inline(self) -> bool {
        matches!(self, Self::Inline { .. })
    }
}

/// What one side has to tell the other about segments. It holds from the next frame on.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
pub struct SegmentNews {
    /// Segments of the receiver's to which the sender gives back one reference, as often as it gives one back.
    pub released: Vec<u64>,
    /// Segments of the receiver's that came and could not be taken over. Nothing more should be shared with the sender.
    pub lost: Vec<u64>,
    /// Segments of the sender's that will not be used any more.
    pub retired: Vec<u64>,
}

impl SegmentNews {
    /// Whether there is nothing to tell.
    pub const fn is_empty(&self) -> bool {
        self.released.is_empty() && self.lost.is_empty() && self.retired.is_empty()
    }
}
