//! Frames as pure functions over a buffer.
//!
//! ```text
//! u32 LE  length of what follows          ◄─ this is what the limit is compared with
//! u32 LE  length of the envelope
//!         envelope: the message, then the header of its payload if it carries one
//!         payload:  the body, then the attachments, one behind the other
//! ```

use bytes::{Buf, BytesMut};

use crate::header::{PayloadHeader, PayloadHeaderRef};
use crate::{FrameError, Message, bin_codec};

/// The length field of a frame, and the length field of its envelope.
const LENGTH: usize = 4;

/// Appends one frame to the buffer. On an error the buffer is as it was.
///
/// # Errors
/// [`FrameError::TooLarge`] if the frame is over `limit`.
pub fn encode<M: Message>(message: &M, limit: usize, buffer: &mut BytesMut) -> Result<(), FrameError> {
    let start = buffer.len();
    let result = append(message, limit, buffer);
    if result.is_err() {
        buffer.truncate(start);
    }
    result
}

fn append<M: Message>(message: &M, limit: usize, buffer: &mut BytesMut) -> Result<(), FrameError> {
    let payload = message.payload();
    let payload_len = payload.map_or(0, |payload| payload.len());
    // Before the envelope is made, so that an oversized payload costs nothing.
    check_size(payload_len as u64, limit)?;

    let start = buffer.len();
    buffer.extend_from_slice(&[0; 2 * LENGTH]);
    let malformed = |reason| FrameError::Malformed { direction: M::NAME, reason };
    bin_codec::append(message, buffer).map_err(malformed)?;
    if let Some(payload) = payload {
        bin_codec::append(&PayloadHeaderRef::of(payload), buffer).map_err(malformed)?;
    }
    let envelope_len = buffer.len() - start - 2 * LENGTH;
    let size = check_size((LENGTH + envelope_len) as u64 + payload_len as u64, limit)?;
    // No envelope is longer than its frame, so this length fits as well.
    let envelope_len = envelope_len as u32;
    buffer[start..start + LENGTH].copy_from_slice(&size.to_le_bytes());
    buffer[start + LENGTH..start + 2 * LENGTH].copy_from_slice(&envelope_len.to_le_bytes());

    if let Some(payload) = payload {
        buffer.reserve(payload_len);
        buffer.extend_from_slice(payload.body());
        for attachment in payload.attachments() {
            buffer.extend_from_slice(&attachment.bytes);
        }
    }
    Ok(())
}

/// Takes one frame from the front of the buffer; `None` if more bytes are needed. Once the length is
/// known the buffer reserves what is missing, so that the rest can be read in one go.
///
/// Large parts of a payload share the buffer's memory; small ones are copied.
///
/// # Errors
/// Any [`FrameError`] but `Torn`. The connection is of no use then.
pub fn decode<M: Message>(buffer: &mut BytesMut, limit: usize) -> Result<Option<M>, FrameError> {
    let Some(size) = peek_u32(buffer, 0) else { return Ok(None) };
    check_size(u64::from(size), limit)?;
    let size = size as usize;
    if buffer.len() < LENGTH + size {
        buffer.reserve(LENGTH + size - buffer.len());
        return Ok(None);
    }
    buffer.advance(LENGTH);
    decode_whole(buffer.split_to(size)).map(Some)
}

/// Decodes what follows the length field of one frame.
fn decode_whole<M: Message>(mut frame: BytesMut) -> Result<M, FrameError> {
    let malformed = |reason: String| FrameError::Malformed { direction: M::NAME, reason };
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
    let announced = header.as_ref().map_or(0, PayloadHeader::total);
    if announced != frame.len() as u64 {
        return Err(FrameError::PayloadMismatch {
            direction: M::NAME,
            announced,
            actual: frame.len() as u64,
        });
    }
    if let (Some(header), Some(payload)) = (header, message.payload_mut()) {
        *payload = header.cut(frame);
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
