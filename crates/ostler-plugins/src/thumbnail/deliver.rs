use std::path::Path;

use image::DynamicImage;
use image::codecs::png::PngEncoder;
use ostler_worker::PluginError;

use crate::io_error::io_error;
use crate::replace::replace_file;

/// The image as the bytes of a PNG file.
pub(super) fn encode(image: &DynamicImage) -> Result<Vec<u8>, PluginError> {
    let mut png = Vec::new();
    image
        .write_with_encoder(PngEncoder::new(&mut png))
        .map_err(|error| PluginError::fatal(format!("cannot encode the thumbnail: {error}")))?;
    Ok(png)
}

/// Writes the file in one step.
pub(super) fn save(png: &[u8], output: &Path) -> Result<(), PluginError> {
    replace_file(output, png).map_err(|error| io_error("cannot write", output, &error))
}
