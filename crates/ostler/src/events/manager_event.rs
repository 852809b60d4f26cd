use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use jiff::Timestamp;
use ostler_lifecycle::{DegradedReason, DownReason, JobId};
use serde::Serialize;

use super::manager_log::Kept;
use super::reader::{self, Waiting};
use super::shelf::Event;
use super::{JobEvent, Missed};
use crate::PluginId;
use crate::integration::WorkerState;

/// One thing that happened in a manager. In JSON it is one object, as in
/// `{"seq": 3, "at": "2026-01-02T03:04:05Z", "type": "worker", "data": …}`.
#[derive(Clone, Debug, Serialize)]
pub struct ManagerEvent {
    /// Its number, without a gap: 1 is the first event after the manager's first reader came, and until then nothing has a
    /// number.
    pub seq: u64,
    /// When the host learned of it.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: ManagerEventKind,
}

/// What can happen in a manager.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum ManagerEventKind {
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

impl Event for ManagerEvent {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn weight(&self) -> usize {
        match &self.kind {
            ManagerEventKind::Job { event, .. } => event.weight(),
            _ => 0,
        }
    }
}

/// Reads a manager's events, from the subscription on: by [`next`](Self::next), or as a stream. The manager never waits for
/// a reader. From its first reader on it holds its last 1,024 events, or fewer if they are more than 16 MiB, also while nobody
/// reads.
pub struct ManagerEvents {
    log: Arc<Kept>,
    next: u64,
    waiting: Waiting,
}

impl ManagerEvents {
    pub(super) fn new(log: Arc<Kept>, next: u64) -> Self {
        Self { log, next, waiting: Waiting::default() }
    }

    /// Begins with the event of this number, instead of what happens next: what a reader needs that has lost its connection
    /// and knows the last number that it has seen. If that event is not held any more, the next call says how many are
    /// missed. If it has not happened yet, it is waited for; the manager's end is told all the same.
    #[must_use]
    pub fn starting_at(mut self, seq: u64) -> Self {
        self.next = seq.max(1);
        self
    }

    /// The next event; `None` after the manager's shutdown.
    ///
    /// # Errors
    /// How many events were missed; the next call goes on behind them.
    ///
    /// # Cancel safety
    /// Cancel safe: an event is either returned or read next time.
    pub async fn next(&mut self) -> Option<Result<ManagerEvent, Missed>> {
        let Self { log, next, .. } = self;
        reader::next(|| log.grown(), || log.read(next)).await
    }
}

impl Stream for ManagerEvents {
    type Item = Result<ManagerEvent, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { log, next, waiting } = &mut *self;
        let from = *next;
        let news = || {
            let log = Arc::clone(log);
            async move { log.news(from).await }
        };
        waiting.poll_next(context, || log.read(next), news)
    }
}

impl fmt::Debug for ManagerEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerEvents").field("next", &self.next).finish_non_exhaustive()
    }
}
