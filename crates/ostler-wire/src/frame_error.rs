use thiserror::Error;

/// A frame that breaks a rule. After one, nothing that comes on that connection can be trusted.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum FrameError {
    /// The frame is over the limit; nothing of it was allocated or sent.
    #[error("a frame of {size} bytes is over the limit of {limit}; raise max_frame_bytes, or send less")]
    TooLarge {
        /// The length that follows the length field.
        size: u64,
        /// The limit for it.
        limit: usize,
    },
    /// The stream ended within a frame.
    #[error("the stream ended within a frame: {have} of {need} bytes came")]
    Torn {
        /// What came, length field included.
        have: usize,
        /// What should have come.
        need: usize,
    },
    /// No message has that tag.
    #[error("{tag} is not the tag of a {direction} message")]
    UnknownTag {
        /// The tag.
        tag: u32,
        /// Which way the frame went.
        direction: &'static str,
    },
    /// The envelope is not what its tag says.
    #[error("a {direction} frame is malformed: {reason}")]
    Malformed {
        /// Which way the frame went.
        direction: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// The envelope goes on behind its message.
    #[error("{extra} bytes are left in the envelope of a {direction} frame")]
    Trailing {
        /// Which way the frame went.
        direction: &'static str,
        /// How many bytes are left over.
        extra: usize,
    },
    /// The envelope announces another number of payload bytes than there are.
    #[error("a {direction} frame announces {announced} bytes of payload and has {actual}")]
    PayloadMismatch {
        /// Which way the frame went.
        direction: &'static str,
        /// What the envelope says.
        announced: u64,
        /// What is there.
        actual: u64,
    },
    /// A part of the payload is said to lie in shared memory, and does not, or descriptors came that nobody asked for.
    #[error("a {direction} frame uses shared memory in a wrong way: {reason}")]
    Shared {
        /// Which way the frame went.
        direction: &'static str,
        /// What was wrong.
        reason: String,
    },
}
