use ostler_lifecycle::JobId;

use super::JobEventKind;
use crate::caught::say;

/// What a job said, and nobody will read.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Dropped {
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
}

impl Dropped {
    /// A line of so many bytes.
    pub(crate) const fn line(bytes: usize) -> Self {
        Self { lines: 1, bytes: bytes as u64 }
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.lines += more.lines;
        self.bytes += more.bytes;
    }

    /// What there is, if there is anything; it is gone then.
    pub(crate) fn take(&mut self) -> Option<Self> {
        let taken = std::mem::take(self);
        (taken.lines > 0).then_some(taken)
    }

    /// As an event of the job that said it.
    pub(crate) fn event_of(self, job: JobId) -> JobEventKind {
        say!(info, %job, self.lines, self.bytes, "it said too much: this was dropped");
        JobEventKind::OutputDropped { lines: self.lines, bytes: self.bytes }
    }
}
