use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// A picture of that size: red grows to the right, green downwards.
pub fn gradient(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| {
        let share = |at: u32, whole: u32| u8::try_from(at * 255 / whole.max(2)).unwrap();
        Rgb([share(x, width), share(y, height), 64])
    })
    .into()
}

pub fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// All formats, with their names.
pub const FORMATS: [(ImageFormat, &str); 4] = [
    (ImageFormat::Png, "png"),
    (ImageFormat::Jpeg, "jpeg"),
    (ImageFormat::Gif, "gif"),
    (ImageFormat::WebP, "webp"),
];

/// A small file of that format that announces a huge image.
pub fn bomb(format: ImageFormat, width: u16, height: u16) -> Vec<u8> {
    let mut bytes = encoded(&gradient(8, 8), format);
    match format {
        ImageFormat::Png => {
            bytes[16..20].copy_from_slice(&u32::from(width).to_be_bytes());
            bytes[20..24].copy_from_slice(&u32::from(height).to_be_bytes());
            let checksum = crc32(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        }
        ImageFormat::Jpeg => {
            let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
            bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
            bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        }
        ImageFormat::Gif => {
            bytes[6..8].copy_from_slice(&width.to_le_bytes());
            bytes[8..10].copy_from_slice(&height.to_le_bytes());
        }
        ImageFormat::WebP => return webp_bomb(&bytes, width, height),
        other => panic!("no bomb of {other:?}"),
    }
    bytes
}

/// Puts an extended header with a large canvas before the image.
fn webp_bomb(small: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut header = b"VP8X\x0a\0\0\0\0\0\0\0".to_vec();
    for side in [width, height] {
        header.extend_from_slice(&(u32::from(side) - 1).to_le_bytes()[..3]);
    }
    let mut bytes = small.to_vec();
    bytes.splice(12..12, header);
    let length = u32::try_from(bytes.len() - 8).unwrap();
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// A JPEG with EXIF data that say nothing but how the camera was held.
pub fn held(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01".to_vec();
    exif.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
    let mut bytes = encoded(image, ImageFormat::Jpeg);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let segment = [&[0xFF, 0xE1], &length[..], &exif].concat();
    bytes.splice(2..2, segment);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}
