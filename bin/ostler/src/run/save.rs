use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use ostler::Attachment;
use ostler_plugins::replace_file;

use crate::exit::Failure;

/// Writes each attachment to a file of its own in `directory`, which is made if need be. Each is written whole or not
/// at all. Returns the files.
pub(super) fn save(directory: &Path, attachments: &[Attachment]) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |path: &Path, error| Failure::failed(format!("cannot write {}: {error}", path.display()));
    if !attachments.is_empty() {
        fs::create_dir_all(directory).map_err(|error| cannot(directory, error))?;
    }
    let mut taken = HashSet::new();
    let write = |attachment: &Attachment| {
        let path = directory.join(free_name(&attachment.name, &mut taken));
        replace_file(&path, &attachment.bytes).map_err(|error| cannot(&path, error))?;
        Ok(path)
    };
    attachments.iter().map(write).collect()
}

/// A file name that stays in the directory, whatever the plugin said, and that no other attachment has.
fn free_name(name: &str, taken: &mut HashSet<String>) -> String {
    let name = Path::new(name).file_name().and_then(OsStr::to_str).unwrap_or("attachment");
    let mut free = name.to_owned();
    let mut number = 1;
    while !taken.insert(free.clone()) {
        number += 1;
        free = format!("{number}-{name}");
    }
    free
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::*;

    fn attachment(name: &str, bytes: &'static [u8]) -> Attachment {
        Attachment { name: name.into(), media_type: "text/plain".into(), bytes: bytes.into() }
    }

    #[test]
    fn files_stay_in_the_directory_and_do_not_overwrite_each_other() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("new");
        let attachments = [
            attachment("a.txt", b"1"),
            attachment("../a.txt", b"2"),
            attachment("/etc/a.txt", b"3"),
            attachment("..", b"4"),
            attachment("", b"5"),
        ];
        let paths = save(&directory, &attachments).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.strip_prefix(&directory).unwrap()).collect();
        assert_eq!(names, ["a.txt", "2-a.txt", "3-a.txt", "attachment", "2-attachment"].map(Path::new));
        for (path, attachment) in paths.iter().zip(&attachments) {
            assert_eq!(fs::read(path).unwrap(), attachment.bytes);
        }
    }

    #[test]
    fn nothing_to_keep_makes_no_directory() {
        let root = tempfile::tempdir().unwrap();
        assert!(save(&root.path().join("new"), &[]).unwrap().is_empty());
        assert!(!root.path().join("new").exists());
    }
}
