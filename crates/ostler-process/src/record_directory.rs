use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// Where the hosts of our user keep their records. Nobody else may write there.
#[derive(Clone, Debug)]
pub(super) struct RecordDirectory(PathBuf);

/// The directory cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[error("{} must be a directory of our own user that nobody else can write to, and no link", path.display())]
struct NotOurs {
    path: PathBuf,
}

impl RecordDirectory {
    /// In the user's runtime directory, else in `/tmp`.
    pub(super) fn usual() -> Self {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        match runtime.filter(|runtime| runtime.is_absolute() && check(runtime).is_ok()) {
            Some(runtime) => Self(runtime.join("ostler")),
            None => Self(format!("/tmp/ostler-{}", geteuid().as_raw()).into()),
        }
    }

    #[cfg(test)]
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the directory if it is not there.
    pub(super) fn ensure(&self) -> io::Result<&Path> {
        match DirBuilder::new().mode(0o700).create(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            // Somebody may have made it for us.
            _ => check(&self.0).map(|()| self.path()),
        }
    }

    /// Everything in it; nothing if it is not there.
    pub(super) fn entries(&self) -> io::Result<Vec<PathBuf>> {
        match check(&self.0).and_then(|()| fs::read_dir(&self.0)) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn remove_if_empty(&self) {
        // Another host's record keeps it.
        let _ = fs::remove_dir(&self.0);
    }
}

/// That it is a directory, ours, and nobody else's to write to.
fn check(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let is_ours = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0;
    if is_ours { Ok(()) } else { Err(io::Error::other(NotOurs { path: path.to_owned() })) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::test_support::scratch;
    use super::*;

    #[test]
    fn what_others_could_have_made_is_refused() {
        let scratch = scratch();
        let open = scratch.path().join("open");
        fs::create_dir(&open).unwrap();
        for mode in [0o770, 0o702] {
            fs::set_permissions(&open, Permissions::from_mode(mode)).unwrap();
            let refused = RecordDirectory::at(open.clone()).ensure().unwrap_err();
            assert!(refused.to_string().contains("nobody else can write to"), "{refused}");
            assert!(RecordDirectory::at(open.clone()).entries().is_err());
        }
        fs::set_permissions(&open, Permissions::from_mode(0o700)).unwrap();
        assert!(RecordDirectory::at(open.clone()).ensure().is_ok());

        let link = scratch.path().join("link");
        symlink(&open, &link).unwrap();
        assert!(RecordDirectory::at(link).ensure().is_err());
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(RecordDirectory::at(file).ensure().is_err());
        assert_eq!(RecordDirectory::at(scratch.path().join("absent")).entries().unwrap(), [] as [PathBuf; 0]);
    }

    #[test]
    fn it_is_made_for_us_alone() {
        let scratch = scratch();
        let directory = RecordDirectory::at(scratch.path().join("made"));
        assert_eq!(fs::metadata(directory.ensure().unwrap()).unwrap().mode() & 0o777, 0o700);
        directory.remove_if_empty();
        assert!(!directory.path().exists());
    }
}
