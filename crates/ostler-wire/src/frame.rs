//! Frames as pure functions over a buffer.
//!
//! ```text
//! u32 LE  length of what follows          ◄─ this is what the limit is compared with
//! u32 LE  length of the envelope
//!         envelope: the message, then the header of its payload if it carries one
//!         payload:  the body, then the attachments, one behind the other, but for what lies in shared memory
//! ```

use bytes::{Buf, Bytes, BytesMut};

use crate::header::{PayloadHeader, PayloadHeaderRef};
use crate::{FrameError, Message, Payload, Place, bin_codec};

/// The length field of a frame, and the length field of its envelope.
const LENGTH: usize = 4;

/// Appends one frame to the buffer, with the whole payload in it. On an error the buffer is as it was.
///
/// # Errors
/// [`FrameError::TooLarge`] if the frame is over `limit`.
pub fn encode<M: Message>(message: &M, limit: usize, buffer: &mut BytesMut) -> Result<(), FrameError> {
    encode_placed(message, &[], limit, buffer)
}

/// Like [`encode`], for a payload of which parts lie in shared memory: `places` says of the body and of each
/// attachment, in order, where it is. Parts beyond its end are in the frame. Of a part that lies elsewhere the message
/// need not hold the bytes. What is shared counts to the limit like what is in the frame.
///
/// # Errors
/// [`FrameError::TooLarge`] if frame and shared parts together are over `limit`.
pub fn encode_placed<M: Message>(
    message: &M,
    places: &[Place],
    limit: usize,
    buffer: &mut BytesMut,
) -> Result<(), FrameError> {
    let start = buffer.len();
    let result = append(message, places, limit, buffer);
    if result.is_err() {
        buffer.truncate(start);
    }
    result
}

fn append<M: Message>(
    message: &M,
    places: &[Place],
    limit: usize,
    buffer: &mut BytesMut,
) -> Result<(), FrameError> {
    let payload = message.payload();
    let (mut inline, mut shared) = (0, 0_u64);
    for (place, part) in payload.into_iter().flat_map(|payload| places_of(payload, places)) {
        if place.is_inline() {
            inline += part.len();
        } else {
            shared = place.len().saturating_add(shared);
        }
    }
    // Before the envelope is made, so that an oversized payload costs nothing.
    check_size(shared.saturating_add(inline as u64), limit)?;

    let start = buffer.len();
    buffer.extend_from_slice(&[0; 2 * LENGTH]);
    let malformed = |reason| FrameError::Malformed { direction: M::NAME, reason };
    bin_codec::append(message, buffer).map_err(malformed)?;
    if let Some(payload) = payload {
        bin_codec::append(&PayloadHeaderRef::of(payload, places), buffer).map_err(malformed)?;
    }
    let envelope_len = buffer.len() - start - 2 * LENGTH;
    let size = (LENGTH + envelope_len + inline) as u64;
    check_size(shared.saturating_add(size), limit)?;
    // Neither is longer than what was checked.
    let (size, envelope_len) = (size as u32, envelope_len as u32);
    buffer[start..start + LENGTH].copy_from_slice(&size.to_le_bytes());
    buffer[start + LENGTH..start + 2 * LENGTH].copy_from_slice(&envelope_len.to_le_bytes());

    buffer.reserve(inline);
    for (place, part) in payload.into_iter().flat_map(|payload| places_of(payload, places)) {
        if place.is_inline() {
            buffer.extend_from_slice(part);
        }
    }
    Ok(())
}

/// The parts of a payload, and where they are.
fn places_of<'a>(payload: &'a Payload, places: &'a [Place]) -> impl Iterator<Item = (Place, &'a Bytes)> {
    let places = places.iter().copied().map(Some).chain(std::iter::repeat(None));
    let parts = std::iter::once(payload.body()).chain(payload.attachments().iter().map(|part| &part.bytes));
    places.zip(parts).map(|(place, part)| (place.unwrap_or(Place::Inline { len: part.len() as u64 }), part))
}

