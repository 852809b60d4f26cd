use std::fs::File;
use std::path::Path;

use rustix::fs::{
    Gid, Mode, Uid, XattrFlags, fchmod, fchown, fremovexattr, fsetxattr, fstat, lgetxattr, lstat,
};
use rustix::io::Errno;

const ACCESS_LIST: &str = "system.posix_acl_access";
/// The longest value of an attribute that the kernel knows.
const LONGEST: usize = 65_536;

/// What a file keeps when it is replaced. That it may run as its owner is not among it: a write takes that away too.
pub(super) struct Attributes {
    mode: u32,
    owner: Uid,
    group: Gid,
    access_list: Option<Vec<u8>>,
}

impl Attributes {
    pub(super) fn of(path: &Path) -> Result<Self, Errno> {
        let stat = lstat(path)?;
        Ok(Self {
            mode: stat.st_mode & 0o777,
            owner: Uid::from_raw(stat.st_uid),
            group: Gid::from_raw(stat.st_gid),
            access_list: access_list(path)?,
        })
    }

    /// Makes a file like that as far as is permitted, and never more open.
    pub(super) fn apply(&self, file: &File) -> Result<(), Errno> {
        let group_kept = self.give(file)?;
        let mode = match &self.access_list {
            // With an access list the bits of the group are a mask of it, and say nothing of the group.
            Some(list) if !group_kept || fsetxattr(file, ACCESS_LIST, list, XattrFlags::empty()).is_err() => {
                self.mode & 0o700
            }
            Some(_) => self.mode,
            None => {
                // It may have got one from its directory.
                match fremovexattr(file, ACCESS_LIST) {
                    Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                    Err(error) => return Err(error),
                }
                // Whoever is in the new group was one of the others.
                if group_kept { self.mode } else { self.mode & 0o707 | (self.mode & 0o007) << 3 }
            }
        };
        match fchmod(file, Mode::from_raw_mode(mode)) {
            // File systems without modes: all of their files have the same.
            Err(Errno::PERM | Errno::OPNOTSUPP) => Ok(()),
            other => other,
        }
    }

    /// Gives the file to the owner and the group, or to the group alone. Returns whether the group has it.
    fn give(&self, file: &File) -> Result<bool, Errno> {
        let now = fstat(file)?;
        let group_kept = now.st_gid == self.group.as_raw();
        if group_kept && now.st_uid == self.owner.as_raw() {
            return Ok(true);
        }
        let permitted = |result| match result {
            Ok(()) => Ok(true),
            // The second one is of ids that this user namespace does not have.
            Err(Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
            Err(error) => Err(error),
        };
        if permitted(fchown(file, Some(self.owner), Some(self.group)))? || group_kept {
            return Ok(true);
        }
        permitted(fchown(file, None, Some(self.group)))
    }
}

fn access_list(path: &Path) -> Result<Option<Vec<u8>>, Errno> {
    let mut list = vec![0; LONGEST];
    match lgetxattr(path, ACCESS_LIST, list.as_mut_slice()) {
        Ok(length) => {
            list.truncate(length);
            Ok(Some(list))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error),
    }
}
