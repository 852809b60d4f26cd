//! Up to when what a worker said has been read. Nothing that a worker did too late is judged before that.

use std::time::Instant;

/// What a worker said before a deadline may lie unread when the deadline has passed: the host was stopped, or busy. So
/// the driver is asked to feed in all that is there, and only then the deadline is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct ReadMark {
    until: Option<Instant>,
    /// Since when the driver is reading what is there.
    asked: Option<Instant>,
}

impl ReadMark {
    /// Whether all that was said until then was read.
    pub(crate) fn covers(&self, deadline: Instant) -> bool {
        self.until.is_some_and(|until| deadline <= until)
    }

    /// Whether the driver is reading what is there.
    pub(crate) fn is_awaited(&self) -> bool {
        self.asked.is_some()
    }

    /// Notes that the driver is to read what is there; false if it does already.
    pub(crate) fn ask(&mut self, now: Instant) -> bool {
        let is_new = self.asked.is_none();
        self.asked.get_or_insert(now);
        is_new
    }

    /// The driver has read all that was there when it was asked; false if nobody had asked.
    pub(crate) fn answered(&mut self) -> bool {
        let Some(asked) = self.asked.take() else { return false };
        self.until = Some(asked);
        true
    }
}
