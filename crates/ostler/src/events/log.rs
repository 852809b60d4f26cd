use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::reader::{self, Found};
use super::shelf::Shelf;
use super::{Dropped, JobEvent, JobEventKind};

/// Changes of state and chunks that a job's log holds at most; the oldest go first.
const EVENTS_KEPT: usize = 1_024;
/// What they may weigh together, in bytes; the newest is kept whatever it weighs.
const BYTES_KEPT: usize = 4 * 1024 * 1024;
/// The same for chatter. At a job's end what it printed last comes in one go, and the worker cannot be held up for it:
/// so that a reader who is behind by the half misses nothing of it, the other half is more than a worker's burst.
const CHATTER_KEPT: usize = 4_096 + 64;
const CHATTER_BYTES_KEPT: usize = 5 * 1024 * 1024;
/// How long the worker's connection is left unread for a cursor that has fallen behind.
const PATIENCE: Duration = Duration::from_secs(1);

/// All that happened to one job, bounded, in order.
///
/// Chatter has bounds of its own: however much a job prints, no chunk and no change of its state goes for it.
///
/// A cursor that reads sees everything: [`pace`](Self::pace) holds up the worker, not the host, while one is far
/// behind. A cursor that does not read for a second is no longer waited for, and is told what it missed; so is one that
/// asked for it at once.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    inner: Mutex<Inner>,
    grown: Notify,
    read: Notify,
}

#[derive(Debug)]
struct Inner {
    keepers: Shelf<JobEvent>,
    chatter: Shelf<JobEvent>,
    last_seq: u64,
    /// What was not even added, and is not told yet.
    dropped: Dropped,
    closed: bool,
    cursors: Vec<Position>,
    next_cursor: u64,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            keepers: Shelf::new(EVENTS_KEPT, BYTES_KEPT),
            chatter: Shelf::new(CHATTER_KEPT, CHATTER_BYTES_KEPT),
            last_seq: 0,
            dropped: Dropped::default(),
            closed: false,
            cursors: Vec::new(),
            next_cursor: 0,
        }
    }
}

#[derive(Debug)]
struct Position {
    cursor: u64,
    /// The number of the event that it reads next.
    next: u64,
    /// Whether the worker is held up for it.
    is_waited_for: bool,
    /// When it was first seen to be behind; it has not read since.
    behind_since: Option<Instant>,
}

impl EventLog {
    pub(crate) fn push(&self, at: Timestamp, kind: JobEventKind) -> JobEvent {
        let event = {
            let mut inner = self.lock();
            let inner = &mut *inner;
            inner.last_seq += 1;
            let event = JobEvent { seq: inner.last_seq, at, kind };
            let shelf = if event.kind.is_chatter() { &mut inner.chatter } else { &mut inner.keepers };
            shelf.push(event.clone());
            event
        };
        self.grown.notify_waiters();
        event
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.keepers.close();
        inner.chatter.close();
        drop(inner);
        self.grown.notify_waiters();
    }

    /// Counts what is not added, to be told later.
    pub(crate) fn count_dropped(&self, dropped: Dropped) {
        self.lock().dropped.add(dropped);
    }

    /// What was dropped since this was last asked; None if nothing was.
    pub(crate) fn take_dropped(&self) -> Option<Dropped> {
        self.lock().dropped.take()
    }

    /// What it takes of the host's memory, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let inner = self.lock();
        size_of::<Self>() + inner.keepers.weight() + inner.chatter.weight()
    }

    /// Returns when something was added or the log was closed since `grown` was made; see [`Notify::notified`].
    pub(crate) fn grown(&self) -> tokio::sync::futures::Notified<'_> {
        self.grown.notified()
    }

    /// Waits while a cursor that reads is so far behind that it would soon miss something.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn pace(&self) {
        loop {
            let read = self.read.notified();
            let Some(patience_ends) = self.lock().crowded_until() else { return };
            // Whether somebody has read, or is no longer waited for, is seen at the next look.
            let _ = tokio::time::timeout_at(patience_ends, read).await;
        }
    }

    /// Whether [`pace`](Self::pace) would wait.
    pub(crate) fn is_crowded(&self) -> bool {
        self.lock().crowded_until().is_some()
    }

    pub(super) fn attach(&self) -> u64 {
        let mut inner = self.lock();
        let cursor = inner.next_cursor;
        inner.next_cursor += 1;
        inner.cursors.push(Position { cursor, next: 1, is_waited_for: true, behind_since: None });
        cursor
    }

    /// Lets the cursor go on with the event of this number.
    pub(super) fn seek(&self, cursor: u64, seq: u64) {
        let mut inner = self.lock();
        if let Some(position) = inner.cursors.iter_mut().find(|position| position.cursor == cursor) {
            position.next = seq.max(1);
            position.behind_since = None;
        }
        drop(inner);
        self.read.notify_waiters();
    }

    /// From now on the worker is not held up for that cursor.
    pub(super) fn wait_no_more_for(&self, cursor: u64) {
        let mut inner = self.lock();
        if let Some(position) = inner.cursors.iter_mut().find(|position| position.cursor == cursor) {
            position.is_waited_for = false;
        }
        drop(inner);
        self.read.notify_waiters();
    }

    /// Returns when there is something for the cursor to read.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn news(&self, cursor: u64) {
        reader::news(self.grown(), || self.lock().has_news(cursor)).await;
    }

    pub(super) fn detach(&self, cursor: u64) {
        self.lock().cursors.retain(|position| position.cursor != cursor);
        self.read.notify_waiters();
    }

    pub(super) fn read(&self, cursor: u64) -> Found<JobEvent> {
        let found = self.lock().read(cursor);
        self.read.notify_waiters();
        found
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held; if something did, a log with a gap is still a log.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn read(&mut self, cursor: u64) -> Found<JobEvent> {
        let Some(position) = self.cursors.iter_mut().find(|position| position.cursor == cursor) else {
            return Found::End;
        };
        position.behind_since = None;
        let found = [&self.keepers, &self.chatter].into_iter().filter_map(|shelf| shelf.from(position.next));
        let Some(event) = found.min_by_key(|event| event.seq) else {
            return if self.closed { Found::End } else { Found::NothingYet };
        };
        let found = Found::at(position.next, event);
        position.next = found.follows(position.next);
        found
    }

    fn has_news(&self, cursor: u64) -> bool {
        let position = self.cursors.iter().find(|position| position.cursor == cursor);
        let has = |position: &Position| {
            [&self.keepers, &self.chatter].iter().any(|shelf| shelf.from(position.next).is_some())
        };
        self.closed || position.is_none_or(has)
    }

    fn is_behind(&self, position: &Position) -> bool {
        position.is_waited_for
            && (self.keepers.is_behind(position.next) || self.chatter.is_behind(position.next))
    }

    /// Until when a cursor is waited for that is behind; `None` if there is none, or not any more.
    fn crowded_until(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let behind: Vec<bool> = self.cursors.iter().map(|position| self.is_behind(position)).collect();
        let behind = self
            .cursors
            .iter_mut()
            .zip(behind)
            .filter_map(|(position, is_behind)| is_behind.then_some(position));
        behind
            .map(|position| *position.behind_since.get_or_insert(now) + PATIENCE)
            .filter(|&until| until > now)
            .min()
    }
}

#[cfg(test)]
mod tests;
