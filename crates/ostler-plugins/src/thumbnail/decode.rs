use std::io::Cursor;

use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use ostler_worker::PluginError;

use super::{jpeg, webp};

/// The largest width and height of an image.
const MAX_SIDE: u32 = 32_768;
/// What decoding may take, in MiB.
const MAX_MIB: u64 = 512;
/// What profiles, texts and other metadata may take, in MiB. None of it is used but how the image was held.
const MAX_METADATA_MIB: u64 = 16;

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
    let flaw = match format {
        ImageFormat::Jpeg => jpeg::flaw(bytes, MAX_METADATA_MIB << 20),
        ImageFormat::WebP => webp::flaw(bytes, MAX_METADATA_MIB << 20),
        // The decoders of these two have limits of their own.
        _ => None,
    };
    if let Some(flaw) = flaw {
        return Err(explain(name, Refusal::Flaw(flaw)));
    }
    let image = decode_as(format, bytes).map_err(|error| explain(name, error))?;
    Ok(Decoded { image, format: name })
}

fn decode_as(format: ImageFormat, bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // What a decoder of PNG is made with is its limit of metadata. It does not count the image.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_METADATA_MIB << 20);
    reader.limits(limits.clone());
    let mut decoder = match reader.into_decoder() {
        Err(ImageError::Limits(_)) => return Err(Refusal::Flaw(Flaw::Metadata)),
        other => other?,
    };
    // The sides are checked here, so that the message can tell them.
    limits.max_alloc = Some(MAX_MIB << 20);
    let (width, height) = decoder.dimensions();
    let too_large = Refusal::TooLarge { width, height };
    if width > MAX_SIDE || height > MAX_SIDE || limits.reserve(decoder.total_bytes()).is_err() {
        return Err(too_large);
    }
    if format == ImageFormat::Gif {
        // It is left to the decoder what a frame takes that does not fit its screen.
        limits.max_alloc = Some(decoder.total_bytes().max(MAX_METADATA_MIB << 20));
    }
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    decoder.set_limits(limits)?;
    // A picture that is upside down is better than none.
    let orientation = decoder.orientation().ok();
    let mut image = match DynamicImage::from_decoder(decoder) {
        Err(ImageError::Limits(_)) if format == ImageFormat::Gif => {
            return Err(Refusal::Flaw(Flaw::FrameTooLarge));
        }
        Err(ImageError::Limits(_)) => return Err(too_large),
        other => other?,
    };
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

/// What can be told of an image before it is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    CutOff,
    Metadata,
    FrameTooLarge,
}

enum Refusal {
    Flaw(Flaw),
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
        Refusal::Flaw(Flaw::CutOff) => format!("the {name} image is cut off"),
        Refusal::Flaw(Flaw::Metadata) => {
            format!("the {name} image has more than {MAX_METADATA_MIB} MiB of metadata: remove them")
        }
        Refusal::Flaw(Flaw::FrameTooLarge) => {
            format!("the {name} image has a frame that is larger than its canvas")
        }
        Refusal::Image(ImageError::Limits(error)) => {
            format!("the {name} image needs more than {MAX_MIB} MiB to decode: {error}")
        }
        Refusal::Image(error) => format!("the {name} image cannot be decoded: {error}"),
    })
}
