use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::log::Found;
use super::manager_event::{ManagerEvent, ManagerEventKind, ManagerEvents};
use super::shelf::Shelf;

/// Events of a manager that are held at most; the oldest go first.
const EVENTS_KEPT: usize = 1_024;
/// What they may weigh together, in bytes; the newest is kept whatever it weighs.
const BYTES_KEPT: usize = 16 * 1024 * 1024;

/// Numbers what happens in a manager. From the first reader on it also keeps the newest events: a manager that nobody listens
/// to makes none.
#[derive(Debug, Default)]
pub(crate) struct ManagerLog {
    last_seq: u64,
    is_closed: bool,
    kept: Option<Arc<Kept>>,
}

/// What readers share.
#[derive(Debug)]
pub(super) struct Kept {
    inner: Mutex<Inner>,
    grown: Notify,
}

#[derive(Debug)]
struct Inner {
    shelf: Shelf<ManagerEvent>,
    is_closed: bool,
}

impl ManagerLog {
    /// Something has happened.
    pub(crate) fn push(&mut self, kind: impl FnOnce() -> ManagerEventKind) {
        self.last_seq += 1;
        if let Some(kept) = &self.kept {
            kept.push(ManagerEvent { seq: self.last_seq, at: Timestamp::now(), kind: kind() });
        }
    }

    /// Nothing more will come.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        if let Some(kept) = &self.kept {
            kept.lock().is_closed = true;
            kept.grown.notify_waiters();
        }
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether events are kept.
    pub(crate) const fn has_reader(&self) -> bool {
        self.kept.is_some()
    }

    /// Reads what happens from now on.
    pub(crate) fn events(&mut self) -> ManagerEvents {
        let is_closed = self.is_closed;
        let kept = self.kept.get_or_insert_with(|| Arc::new(Kept::new(is_closed)));
        ManagerEvents::new(Arc::clone(kept), self.last_seq + 1)
    }
}

impl Kept {
    fn new(is_closed: bool) -> Self {
        let shelf = Shelf::new(EVENTS_KEPT, BYTES_KEPT);
        Self { inner: Mutex::new(Inner { shelf, is_closed }), grown: Notify::new() }
    }

    fn push(&self, event: ManagerEvent) {
        self.lock().shelf.push(event);
        self.grown.notify_waiters();
    }

    /// Returns when something was added or the log was closed since it was made; see [`Notify::notified`].
    pub(super) fn grown(&self) -> tokio::sync::futures::Notified<'_> {
        self.grown.notified()
    }

    /// Returns when there is something to read from this number on.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn news(&self, next: u64) {
        // Registered before the look, so that nothing can come in between unseen.
        let mut grown = std::pin::pin!(self.grown());
        grown.as_mut().enable();
        if matches!(self.read(next), Found::NothingYet) {
            grown.await;
        }
    }

    /// The event of this number, if it is held, or how many are missed until the next one that is.
    pub(super) fn read(&self, next: u64) -> Found<ManagerEvent> {
        let inner = self.lock();
        match inner.shelf.from(next) {
            Some(event) => Found::at(next, event),
            None if inner.is_closed => Found::End,
            None => Found::NothingYet,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held; if something did, a log with a gap is still a log.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
