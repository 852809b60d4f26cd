use std::io::{Error, ErrorKind};
use std::path::Path;

use ostler_worker::{Category, PluginError};

/// What went wrong with a file, and whose turn it is. `doing` is as in "cannot open".
pub(crate) fn io_error(doing: &str, path: &Path, error: &Error) -> PluginError {
    let mut message = format!("{doing} `{}`: {error}", path.display());
    if error.kind() == ErrorKind::NotFound
        && path.is_relative()
        && let Ok(directory) = std::env::current_dir()
    {
        // A worker may stand in another directory than whoever wrote the request.
        message.push_str(&format!("; the worker looks in `{}`", directory.display()));
    }
    PluginError::new(category(error.kind()), message)
}

fn category(kind: ErrorKind) -> Category {
    match kind {
        ErrorKind::NotFound
        | ErrorKind::PermissionDenied
        | ErrorKind::IsADirectory
        | ErrorKind::NotADirectory
        | ErrorKind::InvalidFilename
        | ErrorKind::InvalidInput
        | ErrorKind::ReadOnlyFilesystem => Category::Input,
        ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::ResourceBusy => {
            Category::Transient
        }
        _ => Category::Resource,
    }
}
