use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use super::random::{hex, random};
use super::record_directory::RecordDirectory;
use super::record_text::{Noted, Origin, addition, header, removal};
use super::worker_id::WorkerId;

/// More lines than this, and more than a few for each living worker, are written anew.
const LONG: usize = 1000;

/// The workers that this process has, in a file that outlives it: a later host ends those that are left over.
///
/// The file is locked for as long as this process lives, so whoever gets the lock knows that it is dead. Lines
/// are only ever added to it, so it is right whenever this process dies. It is there while there are workers.
pub(super) struct Record {
    directory: RecordDirectory,
    living: HashMap<WorkerId, Noted>,
    page: Option<Page>,
    has_complained: bool,
}

struct Page {
    file: File,
    path: PathBuf,
    lines: usize,
}

impl Record {
    pub(super) fn new(directory: RecordDirectory) -> Self {
        Self { directory, living: HashMap::new(), page: None, has_complained: false }
    }

    pub(super) fn add(&mut self, worker: Noted) {
        self.living.insert(worker.id, worker);
        let written = self.write(&addition(&worker));
        self.complain(written);
    }

    /// The worker is dead, and nothing of it is left.
    pub(super) fn remove(&mut self, id: WorkerId) {
        if self.living.remove(&id).is_none() {
            return;
        }
        if self.living.is_empty() {
            if let Some(page) = self.page.take() {
                self.tear_out(&page);
            }
            return;
        }
        let written = self.write(&removal(id));
        self.complain(written);
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let is_long = |page: &Page| page.lines > LONG && page.lines > 8 * self.living.len();
        match &mut self.page {
            Some(page) if !is_long(page) => {
                page.lines += 1;
                page.file.write_all(line.as_bytes())
            }
            _ => {
                // Both are true until the old one is gone.
                let fresh = self.begin_page()?;
                if let Some(old) = self.page.replace(fresh) {
                    self.tear_out(&old);
                }
                Ok(())
            }
        }
    }

    /// A new file, with all workers in it.
    fn begin_page(&self) -> io::Result<Page> {
        let mut page = self.open_page()?;
        let text =
            self.living.values().fold(header(&Origin::own()?), |text, worker| text + &addition(worker));
        if let Err(error) = page.file.write_all(text.as_bytes()) {
            self.tear_out(&page);
            return Err(error);
        }
        page.lines = self.living.len();
        Ok(page)
    }

    fn open_page(&self) -> io::Result<Page> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        // A host that starts may take a file that is not locked yet for a dead one's, and one that ends removes
        // the directory.
        for _ in 0..10 {
            let path =
                self.directory.ensure()?.join(format!("{}-{}", std::process::id(), hex(&random::<8>()?)));
            match OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => {
                    if file.try_lock().is_ok() && file.metadata()?.nlink() > 0 {
                        return Ok(Page { file, path, lines: 0 });
                    }
                    let _ = fs::remove_file(path);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn tear_out(&self, page: &Page) {
        if let Err(error) = fs::remove_file(&page.path) {
            tracing::warn!(%error, path = %page.path.display(), "cannot remove the record of the workers");
        }
        self.directory.remove_if_empty();
    }

    /// Once is enough: without a record everything else works.
    fn complain(&mut self, written: io::Result<()>) {
        if let Err(error) = written
            && !std::mem::replace(&mut self.has_complained, true)
        {
            let directory = self.directory.path().display();
            tracing::warn!(%error, %directory, "cannot record the workers: none is looked for after this host's death");
        }
    }
}
