use std::fmt;
use std::pin::Pin;

use futures_util::Stream;
use ostler_lifecycle::JobId;
use ostler_wire::{Encoding, Payload};
use serde_json::Value;

use super::{Control, JobPage, JobQuery, Overview};
use crate::{CancelOutcome, CancelRequest, Error, JobEvent, ManagerEvent, Missed, NewJob};

/// What is answered later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What happens, as it happens. One that is too slow is told how much it has missed, and holds up nobody.
pub type EventStream<T> = Pin<Box<dyn Stream<Item = Result<T, Missed>> + Send>>;

/// A job that was accepted.
#[must_use = "the job goes on whether it is looked at or not"]
pub struct Started {
    /// Its id.
    pub id: JobId,
    /// Waits for its end: its output in the encoding of its spec, and what was attached to its result; or why it has none.
    /// Also of a job that is forgotten at once. To drop this changes nothing.
    pub output: Answer<'static, Payload>,
}

/// A manager of jobs of any type, seen as payloads and JSON. Every [`JobManager`](crate::JobManager) is one.
///
/// It can be a trait object. It answers later and may fail, since it may also be one that reads a disk or asks another
/// machine: its errors of its own are [`Error::OfOtherManager`]. One in this process answers from memory, and waits for nothing
/// but the end of a job and the effect of a control.
///
/// ```
/// use ostler::any::{AnyManager, JobQuery};
/// use ostler::{CancelRequest, NewJob, Payload};
/// use serde_json::json;
///
/// async fn run(manager: &dyn AnyManager) -> ostler::Result<()> {
///     let job = manager.start(NewJob::new("word_counter", Payload::json(&json!({ "text": "a b" }))?)).await?;
///     for job in manager.jobs(JobQuery::default()).await?.jobs {
///         println!("{} {}", job["id"], job["status"]);
///     }
///     println!("{:?}", job.output.await?);
///     let _outcome = manager.cancel(job.id, CancelRequest::new()).await?;
///     Ok(())
/// }
/// ```
pub trait AnyManager: Send + Sync + 'static {
    /// The type of the workers, as in event names.
    fn worker_type(&self) -> &str;

    /// Starts a job whose spec is the body of a payload, in the payload's encoding. What is attached to the payload is
    /// attached to the job, behind what is attached to the job itself. Answers once the job is accepted.
    ///
    /// # Errors
    /// The body is no spec of this manager's jobs, or the job was not accepted. Nothing was queued.
    ///
    /// # Cancel safety
    /// If the future is dropped, the job was either accepted or not.
    fn start(&self, job: NewJob<Payload>) -> Answer<'_, Started>;

    /// Waits for the end of a job, and answers with its output in this encoding and with what was attached to its result.
    /// `None` if the job is unknown.
    ///
    /// # Errors
    /// The job has failed or was cancelled, or its output cannot be encoded so.
    ///
    /// # Cancel safety
    /// Cancel safe.
    fn output(&self, id: JobId, encoding: Encoding) -> Answer<'_, Option<Payload>>;

    /// The record of a job in JSON, as it stands now: what [`Job`](crate::Job) is in JSON. `None` if the job is unknown.
    ///
    /// # Errors
    /// The record cannot be read, or its spec or output is not JSON.
    ///
    /// # Cancel safety
    /// Cancel safe.
    fn job(&self, id: JobId) -> Answer<'_, Option<Value>>;

    /// Some of the jobs, in the order of their creation.
    ///
    /// # Errors
    /// As of [`job`](Self::job).
    ///
    /// # Cancel safety
    /// Cancel safe.
    fn jobs(&self, query: JobQuery) -> Answer<'_, JobPage>;

    /// What happened to a job, from the event of this number on; the first one is 1. `None` if the job is unknown or its
    /// events had to make room.
    ///
    /// # Errors
    /// The events cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe.
    fn job_events(&self, id: JobId, from: u64) -> Answer<'_, Option<EventStream<JobEvent>>>;

    /// What happens in the manager, from the event of this number on; `None` for what happens from now on.
    ///
    /// # Errors
    /// The events cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe.
    fn events(&self, from: Option<u64>) -> Answer<'_, EventStream<ManagerEvent>>;

    /// Cancels a job; see [`JobHandle::cancel`](crate::JobHandle::cancel).
    ///
    /// # Errors
    /// The job's process was killed and does not die.
    ///
    /// # Cancel safety
    /// The cancel goes on if the future is dropped.
    fn cancel(&self, id: JobId, request: CancelRequest) -> Answer<'_, CancelOutcome>;

    /// How the manager stands: health, counts, workers, plugins.
    ///
    /// # Errors
    /// The manager cannot be asked.
    ///
    /// # Cancel safety
    /// Cancel safe.
    fn overview(&self) -> Answer<'_, Overview>;

    /// Does something to the pool, to its plugins, or to a job in quarantine.
    ///
    /// # Errors
    /// As the method of [`JobManager`](crate::JobManager) that the control is named after.
    ///
    /// # Cancel safety
    /// What was begun goes on if the future is dropped.
    fn control(&self, control: Control) -> Answer<'_, ()>;
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("id", &self.id).finish_non_exhaustive()
    }
}
