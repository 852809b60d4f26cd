use std::fmt;

use bytes::Bytes;

/// Named bytes that travel beside a payload's body, never inside its encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The name by which the other side asks for it.
    pub name: String,
    /// Its media type, as in `image/png`; it is passed on and never checked.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be megabytes of somebody's picture: logs get the length.
        f.debug_struct("Attachment")
            .field("name", &self.name)
            .field("media_type", &self.media_type)
            .field("len", &self.bytes.len())
            .finish()
    }
}
