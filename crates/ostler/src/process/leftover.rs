use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::pinned::Pinned;
use super::procfs::{self, Stat};
use super::record_directory::RecordDirectory;
use super::record_text::{Noted, Origin, parse};

/// No record is that long.
const LONGEST: u64 = 64 << 20;

/// What the record of a dead host says about workers that may be left over. Nobody else looks at it meanwhile.
pub(super) struct Leftover {
    path: PathBuf,
    workers: Vec<Noted>,
    /// Holds the lock.
    _file: File,
}

impl Leftover {
    /// The records of dead hosts that could have left something. Those that could not are removed.
    pub(super) fn find(directory: &RecordDirectory) -> io::Result<Vec<Self>> {
        let own = Origin::own()?;
        let read = |path: PathBuf| match Self::read(&path, &own) {
            Ok(leftover) => leftover,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "cannot read the record of another host");
                None
            }
        };
        let found = directory.entries()?.into_iter().filter_map(read).collect();
        directory.remove_if_empty();
        Ok(found)
    }

    fn read(path: &Path, own: &Origin) -> io::Result<Option<Self>> {
        let Some(mut file) = open_of_dead_host(path)? else { return Ok(None) };
        let mut text = Vec::new();
        file.by_ref().take(LONGEST).read_to_end(&mut text)?;
        match parse(&String::from_utf8_lossy(&text)) {
            // Its processes have other numbers here. Its own hosts see to it, or all ended with the container.
            Some((origin, _)) if origin.boot == own.boot && origin.pid_namespace != own.pid_namespace => {
                Ok(None)
            }
            Some((origin, workers)) if origin == *own && !workers.is_empty() => {
                Ok(Some(Self { path: path.to_owned(), workers, _file: file }))
            }
            Some(_) => fs::remove_file(path).map(|()| None),
            None => {
                if !text.is_empty() {
                    tracing::warn!(path = %path.display(), "removing what is no record of a host");
                }
                fs::remove_file(path).map(|()| None)
            }
        }
    }

    pub(super) fn workers(&self) -> &[Noted] {
        &self.workers
    }

    pub(super) fn remove(self, directory: &RecordDirectory) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove the record of a dead host");
        }
        directory.remove_if_empty();
    }
}

/// `None` if its host lives, or somebody else is at it.
fn open_of_dead_host(path: &Path) -> io::Result<Option<File>> {
    // Without O_NONBLOCK a pipe that lies there would hold us up.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    // It may have been removed before it was locked.
    Ok((file.metadata()?.nlink() > 0).then_some(file))
}

/// Kills the worker and its group, if the process with its number is still this worker. Says whether it was.
pub(super) fn end_group(worker: &Noted) -> bool {
    // Also true of a zombie. While it is, number and group are the worker's.
    let is_there = || Stat::of(worker.pid).is_some_and(|stat| stat.start == worker.start);
    let Some(leader) = Pinned::open(worker.pid).filter(|_| is_there()) else { return false };
    for pid in procfs::pids().unwrap_or_default() {
        let is_member = || Stat::of(pid).is_some_and(|stat| stat.group == worker.pid.as_raw_pid());
        if pid != worker.pid
            && is_member()
            && let Some(member) = Pinned::open(pid).filter(|_| is_member() && is_there())
        {
            member.kill();
        }
    }
    // The leader comes last: its end sets the number free.
    leader.kill();
    true
}
