use super::decode::Flaw;

/// What the decoder of WebP would find out too late: it takes memory for metadata as they say they are, and for a
/// lossy frame before it compares it with the canvas.
pub(super) fn flaw(bytes: &[u8], most_metadata: u64) -> Option<Flaw> {
    // Behind `RIFF`, a length and `WEBP`. What is not extended has no metadata and no canvas.
    let chunks = bytes.get(12..)?;
    let (kind, header, _) = next(chunks)?;
    let canvas = match *header {
        [_, _, _, _, w0, w1, w2, h0, h1, h2, ..] if kind == b"VP8X" => {
            [u32::from_le_bytes([w0, w1, w2, 0]) + 1, u32::from_le_bytes([h0, h1, h2, 0]) + 1]
        }
        _ => return None,
    };
    flaw_of(chunks, canvas, most_metadata)
}

fn flaw_of(mut chunks: &[u8], canvas: [u32; 2], most_metadata: u64) -> Option<Flaw> {
    while let Some((kind, data, length)) = next(chunks) {
        let flaw = match kind {
            b"EXIF" if length > data.len() => Some(Flaw::CutOff),
            b"EXIF" if length as u64 > most_metadata => Some(Flaw::Metadata),
            b"VP8 " => frame_is_larger(data, canvas).then_some(Flaw::FrameTooLarge),
            // Behind its place and its duration, a frame of an animation has chunks of its own.
            b"ANMF" => data.get(16..).and_then(|chunks| flaw_of(chunks, canvas, most_metadata)),
            _ => None,
        };
        if flaw.is_some() {
            return flaw;
        }
        // They stand at even places.
        chunks = chunks.get(8 + length + length % 2..)?;
    }
    None
}

/// The first chunk: its kind, what there is of its data, and how long it says that these are.
fn next(chunks: &[u8]) -> Option<(&[u8; 4], &[u8], usize)> {
    let (kind, rest) = chunks.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    Some((kind, &rest[..length.min(rest.len())], length))
}

/// The header of a lossy frame: three bytes, three that are always the same, width and height in 14 bits each.
fn frame_is_larger(frame: &[u8], canvas: [u32; 2]) -> bool {
    let [_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] = *frame else { return false };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    side(w0, w1) > canvas[0] || side(h0, h1) > canvas[1]
}
