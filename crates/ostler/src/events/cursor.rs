use std::fmt;
use std::sync::Arc;

use super::log::Found;
use super::{EventLog, JobEvent};

/// Reads a job's events, from the first on.
pub struct JobEvents {
    log: Arc<EventLog>,
    cursor: u64,
}

/// Events that the log no longer holds: the reader was too slow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("missed {count} events")]
pub struct Missed {
    /// How many.
    pub count: u64,
}

impl JobEvents {
    pub(crate) fn new(log: Arc<EventLog>) -> Self {
        let cursor = log.attach();
        Self { log, cursor }
    }

    /// The next event; `None` after the job's last one.
    ///
    /// Everything that a job said comes before its end. While a reader keeps reading it misses nothing, because
    /// the worker is held up for it; one that pauses for longer than a second may.
    ///
    /// # Errors
    /// How many events were missed; the next call goes on behind them.
    ///
    /// # Cancel safety
    /// Cancel safe: an event is either returned or read next time.
    pub async fn next(&mut self) -> Option<Result<JobEvent, Missed>> {
        loop {
            // Registered before the look, so that nothing can come in between unseen.
            let mut grown = std::pin::pin!(self.log.grown());
            grown.as_mut().enable();
            match self.log.read(self.cursor) {
                Found::Event(event) => return Some(Ok(event)),
                Found::Missed(missed) => return Some(Err(missed)),
                Found::End => return None,
                Found::NothingYet => grown.await,
            }
        }
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
