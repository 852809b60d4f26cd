use std::path::PathBuf;

use ostler_worker::PluginError;
use serde::{Deserialize, Deserializer, Serialize};

use crate::loose;

const DEFAULT_WIDTH: u32 = 256;
/// The largest width and height of a box.
const MAX_SIDE: u32 = 16_384;

/// Which image, how small, and where to.
///
/// ```
/// use ostler_plugins::ThumbnailRequest;
///
/// let path = Some("photo.jpg".into());
/// let request = ThumbnailRequest { path, width: 320, ..ThumbnailRequest::default() };
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThumbnailRequest {
    /// The image: PNG, JPEG, GIF or WebP, whatever the name ends with. Without it the attachment
    /// [`Thumbnail::ATTACHMENT`](crate::Thumbnail::ATTACHMENT) is read.
    #[serde(default, with = "crate::paths")]
    pub path: Option<PathBuf>,
    /// The width of the thumbnail, 1 to 16384; its height follows. Left out of JSON it is 256.
    #[serde(default = "default_width", deserialize_with = "width")]
    pub width: u32,
    /// A height that is not exceeded either, 1 to 16384: the thumbnail fits into the box.
    #[serde(default, deserialize_with = "height")]
    pub height: Option<u32>,
    /// Whether a small image is made larger. Otherwise it keeps its size.
    #[serde(default, deserialize_with = "upscale")]
    pub upscale: bool,
    /// The PNG file to write, by [`replace_file`](crate::replace_file). Without it the PNG comes back as the
    /// attachment [`Thumbnail::RESULT`](crate::Thumbnail::RESULT).
    #[serde(default, with = "crate::paths")]
    pub output: Option<PathBuf>,
}

impl Default for ThumbnailRequest {
    fn default() -> Self {
        Self { path: None, width: DEFAULT_WIDTH, height: None, upscale: false, output: None }
    }
}

impl ThumbnailRequest {
    pub(super) fn check(&self) -> Result<(), PluginError> {
        let sides = [("width", Some(self.width)), ("height", self.height)];
        for (field, value) in sides.into_iter().filter_map(|(field, value)| Some((field, value?))) {
            if !(1..=MAX_SIDE).contains(&value) {
                return Err(PluginError::input(format!("`{field}` must be 1 to {MAX_SIDE}, got {value}")));
            }
        }
        Ok(())
    }
}

/// The thumbnail that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ThumbnailResponse {
    /// The width of the thumbnail.
    pub width: u32,
    /// The height of the thumbnail.
    pub height: u32,
    /// The width of the image, as it is meant to be seen.
    pub source_width: u32,
    /// The height of the image, as it is meant to be seen.
    pub source_height: u32,
    /// The format of the image: `png`, `jpeg`, `gif` or `webp`. The thumbnail is PNG.
    pub format: String,
    /// How many bytes the thumbnail has.
    pub bytes: u64,
    /// The file that was written; nothing for an attachment.
    #[serde(default, with = "crate::paths")]
    pub output: Option<PathBuf>,
}

const fn default_width() -> u32 {
    DEFAULT_WIDTH
}

fn width<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    loose::whole(deserializer, "`width` as a whole number from 1 to 16384")
}

fn height<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    loose::optional_whole(deserializer, "`height` as a whole number from 1 to 16384")
}

fn upscale<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    loose::flag(deserializer, "`upscale` as true or false")
}
