//! A word from a job to its host, past the pool.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

/// A named pipe. Held open for both directions, so that neither side waits for the other to open it.
pub(crate) struct Postbox {
    pipe: File,
    path: PathBuf,
    _directory: TempDir,
}

impl Postbox {
    pub(crate) fn new() -> io::Result<Self> {
        let directory = TempDir::new()?;
        let path = directory.path().join("postbox");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let pipe = OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(Postbox { pipe, path, _directory: directory })
    }

    pub(crate) fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Waits for a word; the harness has the deadline.
    pub(crate) fn read(&mut self) -> io::Result<String> {
        let mut word = [0; 64];
        let length = self.pipe.read(&mut word)?;
        Ok(String::from_utf8_lossy(&word[..length]).into_owned())
    }
}

/// For jobs.
#[expect(clippy::expect_used, reason = "a panic in a job is that job's failure")]
pub(crate) fn post(path: &Path, word: impl ToString) {
    let mut pipe = OpenOptions::new().write(true).open(path).expect("the postbox is there");
    pipe.write_all(word.to_string().as_bytes()).expect("the postbox has room");
}
