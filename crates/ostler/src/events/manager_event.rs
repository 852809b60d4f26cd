use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use ostler_lifecycle::{DegradedReason, DownReason, JobId};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{JobEvent, Missed};
use crate::PluginId;
use crate::integration::WorkerState;
use crate::receiver::Receiver;

/// One thing that happened in a manager. In JSON it is `{"type": "job", "data": …}`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum ManagerEvent {
    /// To a job.
    Job {
        /// The job.
        job: JobId,
        /// Its plugin.
        plugin: PluginId,
        /// What happened, with its number among the job's events.
        event: JobEvent,
    },
    /// To a worker.
    Worker(WorkerEvent),
    /// A restart budget is spent while a worker lives: jobs run in the workers that there are, and the others are tried
    /// again when the budget has room.
    Degraded(DegradedReason),
    /// The workers that were missing are there again, or are not wanted any more.
    Recovered,
    /// No worker lives, and none will come until `restart_worker()`.
    Down(DownReason),
    /// `restart_worker()` cleared it.
    Up,
    /// [`pause`](crate::JobManager::pause) was called: no job starts.
    Paused,
    /// [`resume`](crate::JobManager::resume) was called: jobs start again.
    Resumed,
    /// A limit to the growth of workers would end every one after its first job: it is not heeded. With the figures.
    RecyclingRefused(String),
}

/// A worker has come to this.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WorkerEvent {
    /// The worker, and what it is doing now.
    pub state: WorkerState,
    /// Why it is gone, as the rest of a sentence that begins with "the worker".
    pub cause: Option<String>,
}

/// Reads a manager's events, from the subscription on: by [`next`](Self::next), or as a stream.
#[derive(Debug)]
pub struct ManagerEvents(Option<Receiver<ManagerEvent>>);

impl ManagerEvents {
    /// `None` for a manager that is shut down.
    pub(crate) fn new(receiver: Option<broadcast::Receiver<ManagerEvent>>) -> Self {
        Self(receiver.map(Receiver::new))
    }

    /// The next event; `None` after the manager's shutdown. The manager never waits for a reader: one that is more
    /// than 1,024 events behind is told how many it missed.
    ///
    /// # Errors
    /// How many events were missed; the next call goes on behind them.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Result<ManagerEvent, Missed>> {
        event(self.0.as_mut()?.recv().await)
    }
}

impl Stream for ManagerEvents {
    type Item = Result<ManagerEvent, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Some(receiver) => receiver.poll_recv(context).map(event),
            None => Poll::Ready(None),
        }
    }
}

fn event(received: Result<ManagerEvent, RecvError>) -> Option<Result<ManagerEvent, Missed>> {
    match received {
        Ok(event) => Some(Ok(event)),
        Err(RecvError::Lagged(count)) => Some(Err(Missed { count })),
        Err(RecvError::Closed) => None,
    }
}
