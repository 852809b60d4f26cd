//! Files that are written whole or not at all. It refuses to rely on clean-up: whoever writes may be killed at any
//! moment.

mod attributes;
mod target;
mod temporary;

use std::io;
use std::path::Path;

use self::target::Target;
use self::temporary::{Named, Unnamed};

/// Writes a file in one step: whoever looks sees the old file or the new one, and never half of one. Behind a link the
/// file is written that the link points to.
///
/// A file that is replaced keeps its mode, its access list, and its owner and group where that is permitted. What
/// cannot be kept opens the file to nobody: if its group changes, the new group may what all others may. A new file
/// has the mode that the umask says. The permission that is needed is that of the directory.
///
/// A writer that is killed leaves nothing, if the file system has unnamed files (`O_TMPFILE`) and the file is new. Else
/// the kill may leave a file `.ostler-….tmp` beside it; the next process that writes into the directory by this
/// function removes it. It does not touch those of writers that live, also in another container or on another machine
/// of a shared file system.
///
/// The bytes are not synced to the disk: after a loss of power the file may be empty.
///
/// # Errors
/// If there is something that is not a file, or the system refuses; then the old file is as it was.
///
/// ```no_run
/// ostler_plugins::replace_file("report.txt".as_ref(), b"all is well\n")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = Target::find(path)?;
    temporary::sweep(&target.directory);
    if let Some(unnamed) = Unnamed::create(&target)? {
        target.fill(unnamed.file(), bytes)?;
        if unnamed.publish(&target)? {
            return Ok(());
        }
    }
    let named = Named::create(&target)?;
    target.fill(named.file(), bytes)?;
    named.publish(&target)
}
