use std::io::Cursor;

use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use ostler_worker::PluginError;

use super::jpeg;

/// The largest width and height of an image.
const MAX_SIDE: u32 = 32_768;
/// What decoding may take, in MiB.
const MAX_MIB: u64 = 512;

pub(super) struct Decoded {
    pub(super) image: DynamicImage,
    pub(super) format: &'static str,
}

/// Decodes an image of one of the four formats. Sizes are checked before memory is taken for them.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, PluginError> {
    let (format, name) = match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => (ImageFormat::Png, "png"),
        Ok(ImageFormat::Jpeg) => (ImageFormat::Jpeg, "jpeg"),
        Ok(ImageFormat::Gif) => (ImageFormat::Gif, "gif"),
        Ok(ImageFormat::WebP) => (ImageFormat::WebP, "webp"),
        _ => return Err(PluginError::input("this is not a PNG, JPEG, GIF or WebP image")),
    };
    if format == ImageFormat::Jpeg && jpeg::is_truncated(bytes) {
        return Err(PluginError::input("the jpeg image is cut off"));
    }
    let image = decode_as(format, bytes).map_err(|error| explain(name, error))?;
    Ok(Decoded { image, format: name })
}

fn decode_as(format: ImageFormat, bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    // The sides are checked here, so that the message can tell them.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MIB * 1024 * 1024);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let too_large = Refusal::TooLarge { width, height };
    if width > MAX_SIDE || height > MAX_SIDE || limits.reserve(decoder.total_bytes()).is_err() {
        return Err(too_large);
    }
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    decoder.set_limits(limits)?;
    // A picture that is upside down is better than none.
    let orientation = decoder.orientation().ok();
    let mut image = match DynamicImage::from_decoder(decoder) {
        Err(ImageError::Limits(_)) => return Err(too_large),
        other => other?,
    };
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

enum Refusal {
    TooLarge { width: u32, height: u32 },
    Image(ImageError),
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

fn explain(name: &str, refusal: Refusal) -> PluginError {
    PluginError::input(match refusal {
        Refusal::TooLarge { width, height } => format!(
            "the {name} image says that it has {width} x {height} pixels; at most {MAX_SIDE} a side and \
             {MAX_MIB} MiB decoded are allowed"
        ),
        Refusal::Image(ImageError::Limits(error)) => {
            format!("the {name} image needs more than {MAX_MIB} MiB to decode: {error}")
        }
        Refusal::Image(error) => format!("the {name} image cannot be decoded: {error}"),
    })
}
