use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::frame::peek_u32;
use crate::{FrameError, FromWorker, PROTOCOL_VERSION, frame};

/// The frame limit before the handshake, in bytes: a stranger gets no more memory than this.
pub const HELLO_MAX_BYTES: usize = 4096;

/// Where tag and version stand in the first frame of every version, behind the two lengths.
const TAG_AT: usize = 8;
const VERSION_AT: usize = 12;
/// A frame that announces less ends before its version: envelope length, tag and version are missing.
const SHORTEST: u32 = 12;

/// The bit of [`Hello::features`] for a worker that can share memory: it takes descriptors over its socket.
pub const FEATURE_SHARED_MEMORY: u32 = 1;
/// The bit for a worker that can use a ring beside the socket.
pub const FEATURE_RING: u32 = 2;

/// How a worker introduces itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The worker's [`PROTOCOL_VERSION`]. It stays in this place in every version.
    pub protocol: u32,
    /// Its process id.
    pub pid: u32,
    /// The token from its environment.
    pub token: [u8; 16],
    /// What it can do beyond what it must: the sum of `FEATURE_` bits. A host ignores bits that it does not know.
    pub features: u32,
}

/// A connection did not begin with a usable [`Hello`].
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum HelloError {
    /// The worker was built with another version of the protocol.
    #[error(
        "the worker speaks protocol version {theirs}, this host speaks {ours}: build both from the same \
         release of Ostler"
    )]
    WrongVersion {
        /// [`PROTOCOL_VERSION`].
        ours: u32,
        /// The worker's.
        theirs: u32,
    },
    /// The first frame is something else.
    #[error("the first bytes are not an Ostler Hello: this is not an Ostler worker")]
    NotHello,
    /// The first frame is broken.
    #[error("the first frame is broken: {0}")]
    Frame(FrameError),
}

/// Takes the first frame of a connection; `None` if more bytes are needed.
///
/// A foreign version is told before anything else, even before the limit: its first 16 bytes are enough.
///
/// # Errors
/// Any [`HelloError`].
pub fn decode_hello(buffer: &mut BytesMut, limit: usize) -> Result<Option<Hello>, HelloError> {
    // Length and tag are there before the version: a few bytes of something else need not wait for more.
    let too_short = peek_u32(buffer, 0).is_some_and(|size| size < SHORTEST);
    if too_short || peek_u32(buffer, TAG_AT).is_some_and(|tag| tag != 0) {
        return Err(HelloError::NotHello);
    }
    match peek_u32(buffer, VERSION_AT) {
        Some(theirs) if theirs != PROTOCOL_VERSION => {
            return Err(HelloError::WrongVersion { ours: PROTOCOL_VERSION, theirs });
        }
        Some(_) => {}
        None => return Ok(None),
    }
    match frame::decode::<FromWorker>(buffer, limit).map_err(HelloError::Frame)? {
        Some(FromWorker::Hello(hello)) => Ok(Some(hello)),
        Some(_) => Err(HelloError::NotHello),
        None => Ok(None),
    }
}
