use super::decode::Flaw;

const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;
/// The segments that hold profiles, EXIF data and the like.
const APPLICATION: std::ops::RangeInclusive<u8> = 0xE0..=0xEF;

/// Whether a JPEG file has more metadata than so many bytes, which its decoder would copy, or ends before its end
/// marker: its decoder would fill up what is missing with grey.
pub(super) fn flaw(bytes: &[u8], most_metadata: u64) -> Option<Flaw> {
    let Some((scans, metadata)) = scans(bytes) else { return Some(Flaw::CutOff) };
    if metadata > most_metadata {
        return Some(Flaw::Metadata);
    }
    let ends = scans.windows(2).any(|pair| pair == [0xFF, END_OF_IMAGE]);
    (!ends).then_some(Flaw::CutOff)
}

/// What stands after the headers, which may hold a whole JPEG file themselves, and how many bytes of metadata stand
/// in them. In the scans, a byte 0xFF that is no marker is followed by a 0.
fn scans(bytes: &[u8]) -> Option<(&[u8], u64)> {
    let mut rest = bytes.get(2..)?;
    let mut metadata = 0;
    loop {
        match *rest {
            [0xFF, START_OF_SCAN, ..] => return Some((rest, metadata)),
            // A marker may be preceded by any number of these.
            [0xFF, 0xFF, ..] => rest = &rest[1..],
            [0xFF, marker, high, low, ..] => {
                let length = u16::from_be_bytes([high, low]);
                if APPLICATION.contains(&marker) {
                    metadata += u64::from(length);
                }
                rest = rest.get(2 + usize::from(length)..)?;
            }
            // No marker where one should be: let the decoder say what is wrong.
            [_, _, ..] => return Some((rest, metadata)),
            _ => return None,
        }
    }
}
