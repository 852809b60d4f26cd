use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::pinned::Pinned;
use super::procfs::{self, Stat};
use super::record_directory::RecordDirectory;
use super::record_text::{Noted, Origin, host_in, parse};
use super::transient::is_transient;
use crate::say;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

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
    /// The records of dead hosts that could have left something. Those that could not are removed, and what is no record
    /// that we can read is left alone.
    ///
    /// # Errors
    /// It cannot be said what there is, for want of a descriptor perhaps: ask again.
    pub(super) fn find(directory: &RecordDirectory) -> io::Result<Vec<Self>> {
        let own = Origin::own()?;
        let mut found = Vec::new();
        for path in directory.entries()? {
            match Self::read(&path, &own) {
                Ok(leftover) => found.extend(leftover),
                Err(error) if is_transient(&error) => return Err(error),
                Err(error) => {
                    say!(warn, %error, path = %path.display(), "cannot read the record of another host");
                }
            }
        }
        directory.remove_if_empty();
        Ok(found)
    }

    fn read(path: &Path, own: &Origin) -> io::Result<Option<Self>> {
        let Some(mut file) = open_of_dead_host(path, own)? else { return Ok(None) };
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
                    say!(warn, path = %path.display(), "removing what is no record of a host");
                }
                fs::remove_file(path).map(|()| None)
            }
        }
    }

    pub(super) fn workers(&self) -> &[Noted] {
        &self.workers
    }

    pub(super) fn remove(self, directory: &RecordDirectory) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            say!(warn, %error, path = %self.path.display(), "cannot remove the record of a dead host");
        }
        directory.remove_if_empty();
    }
}

/// `None` if its host lives, or somebody else is at it.
fn open_of_dead_host(path: &Path, own: &Origin) -> io::Result<Option<File>> {
    // Without O_NONBLOCK a pipe that lies there would hold us up.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    match file.try_lock() {
        Ok(()) => {}
        // Of a host that is dead, a process that it has forked may keep the lock. Two who find that out do the same twice.
        Err(fs::TryLockError::WouldBlock) if names_dead_host(&mut file, own)? => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    // It may have been removed before it was locked.
    Ok((file.metadata()?.nlink() > 0).then_some(file))
}

/// Whether the file says whose it is, and that process is certainly dead.
fn names_dead_host(file: &mut File, own: &Origin) -> io::Result<bool> {
    let mut text = Vec::new();
    file.by_ref().take(LONGEST).read_to_end(&mut text)?;
    file.rewind()?;
    let text = String::from_utf8_lossy(&text);
    let is_of_here = parse(&text).is_some_and(|(origin, _)| origin == *own);
    let Some((pid, start)) = host_in(&text).filter(|_| is_of_here) else { return Ok(false) };
    match Stat::of(pid)? {
        Some(stat) => Ok(stat.start != start || !runs(pid, &stat)?),
        // Or it is there and not ours to see.
        None => Ok(test_kill_process(pid) == Err(Errno::SRCH)),
    }
}

/// What became of a worker that a record names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// Nobody has its number, or somebody else.
    Gone,
    /// It had ended before, and waits for the one who has to reap it.
    WasDead,
    /// It, or others of its group or session, ran until now.
    Killed,
}

/// Kills the worker, its group and its session, if the process with its number is still this worker.
///
/// # Errors
/// It cannot be said whether all of them are dead.
pub(super) fn end_group(worker: &Noted) -> io::Result<End> {
    // Also true of a zombie. While it is, number, group and session are the worker's.
    let leader_is = || Ok(Stat::of(worker.pid)?.filter(|stat| Some(stat.start) == worker.start));
    let Some(leader) = Pinned::open(worker.pid)? else { return Ok(End::Gone) };
    let there: io::Result<Option<Stat>> = leader_is();
    let Some(stat) = there? else { return Ok(End::Gone) };
    let mut end = if runs(worker.pid, &stat)? { End::Killed } else { End::WasDead };
    let number = worker.pid.as_raw_pid();
    let member_is = |pid| Ok(Stat::of(pid)?.filter(|stat| stat.group == number || stat.session == number));
    for pid in procfs::pids()? {
        let member: io::Result<Option<Stat>> = member_is(pid);
        if pid == worker.pid || member?.is_none() {
            continue;
        }
        let Some(member) = Pinned::open(pid)? else { continue };
        let still: io::Result<Option<Stat>> = member_is(pid);
        let (Some(stat), Some(_)) = (still?, leader_is()?) else { continue };
        if runs(pid, &stat)? && member.kill()? {
            end = End::Killed;
        }
    }
    // The leader comes last: its end sets the number free.
    leader.kill()?;
    Ok(end)
}

/// A process whose first thread has ended looks like a zombie while others of its threads run.
fn runs(pid: Pid, stat: &Stat) -> io::Result<bool> {
    Ok(stat.runs() || !procfs::live_threads(pid)?.is_empty())
}
