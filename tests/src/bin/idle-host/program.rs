//! The workers' program, which can be made to fail and to block.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::TempDir;

/// A copy of this program in a directory of its own.
pub(crate) struct Program {
    directory: TempDir,
    lease: Mutex<Option<File>>,
}

impl Program {
    pub(crate) fn new() -> Self {
        let program = Self { directory: tempfile::tempdir().unwrap(), lease: Mutex::new(None) };
        program.put_copy();
        program
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("worker")
    }

    /// Workers that run keep the old one.
    fn put_copy(&self) {
        let part = self.directory.path().join("part");
        fs::copy(std::env::current_exe().unwrap(), &part).unwrap();
        fs::rename(part, self.path()).unwrap();
    }

    /// Whoever executes it from now on says why not, and exits.
    pub(crate) fn break_it(&self) {
        let part = self.directory.path().join("part");
        fs::write(&part, "#!/bin/sh\necho broken >&2\nexit 3\n").unwrap();
        fs::set_permissions(&part, fs::metadata(self.path()).unwrap().permissions()).unwrap();
        fs::rename(part, self.path()).unwrap();
    }

    /// Whoever executes it from now on waits, as on a dead network mount.
    pub(crate) fn block(&self) {
        self.put_copy();
        let lease = OpenOptions::new().write(true).open(self.path()).unwrap();
        const F_SETSIG: libc::c_int = 10;
        // SAFETY: the calls get numbers. The signal tells that somebody waits for the lease, and does nothing.
        unsafe {
            assert_eq!(libc::fcntl(lease.as_raw_fd(), F_SETSIG, libc::SIGURG), 0);
            assert_eq!(libc::fcntl(lease.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK), 0);
        }
        *self.lease.lock().unwrap() = Some(lease);
    }

    /// It can be executed again.
    pub(crate) fn mend(&self) {
        *self.lease.lock().unwrap() = None;
        self.put_copy();
    }
}