/// Takes one frame from the front of the buffer; `None` if more bytes are needed. Once the length is
/// known the buffer reserves what is missing, so that the rest can be read in one go. Nothing may be shared.
///
/// Large parts of a payload share the buffer's memory; small ones are copied.
///
/// # Errors
/// Any [`FrameError`] but `Torn`. The connection is of no use then.
pub fn decode<M: Message>(buffer: &mut BytesMut, limit: usize) -> Result<Option<M>, FrameError> {
    decode_shared(buffer, limit, |_| Err("sharing memory was not agreed on".to_owned()))
}

/// Like [`decode`], for a connection that shares memory: `shared` finds the parts that are not in the frame, in
/// their order, or says what is wrong with a place.
///
/// # Errors
/// Any [`FrameError`] but `Torn`. The connection is of no use then.
pub fn decode_shared<M: Message>(
    buffer: &mut BytesMut,
    limit: usize,
    shared: impl FnMut(Place) -> Result<Bytes, String>,
) -> Result<Option<M>, FrameError> {
    let Some(size) = peek_u32(buffer, 0) else { return Ok(None) };
    check_size(u64::from(size), limit)?;
    let size = size as usize;
    if buffer.len() < LENGTH + size {
        buffer.reserve(LENGTH + size - buffer.len());
        return Ok(None);
    }
    buffer.advance(LENGTH);
    decode_whole(buffer.split_to(size), limit, shared).map(Some)
}

/// Decodes what follows the length field of one frame.
fn decode_whole<M: Message>(
    mut frame: BytesMut,
    limit: usize,
    shared: impl FnMut(Place) -> Result<Bytes, String>,
) -> Result<M, FrameError> {
    let malformed = |reason: String| FrameError::Malformed { direction: M::NAME, reason };
    let size = frame.len() as u64;
    let envelope_len = peek_u32(&frame, 0)
        .ok_or_else(|| malformed("it has no room for the envelope's length".to_owned()))?;
    frame.advance(LENGTH);
    if frame.len() < envelope_len as usize {
        return Err(malformed(format!("an envelope of {envelope_len} bytes in {}", frame.len())));
    }
    let envelope = frame.split_to(envelope_len as usize);
    let tag = peek_u32(&envelope, 0).ok_or_else(|| malformed("its envelope has no tag".to_owned()))?;
    if tag >= M::TAGS {
        return Err(FrameError::UnknownTag { tag, direction: M::NAME });
    }

    let (mut message, mut used) = bin_codec::read::<M>(&envelope).map_err(malformed)?;
    let header = match message.payload_mut() {
        Some(_) => {
            let (header, more) = bin_codec::read::<PayloadHeader>(&envelope[used..]).map_err(malformed)?;
            used += more;
            Some(header)
        }
        None => None,
    };
    if used != envelope.len() {
        return Err(FrameError::Trailing { direction: M::NAME, extra: envelope.len() - used });
    }
    let announced = header.as_ref().map_or(0, PayloadHeader::inline);
    if announced != frame.len() as u64 {
        return Err(FrameError::PayloadMismatch {
            direction: M::NAME,
            announced,
            actual: frame.len() as u64,
        });
    }
    let Some(header) = header else { return Ok(message) };
    check_size(size.saturating_add(header.shared()), limit)?;
    let wrong = |reason: String| FrameError::Shared { direction: M::NAME, reason };
    if header.has_shared() && !message.may_share() {
        return Err(wrong("a chunk must be in its frame".to_owned()));
    }
    if let Some(payload) = message.payload_mut() {
        *payload = header.cut(frame, shared).map_err(wrong)?;
    }
    Ok(message)
}

/// Says whether a stream may end here: only between two frames.
///
/// # Errors
/// [`FrameError::Torn`] if bytes are left in the buffer.
pub fn finish(buffer: &BytesMut) -> Result<(), FrameError> {
    if buffer.is_empty() {
        return Ok(());
    }
    let size = peek_u32(buffer, 0).map_or(0, |size| size as usize);
    Err(FrameError::Torn { have: buffer.len(), need: LENGTH + size })
}

fn check_size(size: u64, limit: usize) -> Result<u32, FrameError> {
    match u32::try_from(size) {
        Ok(fits) if size <= limit as u64 => Ok(fits),
        _ => Err(FrameError::TooLarge { size, limit: limit.min(u32::MAX as usize) }),
    }
}

/// The little-endian number at an offset, if all of its bytes are there.
pub(crate) fn peek_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<LENGTH>()?;
    Some(u32::from_le_bytes(*bytes))
}
