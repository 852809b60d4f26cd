use std::collections::BTreeSet;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, StatxFlags, flock, fstat, linkat, openat,
    renameat, statx, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};

use super::target::Target;

const PREFIX: &str = ".ostler-";
const SUFFIX: &str = ".tmp";
/// More directories than these are forgotten, and looked through again.
const MOST_DIRECTORIES: usize = 4096;

/// A file without a name: it is gone with its writer, however that ends.
pub(super) struct Unnamed(File);

impl Unnamed {
    /// None if the file system has no such files.
    pub(super) fn create(target: &Target) -> io::Result<Option<Self>> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match openat(&target.directory, ".", flags, target.first_mode()) {
            Ok(file) => Ok(Some(Self(File::from(file)))),
            // What kernels and file systems say that do not know the flag.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) const fn file(&self) -> &File {
        &self.0
    }

    /// Puts the file in its place. False if it cannot be given a name here: nothing happened.
    pub(super) fn publish(self, target: &Target) -> io::Result<bool> {
        if target.is_new() {
            match self.link(target, &target.name) {
                Ok(()) => return Ok(true),
                // Somebody was faster: what is there now is replaced.
                Err(Errno::EXIST) => {}
                Err(error) => return cannot_link(error),
            }
        }
        // A name takes no place of another file's, so it gets one of its own first.
        lock(&self.0);
        loop {
            let name = new_name();
            match self.link(target, &name) {
                Ok(()) => {
                    let named = Named { directory: &target.directory, name, file: self.0 };
                    return named.publish(target).map(|()| true);
                }
                Err(Errno::EXIST) => {}
                Err(error) => return cannot_link(error),
            }
        }
    }

    fn link(&self, target: &Target, name: impl rustix::path::Arg) -> Result<(), Errno> {
        let path = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        linkat(CWD, path, &target.directory, name, AtFlags::SYMLINK_FOLLOW)
    }
}

/// Without /proc, on file systems without links, or where a policy forbids it, there is the other way.
fn cannot_link(error: Errno) -> io::Result<bool> {
    match error {
        Errno::NOENT
        | Errno::PERM
        | Errno::ACCESS
        | Errno::OPNOTSUPP
        | Errno::NOSYS
        | Errno::MLINK
        | Errno::XDEV => Ok(false),
        error => Err(error.into()),
    }
}

/// A file with a name of its own, locked as long as its writer lives.
pub(super) struct Named<'a> {
    directory: &'a OwnedFd,
    name: String,
    file: File,
}

impl<'a> Named<'a> {
    pub(super) fn create(target: &'a Target) -> io::Result<Self> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let name = new_name();
            let file = match openat(&target.directory, name.as_str(), flags, target.first_mode()) {
                Ok(file) => File::from(file),
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error.into()),
            };
            lock(&file);
            // Somebody may have seen it before it was locked, and taken it for one of the dead.
            if fstat(&file)?.st_nlink > 0 {
                return Ok(Self { directory: &target.directory, name, file });
            }
        }
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Puts the file in the place of the old one.
    pub(super) fn publish(self, target: &Target) -> io::Result<()> {
        // After that the name is nobody's, and dropping finds nothing.
        Ok(renameat(self.directory, self.name.as_str(), &target.directory, target.name.as_os_str())?)
    }
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is left for the next sweep.
        let _ = unlinkat(self.directory, self.name.as_str(), AtFlags::empty());
    }
}

/// Removes the temporary files of dead writers from a directory, when this process first writes there: that is also
/// the first write after a worker was killed.
pub(super) fn sweep(directory: &OwnedFd) {
    static SWEPT: Mutex<BTreeSet<Identity>> = Mutex::new(BTreeSet::new());
    let Ok(identity) = identity(directory) else { return };
    {
        let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.len() == MOST_DIRECTORIES {
            swept.clear();
        }
        if !swept.insert(identity) {
            return;
        }
    }
    // One that may not be listed, or fails to be, is written to all the same.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(entries) = openat(directory, ".", flags, Mode::empty()).and_then(Dir::new) else { return };
    for entry in entries {
        let Ok(entry) = entry else { return };
        if entry.file_name().to_str().is_ok_and(is_temporary) {
            remove_if_dead(directory, entry.file_name());
        }
    }
}

/// Device, number and birth of a directory: numbers are used again.
type Identity = (u32, u32, u64, i64, u32);

fn identity(directory: &OwnedFd) -> Result<Identity, Errno> {
    let stat = statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::INO | StatxFlags::BTIME)?;
    let birth = stat.stx_btime;
    Ok((stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino, birth.tv_sec, birth.tv_nsec))
}

/// Removes a temporary file if its writer is dead. Whatever cannot be found out leaves the file where it is.
fn remove_if_dead(directory: &OwnedFd, name: &std::ffi::CStr) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = openat(directory, name, flags, Mode::empty()) else { return };
    let is_file =
        fstat(&file).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    // A shared lock needs no more than a file that is open for reading, on network file systems too.
    if is_file && flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        let _ = unlinkat(directory, name, AtFlags::empty());
    }
}

/// Marks a file as that of a living writer. Where there are no locks, nobody can get one either, and all are left.
fn lock(file: &File) {
    let _ = retry_on_intr(|| flock(file, FlockOperation::LockExclusive));
}

/// A name that nobody has guessed. The hasher's keys are random.
fn new_name() -> String {
    let random = RandomState::new().hash_one(());
    format!("{PREFIX}{random:016x}{SUFFIX}")
}

fn is_temporary(name: &str) -> bool {
    let middle = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    middle.is_some_and(|middle| {
        middle.len() == 16 && middle.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    fn names(directory: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_name_that_is_made_is_known_again() {
        assert!(is_temporary(&new_name()));
        assert_ne!(new_name(), new_name());
    }

    /// The way without unnamed files, step by step.
    #[test]
    fn a_named_file_is_there_until_it_is_published_or_dropped_and_no_sweep_takes_it() {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::find(&directory.path().join("out")).unwrap();
        let named = Named::create(&target).unwrap();
        let name = names(&directory).pop().unwrap();
        assert!(is_temporary(&name));
        sweep(&target.directory);
        assert_eq!(names(&directory), [name]);
        drop(named);
        assert!(names(&directory).is_empty());

        let named = Named::create(&target).unwrap();
        target.fill(named.file(), b"new").unwrap();
        named.publish(&target).unwrap();
        assert_eq!(names(&directory), ["out"]);
        assert_eq!(fs::read(directory.path().join("out")).unwrap(), b"new");
    }

    /// Whoever is dead has no lock: the file is closed, and still there.
    #[test]
    fn a_named_file_of_a_dead_writer_is_swept() {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::find(&directory.path().join("out")).unwrap();
        let named = Named::create(&target).unwrap();
        let name = named.name.clone();
        drop(named);
        fs::write(directory.path().join(name), "half").unwrap();
        sweep(&target.directory);
        assert!(names(&directory).is_empty());
    }
}
