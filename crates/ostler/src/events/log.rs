use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{JobEvent, JobEventKind, Missed};

/// Events that a job's log holds at most; the oldest go first.
const EVENTS_KEPT: usize = 1_024;
/// What they may weigh together, in bytes; the newest is kept whatever it weighs.
const BYTES_KEPT: usize = 4 * 1024 * 1024;
/// How long the worker's connection is left unread for a cursor that has fallen behind.
const PATIENCE: Duration = Duration::from_secs(1);

/// All that happened to one job, bounded, in order.
///
/// A cursor that reads sees everything: [`pace`](Self::pace) holds up the worker, not the host, while one is far
/// behind. A cursor that does not read for a second is no longer waited for, and is told what it missed.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    inner: Mutex<Inner>,
    grown: Notify,
    read: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    events: VecDeque<JobEvent>,
    bytes: usize,
    last_seq: u64,
    closed: bool,
    cursors: Vec<Position>,
    next_cursor: u64,
}

#[derive(Debug)]
struct Position {
    cursor: u64,
    /// The number of the event that it reads next.
    next: u64,
    /// When it was first seen to be behind; it has not read since.
    behind_since: Option<Instant>,
}

/// What a cursor finds.
pub(super) enum Found {
    Event(JobEvent),
    Missed(Missed),
    NothingYet,
    End,
}

impl EventLog {
    pub(crate) fn push(&self, at: Timestamp, kind: JobEventKind) -> JobEvent {
        let event = {
            let mut inner = self.lock();
            inner.last_seq += 1;
            let event = JobEvent { seq: inner.last_seq, at, kind };
            inner.bytes += event.weight();
            inner.events.push_back(event.clone());
            while inner.events.len() > EVENTS_KEPT || (inner.bytes > BYTES_KEPT && inner.events.len() > 1) {
                let weight = inner.events.pop_front().map_or(0, |oldest| oldest.weight());
                inner.bytes -= weight;
            }
            event
        };
        self.grown.notify_waiters();
        event
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.grown.notify_waiters();
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

    pub(super) fn attach(&self) -> u64 {
        let mut inner = self.lock();
        let cursor = inner.next_cursor;
        inner.next_cursor += 1;
        inner.cursors.push(Position { cursor, next: 1, behind_since: None });
        cursor
    }

    pub(super) fn detach(&self, cursor: u64) {
        self.lock().cursors.retain(|position| position.cursor != cursor);
        self.read.notify_waiters();
    }

    pub(super) fn read(&self, cursor: u64) -> Found {
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
    fn first_seq(&self) -> u64 {
        self.last_seq + 1 - self.events.len() as u64
    }

    fn read(&mut self, cursor: u64) -> Found {
        let (first, last, closed) = (self.first_seq(), self.last_seq, self.closed);
        let Some(position) = self.cursors.iter_mut().find(|position| position.cursor == cursor) else {
            return Found::End;
        };
        position.behind_since = None;
        if position.next < first {
            let count = first - position.next;
            position.next = first;
            return Found::Missed(Missed { count });
        }
        if position.next > last {
            return if closed { Found::End } else { Found::NothingYet };
        }
        let index = (position.next - first) as usize;
        position.next += 1;
        self.events.get(index).cloned().map_or(Found::End, Found::Event)
    }

    fn is_behind(&self, position: &Position) -> bool {
        let unread = (self.last_seq + 1).saturating_sub(position.next);
        let is_full = self.events.len() > EVENTS_KEPT / 2 || self.bytes > BYTES_KEPT / 2;
        // More than half of what the log holds is news to it.
        is_full && unread * 2 > self.events.len() as u64
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
