use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::FuturesUnordered;

use super::JobHandle;
use crate::JobType;

/// The jobs of these handles as they end, whichever ends first. Jobs of several managers may be among them.
///
/// ```no_run
/// # async fn example(manager: ostler::JobManager<ostler::Bytes>, pages: Vec<ostler::Bytes>) -> ostler::Result<()> {
/// let mut jobs = Vec::new();
/// for page in pages {
///     jobs.push(manager.start_job("render", page).await?);
/// }
/// let mut ended = ostler::as_completed(jobs);
/// while let Some(job) = ended.next().await {
///     println!("{}: {:?}", job.id(), job.output().await);
/// }
/// # Ok(())
/// # }
/// ```
pub fn as_completed<J: JobType>(jobs: impl IntoIterator<Item = JobHandle<J>>) -> AsCompleted<J> {
    let ends = jobs.into_iter().map(|job| -> End<J> {
        Box::pin(async move {
            job.finished().await;
            job
        })
    });
    AsCompleted(ends.collect())
}

type End<J> = Pin<Box<dyn Future<Output = JobHandle<J>> + Send>>;

/// Jobs as they end: by [`next`](Self::next), or as a stream. Made by [`as_completed`].
#[must_use = "nothing is waited for until it is read"]
pub struct AsCompleted<J: JobType>(FuturesUnordered<End<J>>);

impl<J: JobType> AsCompleted<J> {
    /// The next job that has ended; `None` after the last one.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<JobHandle<J>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<J: JobType> Stream for AsCompleted<J> {
    type Item = JobHandle<J>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<JobHandle<J>>> {
        Pin::new(&mut self.0).poll_next(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl<J: JobType> fmt::Debug for AsCompleted<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("jobs", &self.0.len()).finish()
    }
}
