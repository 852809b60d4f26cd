use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use ostler_shm::without_sigxfsz;
use rustix::process::getpid;

use super::procfs::Stat;
use super::random::{hex, random};
use super::record_directory::RecordDirectory;
use super::record_text::{Noted, Origin, addition, header, host, removal};
use super::worker_id::WorkerId;
use crate::say;

/// More lines than this, and more than a few for each living worker, are written anew.
const LONG: usize = 1000;

/// The workers that this process has, in a file that outlives it: a later host ends those that are left over.
///
/// The file is locked for as long as this process lives, so whoever gets the lock knows that it is dead; and it says
/// whose it is, as a process that this one has forked may keep the lock. Lines
/// are only ever added to it, so it is right whenever this process dies. It is there while there are workers.
///
/// What cannot be written now, since the disk is full or no file can be opened, is written by [`Record::catch_up`].
pub(super) struct Record {
    directory: RecordDirectory,
    living: HashMap<WorkerId, Noted>,
    page: Option<Page>,
    /// Whether somebody who lives may not be in the file.
    is_behind: bool,
    has_complained: bool,
}

struct Page {
    file: File,
    path: PathBuf,
    lines: usize,
    /// Half a line may be at its end, which would spoil the next one.
    is_torn: bool,
}

impl Record {
    pub(super) fn new(directory: RecordDirectory) -> Self {
        Self { directory, living: HashMap::new(), page: None, is_behind: false, has_complained: false }
    }

    pub(super) fn add(&mut self, worker: Noted) {
        self.living.insert(worker.id, worker);
        let written = self.write(&addition(&worker));
        self.is_behind |= written.is_err();
        self.complain(written);
    }

    /// Whether a write has failed, so that a living worker may not be on record.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Tries again what could not be written. Says whether all is written now.
    pub(super) fn catch_up(&mut self) -> bool {
        if self.is_behind {
            let written = self.turn_page();
            if written.is_ok() && std::mem::take(&mut self.has_complained) {
                say!(info, "the workers are on record again");
            }
            self.complain(written);
        }
        !self.is_behind
    }

    /// The worker is dead, and nothing of it is left.
    pub(super) fn remove(&mut self, id: WorkerId) {
        if self.living.remove(&id).is_none() {
            return;
        }
        if self.living.is_empty() {
            self.is_behind = false;
            if let Some(page) = self.page.take() {
                self.tear_out(&page);
            }
            return;
        }
        // If it stays in the file, a later host finds nobody with its number and its mark.
        let written = self.write(&removal(id));
        self.complain(written);
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let is_long = |page: &Page| page.lines > LONG && page.lines > 8 * self.living.len();
        match &mut self.page {
            Some(page) if !is_long(page) && !page.is_torn => page.write(line),
            _ => self.turn_page(),
        }
    }

    /// Begins a new file that says what the old one should say. Both are true until the old one is gone.
    fn turn_page(&mut self) -> io::Result<()> {
        let fresh = self.begin_page()?;
        self.is_behind = false;
        if let Some(old) = self.page.replace(fresh) {
            self.tear_out(&old);
        }
        Ok(())
    }

    /// A new file, with all workers in it.
    fn begin_page(&self) -> io::Result<Page> {
        // Before there is a file: without a free descriptor for this, an empty one would be left each time.
        let own = Stat::of(getpid())?.map(|stat| host(getpid(), stat.start));
        let head = header(&Origin::own()?) + &own.unwrap_or_default();
        let mut page = self.open_page()?;
        let text = self.living.values().fold(head, |text, worker| text + &addition(worker));
        if let Err(error) = page.write(&text) {
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
                        return Ok(Page { file, path, lines: 0, is_torn: false });
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
            say!(warn, %error, path = %page.path.display(), "cannot remove the record of the workers");
        }
        self.directory.remove_if_empty();
    }

    /// Once is enough until it goes well again: without a record everything else works.
    fn complain(&mut self, written: io::Result<()>) {
        if let Err(error) = written
            && !std::mem::replace(&mut self.has_complained, true)
        {
            let directory = self.directory.path().display();
            say!(warn, %error, %directory, "cannot record the workers: until that goes well, not all are looked for after this host's death");
        }
    }
}

impl Page {
    fn write(&mut self, text: &str) -> io::Result<()> {
        self.lines += 1;
        // A limit of the size of files would end the host with a signal.
        let written = without_sigxfsz(|| self.file.write_all(text.as_bytes()));
        self.is_torn |= written.is_err();
        written
    }
}
