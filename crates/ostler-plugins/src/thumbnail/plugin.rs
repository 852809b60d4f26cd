use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ostler_worker::{JobContext, Parameter, ParameterKind, Plugin, PluginError, PluginManifest};

use super::{ThumbnailRequest, ThumbnailResponse, decode, deliver, scale, size};
use crate::VERSION;
use crate::io_error::io_error;
use crate::source::{Source, check_cancelled};

/// The most that is read of an encoded image.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// The plugin `thumbnail`: scales an image down and writes it as PNG.
///
/// Of an animation the first frame counts. An image that says by its EXIF data how it was held is turned.
/// Colour profiles and all other metadata are left out. An image may have at most 32768 pixels a side
/// and 512 MiB decoded: what is broken, or pretends to be huge, is an error of category input.
pub struct Thumbnail;

impl Thumbnail {
    /// The name of the attachment that is read if there is no path.
    pub const ATTACHMENT: &str = "image";
    /// The name of the attachment that comes back if there is no output. Its media type is `image/png`.
    pub const RESULT: &str = "thumbnail.png";
}

impl Plugin for Thumbnail {
    const NAME: &str = "thumbnail";
    type Config = ();
    type Request = ThumbnailRequest;
    type Response = ThumbnailResponse;

    fn manifest() -> PluginManifest {
        let path = Parameter::new("path", ParameterKind::Path)
            .description("The image; without it the attachment `image` is read");
        let width = Parameter::new("width", ParameterKind::Integer)
            .default_json("256")
            .description("The width of the thumbnail, 1 to 16384; its height follows");
        let height = Parameter::new("height", ParameterKind::Integer)
            .description("A height that is not exceeded either, 1 to 16384");
        let upscale = Parameter::new("upscale", ParameterKind::Boolean)
            .default_json("false")
            .description("Whether a small image is made larger");
        let output = Parameter::new("output", ParameterKind::Path)
            .description("The PNG file to write; without it the attachment `thumbnail.png` comes back");
        let manifest = PluginManifest::new(Self::NAME)
            .version(VERSION)
            .category("image")
            .description("Scales a PNG, JPEG, GIF or WebP image and writes PNG");
        [path, width, height, upscale, output].into_iter().fold(manifest, PluginManifest::parameter)
    }

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(
        &mut self,
        request: ThumbnailRequest,
        job: &JobContext,
    ) -> Result<ThumbnailResponse, PluginError> {
        request.check()?;
        let source = Source::choose(request.path.as_deref(), job, Self::ATTACHMENT)?;
        let bytes = read(&source)?;

        step(job, 0.1, "decoding")?;
        let decoded = decode::decode(&bytes).map_err(|error| error.context(source.name()))?;
        let source_size = (decoded.image.width(), decoded.image.height());
        let (width, height) = size::fit(source_size, request.width, request.height, request.upscale)?;

        step(job, 0.6, "scaling")?;
        let thumbnail = scale::scale(decoded.image, width, height);

        step(job, 0.8, "writing")?;
        let png = deliver::encode(&thumbnail)?;
        let bytes = png.len() as u64;
        match &request.output {
            Some(output) => deliver::save(&png, output)?,
            None => job.attach(Self::RESULT, "image/png", png),
        }
        Ok(ThumbnailResponse {
            width,
            height,
            source_width: source_size.0,
            source_height: source_size.1,
            format: decoded.format.to_owned(),
            bytes,
            output: request.output,
        })
    }
}

fn step(job: &JobContext, fraction: f64, message: &str) -> Result<(), PluginError> {
    check_cancelled(job)?;
    job.progress(fraction, message);
    Ok(())
}

/// The encoded image. It is read whole: the decoders would do so too, but without a limit.
fn read<'a>(source: &Source<'a>) -> Result<Cow<'a, [u8]>, PluginError> {
    let bytes = match source {
        Source::Attached(attached) => Cow::Borrowed(&attached.bytes[..]),
        Source::Path(path) => Cow::Owned(read_file(path)?),
    };
    check_size(bytes.len() as u64).map_err(|error| error.context(source.name()))?;
    Ok(bytes)
}

fn read_file(path: &Path) -> Result<Vec<u8>, PluginError> {
    let failed = |error: io::Error| io_error("cannot read", path, &error);
    let file = File::open(path).map_err(|error| io_error("cannot open", path, &error))?;
    let length = file.metadata().map_err(failed)?.len();
    check_size(length).map_err(|error| error.context(format_args!("`{}`", path.display())))?;
    // Pipes and devices do not tell how long they are.
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn check_size(bytes: u64) -> Result<(), PluginError> {
    if bytes <= MAX_FILE_BYTES {
        return Ok(());
    }
    Err(PluginError::input(format!("the image is larger than {} MiB", MAX_FILE_BYTES >> 20)))
}
