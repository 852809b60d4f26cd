use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;

use tokio::task::coop::consume_budget;

use super::log::Found;
use super::{EventLog, JobEvent};

/// Reads a job's events, from the first on: by [`next`](Self::next), or as a stream.
pub struct JobEvents {
    log: Arc<EventLog>,
    cursor: u64,
    /// Set while a stream waits for more.
    news: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
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
        Self { log, cursor, news: None }
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
        // A long log must not take the turn of others.
        consume_budget().await;
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

impl Stream for JobEvents {
    type Item = Result<JobEvent, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.log.read(self.cursor) {
                Found::Event(event) => return Poll::Ready(Some(Ok(event))),
                Found::Missed(missed) => return Poll::Ready(Some(Err(missed))),
                Found::End => return Poll::Ready(None),
                Found::NothingYet => {}
            }
            let (log, cursor) = (Arc::clone(&self.log), self.cursor);
            let news = self.news.get_or_insert_with(|| Box::pin(async move { log.news(cursor).await }));
            ready!(news.as_mut().poll(context));
            self.news = None;
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
