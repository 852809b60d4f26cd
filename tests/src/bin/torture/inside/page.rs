//! The diary, as jobs write it from inside their workers: it survives whatever kills them.
//!
//! A line is one write to a file that is open for appending, so lines of several workers do not mix:
//! `WHAT JOB ATTEMPT PID NANOSECONDS`. While a job runs, its worker holds a lock on the byte of the job's
//! number in another file. The kernel drops it with the process, at its death and not before: so a job that finds its
//! byte locked runs twice.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, fcntl};

use crate::clock;

/// Names the directory of the diary to workers and daemons.
pub(crate) const VARIABLE: &str = "OSTLER_TORTURE";
/// The diary.
pub(crate) const DIARY: &str = "diary";
/// What is locked.
pub(crate) const LOCKS: &str = "locks";

/// A run of a job, which writes down that it begins, goes on and ends.
pub(super) struct Run {
    number: u64,
    attempt: u32,
    diary: File,
    /// Holds the lock. Processes that the worker starts do not inherit it.
    _lock: File,
    has_ended: bool,
}

impl Run {
    pub(super) fn begin(number: u64, attempt: u32) -> io::Result<Self> {
        let diary = open(DIARY)?;
        let lock = open(LOCKS)?;
        let what = if lock_byte(&lock, number) { "begin" } else { "doubled" };
        let run = Self { number, attempt, diary, _lock: lock, has_ended: false };
        run.write(what);
        Ok(run)
    }

    /// It is still there.
    pub(super) fn tick(&self) {
        self.write("tick");
    }

    /// It leaves this process behind.
    pub(super) fn leave(&self, process: u32) {
        write(&self.diary, "daemon", self.number, self.attempt, process);
    }

    /// The last line, before the result is handed over.
    pub(super) fn end(mut self) {
        self.has_ended = true;
        self.write("end");
    }

    fn write(&self, what: &str) {
        write(&self.diary, what, self.number, self.attempt, std::process::id());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.has_ended {
            self.write("unwound");
        }
    }
}

/// A daemon says which job left it.
pub(super) fn daemon_is_there(number: u64, attempt: u32) -> io::Result<()> {
    write(&open(DIARY)?, "daemon", number, attempt, std::process::id());
    Ok(())
}

fn write(mut diary: &File, what: &str, number: u64, attempt: u32, process: u32) {
    let line = format!("{what} {number} {attempt} {process} {}\n", clock::now());
    // A diary that cannot be written shows as a job that answered and never began.
    let _ = diary.write_all(line.as_bytes());
}

fn open(name: &str) -> io::Result<File> {
    let directory = std::env::var_os(VARIABLE).ok_or_else(|| io::Error::other("there is no diary"))?;
    OpenOptions::new().append(true).create(true).open(PathBuf::from(directory).join(name))
}

/// Whether nobody else has it.
fn lock_byte(file: &File, number: u64) -> bool {
    let region = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: i64::try_from(number).unwrap_or(i64::MAX),
        l_len: 1,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_SETLK(&region)).is_ok()
}
