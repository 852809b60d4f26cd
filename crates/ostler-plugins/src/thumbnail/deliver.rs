use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use image::DynamicImage;
use image::codecs::png::PngEncoder;
use ostler_worker::PluginError;

use crate::io_error::io_error;

/// The image as the bytes of a PNG file.
pub(super) fn encode(image: &DynamicImage) -> Result<Vec<u8>, PluginError> {
    let mut png = Vec::new();
    image
        .write_with_encoder(PngEncoder::new(&mut png))
        .map_err(|error| PluginError::fatal(format!("cannot encode the thumbnail: {error}")))?;
    Ok(png)
}

/// Writes beside the file, and then puts it in its place: nobody sees half of it.
pub(super) fn save(png: &[u8], output: &Path) -> Result<(), PluginError> {
    let failed = |error: io::Error| io_error("cannot write", output, &error);
    let target = target(output)?;
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // The error that comes back names the temporary file, which means nothing to anybody: its cause is kept here.
    let cause = Cell::new(None);
    let create = |path: &Path| File::create_new(path).inspect_err(|error| cause.set(error.raw_os_error()));
    let mut file = tempfile::Builder::new()
        .prefix(".thumbnail-")
        .suffix(".tmp")
        .make_in(directory, create)
        .map_err(|error| failed(cause.get().map_or(error, io::Error::from_raw_os_error)))?;
    file.write_all(png).map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// The file that is replaced: behind a link, what it points to; never a device or a directory.
fn target(output: &Path) -> Result<PathBuf, PluginError> {
    match fs::metadata(output) {
        Err(_) => Ok(output.to_owned()),
        Ok(metadata) if metadata.is_file() => {
            output.canonicalize().map_err(|error| io_error("cannot write", output, &error))
        }
        Ok(_) => {
            let message = format!("cannot write `{}`: it is there, and not a file", output.display());
            Err(PluginError::input(message))
        }
    }
}
