const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;

/// Whether a JPEG file ends before its end marker. Its decoder would fill up what is missing with grey.
pub(super) fn is_truncated(bytes: &[u8]) -> bool {
    scans(bytes).is_none_or(|scans| !scans.windows(2).any(|pair| pair == [0xFF, END_OF_IMAGE]))
}

/// What stands after the headers, which may hold a whole JPEG file themselves. In the scans, a byte 0xFF
/// that is no marker is followed by a 0.
fn scans(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(2..)?;
    loop {
        match *rest {
            [0xFF, START_OF_SCAN, ..] => return Some(rest),
            // A marker may be preceded by any number of these.
            [0xFF, 0xFF, ..] => rest = &rest[1..],
            [0xFF, _, high, low, ..] => {
                rest = rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..)?;
            }
            // No marker where one should be: let the decoder say what is wrong.
            [_, _, ..] => return Some(rest),
            _ => return None,
        }
    }
}
