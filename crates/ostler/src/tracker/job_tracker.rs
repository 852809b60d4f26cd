use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ostler_lifecycle::{JobFailure, JobId, JobStatus};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{Id, JoinHandle};

use super::JobTrackerBuilder;
use super::state::{Adoption, Cancel, State, TaskEnd};
use super::task_guard::TaskGuard;
use crate::caught::say;
use crate::job::{self, new_id, panic_message};
use crate::{Job, JobResult, JobType, NewJob};

pub(super) type OnJobCompleted<J> = Box<dyn Fn(&JobTracker<J>, &Job<J>) + Send + Sync>;

/// Tracks the state of jobs that somebody else runs. It starts no process and asks no plugin; clones share
/// the jobs.
///
/// The calls that begin with `mark_` say what happened. They return whether it changed anything: a job that
/// is unknown or has ended is left as it is.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// use ostler::{JobTracker, JobType, NewJob};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Transcribe { file_path: String }
/// impl JobType for Transcribe { type Output = String; }
///
/// # async fn transcribe(file_path: &str) -> Result<String, String> { Ok(format!("text of {file_path}")) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let tracker = JobTracker::builder()
///     .on_job_completed(|_, job| println!("job {} completed: {:?}", job.id, job.result))
///     .build();
/// let job = tracker.create_job(NewJob::new("whisper", Transcribe { file_path: "/a.mp3".into() }));
/// let file_path = job.spec.file_path.clone();
/// tracker.spawn(job.id, async move { transcribe(&file_path).await });
/// # while tracker.get_job_result(job.id).is_none() { tokio::task::yield_now().await }
/// # assert!(tracker.get_job_result(job.id).unwrap().is_success());
/// # }
/// ```
pub struct JobTracker<J: JobType> {
    shared: Arc<Shared<J>>,
}

struct Shared<J: JobType> {
    state: Mutex<State<J>>,
    on_job_completed: Option<OnJobCompleted<J>>,
}

impl<J: JobType> JobTracker<J> {
    /// One that keeps all jobs until they are cleared, and calls nobody.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets up one with a callback or a bound.
    pub fn builder() -> JobTrackerBuilder<J> {
        JobTrackerBuilder::default()
    }

    pub(super) fn with(finished_kept: usize, on_job_completed: Option<OnJobCompleted<J>>) -> Self {
        let state = Mutex::new(State::new(finished_kept));
        Self { shared: Arc::new(Shared { state, on_job_completed }) }
    }

    /// Records a pending job under a new id. The request's attachments are not kept: hand them to what runs
    /// the job.
    pub fn create_job(&self, new: NewJob<J>) -> Arc<Job<J>> {
        let now = Timestamp::now();
        let (job, _) = new.into_job(new_id(now), now);
        let job = Arc::new(job);
        self.lock().ledger.create(job.clone());
        job
    }

    /// The job runs. What was said before stays: a repetition keeps its task and start time.
    pub fn mark_running(&self, id: JobId) -> bool {
        self.lock().ledger.mark_running(id, 1, None, Timestamp::now())
    }

