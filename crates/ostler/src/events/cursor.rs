use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;

use super::reader::{self, Waiting};
use super::{EventLog, JobEvent};

/// Reads a job's events, from the first on: by [`next`](Self::next), or as a stream.
pub struct JobEvents {
    log: Arc<EventLog>,
    cursor: u64,
    waiting: Waiting,
}

/// Events that the log no longer holds: the reader was too slow, or began too late.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("missed {count} events")]
pub struct Missed {
    /// How many.
    pub count: u64,
}

impl JobEvents {
    pub(crate) fn new(log: Arc<EventLog>) -> Self {
        let cursor = log.attach();
        Self { log, cursor, waiting: Waiting::default() }
    }

    /// Begins with the event of this number, instead of the first one or of where the reader stands: what a reader needs
    /// that has lost its connection and knows the last number that it has seen. If that event is not held any more, the
    /// next call says how many are missed. If it has not happened yet, it is waited for.
    #[must_use]
    pub fn starting_at(self, seq: u64) -> Self {
        self.log.seek(self.cursor, seq);
        self
    }

    /// Never holds up the worker, however slow this reader is: it is told how many events it has missed. For readers whose
    /// speed is somebody else's, as at the other end of a network.
    #[must_use]
    pub fn unpaced(self) -> Self {
        self.log.wait_no_more_for(self.cursor);
        self
    }

    /// The next event; `None` after the job's last one.
    ///
    /// Everything that a job said comes before its end. While a reader keeps reading it misses nothing, because
    /// the worker is held up for it; one that pauses for longer than a second may, and one that is [unpaced](Self::unpaced).
    ///
    /// # Errors
    /// How many events were missed; the next call goes on behind them.
    ///
    /// # Cancel safety
    /// Cancel safe: an event is either returned or read next time.
    pub async fn next(&mut self) -> Option<Result<JobEvent, Missed>> {
        let Self { log, cursor, .. } = self;
        reader::next(|| log.grown(), || log.read(*cursor)).await
    }
}

impl Stream for JobEvents {
    type Item = Result<JobEvent, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { log, cursor, waiting } = &mut *self;
        let cursor = *cursor;
        let news = || {
            let log = Arc::clone(log);
            async move { log.news(cursor).await }
        };
        waiting.poll_next(context, || log.read(cursor), news)
    }
}

impl Drop for JobEvents {
    fn drop(&mut self) {
        self.log.detach(self.cursor);
    }
}

impl fmt::Debug for JobEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobEvents").finish_non_exhaustive()
    }
}
