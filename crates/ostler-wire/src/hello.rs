use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::frame::peek_u32;
use crate::{FrameError, FromWorker, PROTOCOL, ProtocolRange, frame};

/// The frame limit before the handshake, in bytes: a stranger gets no more memory than this.
pub const HELLO_MAX_BYTES: usize = 4096;

/// Where tag and versions stand in the first frame, behind the two lengths.
const TAG_AT: usize = 8;
const HIGHEST_AT: usize = 12;
const LOWEST_AT: usize = 16;
/// A frame that announces less ends before its version: envelope length, tag and version are missing.
const SHORTEST: u32 = 12;
/// The same for its second version.
const SHORTEST_WITH_RANGE: u32 = 16;

/// The bit of [`Hello::features`] for a worker that can share memory: it takes descriptors over its socket.
pub const FEATURE_SHARED_MEMORY: u32 = 1;
/// The bit for a worker that can use a ring beside the socket.
pub const FEATURE_RING: u32 = 2;

/// How a worker introduces itself: as here in every version from 4 on. What comes later has a bit of `features`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The versions that the worker speaks.
    pub protocol: ProtocolRange,
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
    /// There is no version of the protocol that both speak.
    #[error(
        "the worker speaks {theirs} of the protocol, this host {ours}: build both from releases of Ostler that have \
         one in common"
    )]
    NoCommonVersion {
        /// The host's: [`PROTOCOL`].
        ours: ProtocolRange,
        /// The worker's.
        theirs: ProtocolRange,
    },
    /// The first frame is something else.
    #[error("the first bytes are not an Ostler Hello: this is not an Ostler worker")]
    NotHello,
    /// The first frame is broken.
    #[error("the first frame is broken: {0}")]
    Frame(FrameError),
}

/// Takes the first frame of a connection, and says which version both speak from then on; `None` if more bytes are needed.
///
/// A worker of foreign versions is told before anything else, even before the limit: its first 20 bytes are enough, or 16
/// if it is older than version 4.
///
/// # Errors
/// Any [`HelloError`].
pub fn decode_hello(buffer: &mut BytesMut, limit: usize) -> Result<Option<(Hello, u32)>, HelloError> {
    // Length and tag are there before the version: a few bytes of something else need not wait for more.
    let too_short = peek_u32(buffer, 0).is_some_and(|size| size < SHORTEST);
    if too_short || peek_u32(buffer, TAG_AT).is_some_and(|tag| tag != 0) {
        return Err(HelloError::NotHello);
    }
    let highest = peek_u32(buffer, HIGHEST_AT);
    let ends_too_soon = |highest: &u32| {
        ProtocolRange::has_lowest(*highest)
            && peek_u32(buffer, 0).is_some_and(|size| size < SHORTEST_WITH_RANGE)
    };
    if highest.as_ref().is_some_and(ends_too_soon) {
        return Err(HelloError::NotHello);
    }
    let said = highest.and_then(|highest| ProtocolRange::said(highest, peek_u32(buffer, LOWEST_AT)));
    let Some(theirs) = said else { return Ok(None) };
    let Some(version) = PROTOCOL.common(theirs) else {
        return Err(HelloError::NoCommonVersion { ours: PROTOCOL, theirs });
    };
    match frame::decode::<FromWorker>(buffer, limit).map_err(HelloError::Frame)? {
        Some(FromWorker::Hello(hello)) => Ok(Some((hello, version))),
        Some(_) => Err(HelloError::NotHello),
        None => Ok(None),
    }
}