    /// The job runs as this task, so that a cancel can abort it and wait for its end. The task hands in its
    /// own result by [`mark_completed`](Self::mark_completed) or [`mark_failed`](Self::mark_failed); if it
    /// panics or is aborted first, the job fails. A job that runs already gets the task as a further one,
    /// and a cancel ends all of them.
    ///
    /// Returns whether the job runs. If it was cancelled in the meantime, the task is aborted; if it ended
    /// otherwise or is unknown, the task is left alone. A cancel that comes between the start of the task
    /// and this call cannot wait for it: [`spawn`](Self::spawn) has no such gap.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn mark_running_with<T: Send + 'static>(&self, id: JobId, task: JoinHandle<T>) -> bool {
        let runtime = Handle::current();
        let adoption = self.lock().adopt(id, task.abort_handle(), Timestamp::now());
        if matches!(adoption, Adoption::Ending | Adoption::TooLate) {
            task.abort();
        }
        if matches!(adoption, Adoption::Running | Adoption::Ending) {
            let guard = TaskGuard::new(self.clone(), id, task.id());
            runtime.spawn(guard.watch(task));
        }
        matches!(adoption, Adoption::Running)
    }

    /// Runs this as the job's task and records how it ends: completed with its value, failed with its
    /// error, or failed because it panicked. Returns whether it was started: a job that has ended, is being
    /// cancelled or is unknown does not start.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn<F, E>(&self, id: JobId, work: F) -> bool
    where
        F: Future<Output = Result<J::Output, E>> + Send + 'static,
        E: Into<JobFailure> + Send + 'static,
    {
        // The gate keeps the work from beginning before a cancel can find it.
        let (open, gate) = oneshot::channel::<()>();
        let tracker = self.clone();
        let task = tokio::spawn(async move {
            if gate.await.is_err() {
                return;
            }
            match work.await {
                Ok(output) => tracker.mark_completed(id, output),
                Err(error) => tracker.mark_failed(id, error),
            };
        });
        self.mark_running_with(id, task) && open.send(()).is_ok()
    }

    /// The job answered. Then `on_job_completed` is called, before this returns.
    pub fn mark_completed(&self, id: JobId, output: J::Output) -> bool {
        let at = Timestamp::now();
        let mark = |state: &mut State<J>| {
            state.finish(id, |ledger| ledger.mark_completed(id, output, Vec::new(), at))
        };
        let Some(job) = self.settle(mark) else { return false };
        if let Some(callback) = &self.shared.on_job_completed
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| callback(self, &job)))
        {
            let (job, plugin, panic) = (id, &job.plugin_id, panic_message(&*panic));
            say!(error, %job, %plugin, panic, "on_job_completed panicked");
        }
        true
    }

    /// The job failed, for a reason in words or a [`JobFailure`].
    pub fn mark_failed(&self, id: JobId, error: impl Into<JobFailure>) -> bool {
        let (failure, at) = (Box::new(error.into()), Timestamp::now());
        self.settle(|state| state.finish(id, |ledger| ledger.mark_failed(id, failure, at))).is_some()
    }

    /// Cancels a job. A running one's task is aborted, and its end awaited; a pending job, or one that runs
    /// without a task, is cancelled at once.
    ///
    /// True once the job is cancelled. False if it is unknown, has ended, or if its result or failure came
    /// first. Callers at the same time share one outcome. A task can be aborted only where it awaits, and
    /// one of `spawn_blocking` only before it begins: otherwise this waits until the task ends by itself.
    ///
    /// # Cancel safety
    /// From its first poll on, the cancel goes on if the future is dropped; until the task's end the job
    /// stays in cancelling, and another call can wait for it.
    pub async fn cancel_job(&self, id: JobId) -> bool {
        match self.settle(|state| state.begin_cancel(id, Timestamp::now())) {
            Cancel::Refused => false,
            Cancel::Done => true,
            Cancel::Waits { aborts, mut outcome } => {
                aborts.iter().for_each(|task| task.abort());
                let ended = outcome.wait_for(Option::is_some).await;
                ended.is_ok_and(|status| *status == Some(JobStatus::Cancelled))
            }
        }
    }

    /// The job's record, as it stands now.
    pub fn get_job(&self, id: JobId) -> Option<Arc<Job<J>>> {
        self.lock().ledger.get(id)
    }

    /// All jobs, oldest first.
    pub fn get_all_jobs(&self) -> Vec<Arc<Job<J>>> {
        job::all(|page| self.lock().ledger.page(page))
    }

    /// The jobs that run or are being cancelled, oldest first.
    pub fn get_running_jobs(&self) -> Vec<Arc<Job<J>>> {
        self.lock().ledger.running()
    }

    /// How the job ended; None while it has not, or if it is unknown.
    pub fn get_job_result(&self, id: JobId) -> Option<JobResult<J::Output>> {
        let result = self.lock().ledger.result(id)?;
        result.read()
    }

    /// Forgets the jobs that have ended, and returns how many. With `keep_results`,
    /// [`get_job_result`](Self::get_job_result) goes on to answer for them, until a call without it.
    pub fn clear_completed(&self, keep_results: bool) -> usize {
        let finished = self.lock().ledger.finished();
        job::clear(finished, |most| self.lock().ledger.clear_completed(keep_results, most))
    }

    pub(super) fn task_ended(&self, id: JobId, task: Id, end: TaskEnd) {
        self.settle(|state| state.task_ended(id, task, end, Timestamp::now()));
    }

    /// Makes a change by which a job may end, and drops what had to go for it without the lock.
    fn settle<R>(&self, change: impl FnOnce(&mut State<J>) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        let evicted = state.ledger.take_evicted();
        drop(state);
        drop(evicted);
        result
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        // A panic in a user's Clone leaves the state as it was before.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J: JobType> Default for JobTracker<J> {
    fn default() -> Self {
        Self::new()
    }
}

impl<J: JobType> Clone for JobTracker<J> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<J: JobType> fmt::Debug for JobTracker<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobTracker").finish_non_exhaustive()
    }
}
