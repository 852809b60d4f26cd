use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::attributes::Attributes;

/// As many links as the kernel follows.
const MOST_LINKS: u32 = 40;

/// The place of a file that is written: a name in a directory, and what the file there is like, if there is one.
pub(super) struct Target {
    pub(super) directory: OwnedFd,
    pub(super) name: OsString,
    old: Option<Attributes>,
}

impl Target {
    pub(super) fn find(path: &Path) -> io::Result<Self> {
        let not_a_file = || io::Error::new(ErrorKind::InvalidInput, "it is there, and not a file");
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return Err(not_a_file()),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let path = behind_links(path)?;
        let name = path.file_name().filter(|_| !path.as_os_str().as_bytes().ends_with(b"/"));
        let Some(name) = name else {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is no name of a file"));
        };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Also for directories that may be written and not listed.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(parent, flags, Mode::empty())?;
        let old = match Attributes::of(&path) {
            Ok(attributes) => Some(attributes),
            Err(Errno::NOENT) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { directory, name: name.to_owned(), old })
    }

    pub(super) const fn is_new(&self) -> bool {
        self.old.is_none()
    }

    /// The mode to create the file with: nobody else may read what will replace a file that is secret.
    pub(super) fn first_mode(&self) -> Mode {
        Mode::from_raw_mode(if self.is_new() { 0o666 } else { 0o600 })
    }

    /// Writes the bytes, and makes the file like the old one.
    pub(super) fn fill(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)?;
        match &self.old {
            Some(attributes) => Ok(attributes.apply(file)?),
            None => Ok(()),
        }
    }
}

/// The path without links at its end, also if the last one points to nothing.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(to) => {
                path.pop();
                path.push(to);
            }
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(Errno::LOOP.into())
}
