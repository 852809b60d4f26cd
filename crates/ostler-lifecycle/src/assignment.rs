use std::time::{Duration, Instant};

use crate::{JobId, RequestId};

/// A job inside a worker.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) job: JobId,
    pub(crate) attempt: u32,
    pub(crate) request: RequestId,
    pub(crate) stage: Stage,
    /// How long it may report nothing, and when it did last.
    pub(crate) stall: Option<(Duration, Instant)>,
    /// When the pool's time was up: it ends with the pool.
    pub(crate) interrupted_at: Option<Instant>,
}

impl Assignment {
    /// When it has reported nothing for too long.
    pub(crate) fn stalls_at(&self) -> Option<Instant> {
        let (patience, reported) = self.stall?;
        matches!(self.stage, Stage::Running { .. }).then(|| reported + patience)
    }

    /// Whether this result is the one that was asked for, and nothing has come before it.
    pub(crate) fn awaits_result(&self, request: RequestId, job: JobId, attempt: u32) -> bool {
        matches!(self.stage, Stage::Running { .. })
            && (request, job, attempt) == (self.request, self.job, self.attempt)
    }

    /// Whether it was asked to end, whatever for.
    pub(crate) fn is_to_end(&self) -> bool {
        matches!(self.stage, Stage::Overtime { .. } | Stage::Leaving)
    }

    pub(crate) fn reported(&mut self, now: Instant) {
        if let Some((_, reported)) = &mut self.stall {
            *reported = now;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Sent; the worker has not said that it began.
    Sent,
    /// Began. The next chunk has this number.
    Running { next_chunk: u64 },
    /// Has run for longer than it may, and was asked to end; the kill comes at the deadline.
    Overtime { timeout: Duration },
    /// Was asked to end because it is cancelled; the kill comes at the deadline.
    Leaving,
}
