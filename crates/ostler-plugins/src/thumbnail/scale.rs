use image::imageops::{FilterType, resize, thumbnail};
use image::{DynamicImage, ImageBuffer, Pixel, RgbaImage};

/// How many times the final size an image keeps when it is first made smaller the quick way.
const HEADROOM: u32 = 3;
/// The quick way never goes below this: it adds up whole blocks of pixels in 32 bits.
const QUICK_SIDE: u32 = 64;
/// The good filter holds a picture of floats in between: source width by final height.
const MAX_FILTER_BYTES: u64 = 256 * 1024 * 1024;

/// The image in that size, with 8 bits a channel.
pub(super) fn scale(image: DynamicImage, width: u32, height: u32) -> DynamicImage {
    let same_size = (image.width(), image.height()) == (width, height);
    match image {
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageLuma16(_) => {
            resample(image.into_luma8(), width, height).into()
        }
        DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgb32F(_) => {
            resample(image.into_rgb8(), width, height).into()
        }
        _ if same_size => image.into_rgba8().into(),
        _ => {
            let mut image = image.into_rgba8();
            premultiply(&mut image);
            let mut image = resample(image, width, height);
            divide(&mut image);
            image.into()
        }
    }
}

fn resample<P>(mut image: ImageBuffer<P, Vec<u8>>, width: u32, height: u32) -> ImageBuffer<P, Vec<u8>>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    if image.dimensions() == (width, height) {
        return image;
    }
    let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    let close = |source: u32, end: u32| source.min(end.saturating_mul(HEADROOM).max(QUICK_SIDE));
    let close = (close(image.width(), width), close(image.height(), height));
    if area(image.dimensions()) >= 4 * area(close) {
        image = thumbnail(&image, close.0, close.1);
    }
    if area((image.width(), height)) * 16 > MAX_FILTER_BYTES {
        return thumbnail(&image, width, height);
    }
    resize(&image, width, height, FilterType::Lanczos3)
}

/// Weighs colours by their alpha: the colour of what cannot be seen must not bleed into its neighbours.
fn premultiply(image: &mut RgbaImage) {
    for pixel in image.pixels_mut() {
        let alpha = u16::from(pixel[3]);
        for channel in &mut pixel.0[..3] {
            *channel = narrow((u16::from(*channel) * alpha + 127) / 255);
        }
    }
}

fn divide(image: &mut RgbaImage) {
    for pixel in image.pixels_mut() {
        let alpha = u16::from(pixel[3]);
        for channel in &mut pixel.0[..3] {
            let colour = (u16::from(*channel) * 255 + alpha / 2).checked_div(alpha);
            *channel = colour.map_or(0, narrow);
        }
    }
}

/// The filter may overshoot at edges.
fn narrow(value: u16) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
