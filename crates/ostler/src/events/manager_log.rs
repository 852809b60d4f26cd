use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::manager_event::{ManagerEvent, ManagerEventKind, ManagerEvents};
use super::reader::{self, Found};
use super::shelf::Shelf;

/// Events of a manager that are held at most; the oldest go first.
const EVENTS_KEPT: usize = 1_024;
/// What they may weigh together, in bytes; the newest is kept whatever it weighs.
const BYTES_KEPT: usize = 16 * 1024 * 1024;

/// What happens in a manager, numbered, from its first reader on: one that nobody has ever listened to makes no events.
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
    /// Something has happened. What happens after the end is told to nobody: readers know that there is nothing more.
    pub(crate) fn push(&mut self, at: Timestamp, kind: impl FnOnce() -> ManagerEventKind) {
        if let Some(kept) = &self.kept
            && !self.is_closed
        {
            self.last_seq += 1;
            kept.push(ManagerEvent { seq: self.last_seq, at, kind: kind() });
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

    /// Whether anybody may read what happens next.
    pub(crate) const fn has_reader(&self) -> bool {
        self.kept.is_some() && !self.is_closed
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
        let has_news = || {
            let inner = self.lock();
            inner.is_closed || inner.shelf.from(next).is_some()
        };
        reader::news(self.grown(), has_news).await;
    }

    /// The event of this number, if it is held, or how many are missed until the next one that is; and goes on behind that.
    pub(super) fn read(&self, next: &mut u64) -> Found<ManagerEvent> {
        let inner = self.lock();
        let found = match inner.shelf.from(*next) {
            Some(event) => Found::at(*next, event),
            None if inner.is_closed => Found::End,
            None => Found::NothingYet,
        };
        *next = found.follows(*next);
        found
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held; if something did, a log with a gap is still a log.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::task::Context;

    use futures_util::{FutureExt, StreamExt};
    use ostler_lifecycle::JobId;
    use ostler_wire::Payload;

    use super::*;
    use crate::{JobEvent, JobEventKind, Missed};

    fn push(log: &mut ManagerLog, bytes: usize) {
        let kind = JobEventKind::Chunk { seq: 0, is_final: false, payload: Payload::raw(vec![0; bytes]) };
        let at = Timestamp::UNIX_EPOCH;
        let event = JobEvent { seq: 1, at, kind };
        let job = JobId::from_uuid(uuid::Uuid::from_u128(1));
        log.push(at, || ManagerEventKind::Job { job, plugin: "lab".into(), event });
    }

    #[tokio::test]
    async fn it_is_bounded_in_number_and_in_bytes_and_says_how_many_are_missed() {
        let mut log = ManagerLog::default();
        let mut events = log.events();
        for _ in 0..EVENTS_KEPT + 3 {
            push(&mut log, 1);
        }
        assert_eq!(events.next().await.unwrap().unwrap_err(), Missed { count: 3 });
        assert_eq!(events.next().await.unwrap().unwrap().seq, 4);
        push(&mut log, BYTES_KEPT);
        let last = EVENTS_KEPT as u64 + 4;
        assert_eq!(events.next().await.unwrap().unwrap_err(), Missed { count: last - 5 });
        assert_eq!(events.next().await.unwrap().unwrap().seq, last);
    }

    #[tokio::test]
    async fn it_is_awaited_and_polled_by_turns_and_nothing_is_lost_in_between() {
        let mut log = ManagerLog::default();
        let mut events = log.events();
        let mut context = Context::from_waker(std::task::Waker::noop());
        for seq in 1..=10 {
            assert!(events.poll_next_unpin(&mut context).is_pending());
            assert!(events.next().now_or_never().is_none());
            push(&mut log, 1);
            let event = if seq % 2 == 0 { events.next().await } else { StreamExt::next(&mut events).await };
            assert_eq!(event.unwrap().unwrap().seq, seq);
        }
        log.close();
        push(&mut log, 1);
        assert!(StreamExt::next(&mut events).await.is_none());
        assert!(!log.has_reader());
    }
}
