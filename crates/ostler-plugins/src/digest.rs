use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use ostler_worker::{JobContext, Parameter, ParameterKind, Plugin, PluginError, PluginManifest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::VERSION;
use crate::io_error::io_error;
use crate::progress::ByteProgress;
use crate::source::{Source, check_cancelled};

/// Small enough for a processor's cache, so that the second hash need not fetch the bytes again.
const BUFFER_BYTES: usize = 256 * 1024;

/// The plugin `digest`: SHA-256 and BLAKE3 of a file of any size, in one pass.
///
/// It tells its progress, and stops when it is asked to. A file that is changed while it is read is an
/// error of category transient: its digest would be of a file that never was.
pub struct Digest {
    buffer: Box<[u8]>,
}

/// What to take the digest of: a file by `path`, or the attachment [`Digest::ATTACHMENT`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestRequest {
    /// The file. A relative path starts at the worker's directory, which is its host's.
    #[serde(default, with = "crate::paths")]
    pub path: Option<PathBuf>,
}

/// The digests of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DigestResponse {
    /// The path of the request; nothing for an attachment.
    #[serde(default, with = "crate::paths")]
    pub path: Option<PathBuf>,
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
    /// BLAKE3, 32 bytes of it, in lower-case hexadecimal digits.
    pub blake3: String,
}

impl Digest {
    /// The name of the attachment that is read if there is no path.
    pub const ATTACHMENT: &str = "file";
}

impl Plugin for Digest {
    const NAME: &str = "digest";
    type Config = ();
    type Request = DigestRequest;
    type Response = DigestResponse;

    fn manifest() -> PluginManifest {
        let path = Parameter::new("path", ParameterKind::Path)
            .description("The file; without it the attachment `file` is read");
        PluginManifest::new(Self::NAME)
            .version(VERSION)
            .category("file")
            .description("SHA-256 and BLAKE3 of a file of any size")
            .parameter(path)
    }

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self { buffer: vec![0; BUFFER_BYTES].into() })
    }

    fn execute(&mut self, request: DigestRequest, job: &JobContext) -> Result<DigestResponse, PluginError> {
        let sums = match Source::choose(request.path.as_deref(), job, Self::ATTACHMENT)? {
            Source::Path(path) => self.digest_file(path, job)?,
            Source::Attached(attached) => {
                let total = attached.bytes.len() as u64;
                self.digest(&attached.bytes[..], Path::new(&attached.name), total, job)?
            }
        };
        let sha256 = hex(&sums.sha256.finalize());
        let blake3 = sums.blake3.finalize().to_hex().to_string();
        Ok(DigestResponse { path: request.path, bytes: sums.bytes, sha256, blake3 })
    }
}

impl Digest {
    fn digest_file(&mut self, path: &Path, job: &JobContext) -> Result<Sums, PluginError> {
        let mut file = File::open(path).map_err(|error| io_error("cannot open", path, &error))?;
        let stat = |file: &File| file.metadata().map_err(|error| io_error("cannot look at", path, &error));
        let before = stat(&file)?;
        let sums = self.digest(&mut file, path, before.len(), job)?;
        if has_changed(&before, &stat(&file)?) {
            let message = format!("`{}` was changed while it was read: try again", path.display());
            return Err(PluginError::transient(message));
        }
        Ok(sums)
    }

    fn digest(
        &mut self,
        mut reader: impl Read,
        path: &Path,
        total: u64,
        job: &JobContext,
    ) -> Result<Sums, PluginError> {
        let mut sums = Sums::default();
        let mut progress = ByteProgress::new(job, total);
        loop {
            check_cancelled(job)?;
            let read = match reader.read(&mut self.buffer) {
                Ok(0) => return Ok(sums),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(io_error("cannot read", path, &error)),
            };
            sums.update(&self.buffer[..read]);
            // What takes one breath needs no progress.
            if sums.bytes != total {
                progress.at(sums.bytes);
            }
        }
    }
}

#[derive(Default)]
struct Sums {
    bytes: u64,
    sha256: Sha256,
    blake3: blake3::Hasher,
}

impl Sums {
    fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        self.blake3.update(bytes);
    }
}

/// Pipes and devices change by being read, so only files count.
fn has_changed(before: &Metadata, after: &Metadata) -> bool {
    let modified = |metadata: &Metadata| metadata.modified().ok();
    before.is_file() && (before.len() != after.len() || modified(before) != modified(after))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
