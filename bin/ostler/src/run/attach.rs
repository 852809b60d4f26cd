use std::fs::File;
use std::io::{self, Read};

use crate::args::Pair;
use crate::exit::Failure;

/// A file that goes with the job.
pub(super) struct Enclosed {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Reads the files, none larger than `limit` bytes. Blocks.
pub(super) fn read(files: &[Pair], limit: usize) -> Result<Vec<Enclosed>, Failure> {
    let read = |Pair { name, value: path }: &Pair| {
        let shown = path.display();
        let cannot = |error| Failure::failed(format!("cannot read {shown}: {error}"));
        let bytes = if path == "-" {
            read_all(io::stdin().lock(), limit)
        } else {
            File::open(path).and_then(|file| read_all(file, limit))
        };
        match bytes.map_err(cannot)? {
            Some(bytes) => Ok(Enclosed { name: name.clone(), bytes }),
            None => Err(Failure::failed(format!(
                "{shown} has more than {limit} bytes, which is too much for an attachment; \
                 give the plugin its path instead"
            ))),
        }
    };
    files.iter().map(read).collect()
}

/// None if there is more than `limit`.
fn read_all(reader: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_too_large_is_not_read_to_its_end() {
        assert_eq!(read_all(&b"1234"[..], 4).unwrap().unwrap(), b"1234");
        assert_eq!(read_all(io::repeat(b'a'), 4).unwrap(), None);
    }
}
