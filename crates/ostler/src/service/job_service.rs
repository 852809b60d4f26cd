use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ostler_lifecycle::{JobId, JobStatus};
use ostler_wire::Payload;
use tracing::Instrument;

use super::{ExecutorError, PluginExecutor, ServiceError, ServiceFailure, ServiceJob};
use crate::PluginId;
use crate::caught::caught;
use crate::job::{new_id, panic_message};

/// Keeps the records of jobs and leaves their execution to a [`PluginExecutor`]: it never calls a plugin
/// itself. Clones share the jobs.
pub struct JobService<E> {
    executor: Arc<E>,
    jobs: Arc<Jobs>,
}

type Jobs = Mutex<HashMap<JobId, Arc<ServiceJob>>>;
type Outcome = Result<Payload, ServiceFailure>;

impl<E: PluginExecutor> JobService<E> {
    /// A service without jobs.
    pub fn new(executor: E) -> Self {
        Self { executor: Arc::new(executor), jobs: Arc::default() }
    }

    /// Records a pending job. Nothing runs before [`run_job`](Self::run_job).
    pub fn create_job(&self, plugin: impl Into<PluginId>, payload: Payload) -> JobId {
        let created_at = Timestamp::now();
        let id = new_id(created_at);
        let job = ServiceJob {
            id,
            plugin: plugin.into(),
            payload,
            status: JobStatus::Pending,
            created_at,
            started_at: None,
            completed_at: None,
            result: None,
            error: None,
        };
        lock(&self.jobs).insert(id, Arc::new(job));
        id
    }

    /// Runs a pending job to its end, and returns what the plugin answered.
    ///
    /// # Errors
    /// If the job is unknown, was run before, or fails; a panic of the executor is a failure too.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// From its first poll on, the job runs as a task of its own: if the future is dropped, the job goes on,
    /// and its record tells how it ended. If the runtime is shut down under it, it fails as `Interrupted`.
    pub async fn run_job(&self, id: JobId) -> Result<Payload, ServiceError> {
        let running = Running::begin(&self.jobs, id)?;
        let (plugin, payload) = (running.job.plugin.clone(), running.job.payload.clone());
        let executor = self.executor.clone();
        let span = tracing::info_span!("run_job", job = %id, %plugin);
        let work = async move {
            let answer = caught(async { executor.execute_plugin(&plugin, payload).await }).await;
            running.end(answer.unwrap_or_else(|panic| {
                let message = format!("the executor panicked: {}", panic_message(&*panic));
                Err(ExecutorError::new("Panicked", message))
            }))
        };
        let interrupted = |plugin| ServiceFailure::new(plugin, interruption());
        let outcome = match tokio::spawn(work.instrument(span)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(interrupted(&self.get_job(id)?.plugin)),
        };
        outcome.map_err(ServiceError::Failed)
    }

    /// The job's record, as it stands now.
    ///
    /// # Errors
    /// If the job is unknown.
    pub fn get_job(&self, id: JobId) -> Result<Arc<ServiceJob>, ServiceError> {
        lock(&self.jobs).get(&id).cloned().ok_or(ServiceError::JobNotFound { id })
    }

    /// Forgets the jobs that have ended, with their payloads and results, and returns how many.
    pub fn clear_completed(&self) -> usize {
        let ended: Vec<_> = lock(&self.jobs).extract_if(|_, job| job.status.is_terminal()).collect();
        ended.len()
    }
}

impl<E> Clone for JobService<E> {
    fn clone(&self) -> Self {
        Self { executor: self.executor.clone(), jobs: self.jobs.clone() }
    }
}

impl<E> fmt::Debug for JobService<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobService").field("jobs", &lock(&self.jobs).len()).finish_non_exhaustive()
    }
}

/// A job that was begun. It ends when this does, whatever happens to the task that holds it.
struct Running {
    jobs: Arc<Jobs>,
    job: Arc<ServiceJob>,
    ended: bool,
}

impl Running {
    fn begin(jobs: &Arc<Jobs>, id: JobId) -> Result<Self, ServiceError> {
        let mut map = lock(jobs);
        let job = map.get_mut(&id).ok_or(ServiceError::JobNotFound { id })?;
        if job.status != JobStatus::Pending {
            return Err(ServiceError::AlreadyRun { id, status: job.status });
        }
        let record = Arc::make_mut(job);
        record.status = JobStatus::Running;
        record.started_at = Some(Timestamp::now());
        Ok(Self { jobs: jobs.clone(), job: job.clone(), ended: false })
    }

    fn end(mut self, answer: Result<Payload, ExecutorError>) -> Outcome {
        let outcome = answer.map_err(|error| ServiceFailure::new(&self.job.plugin, error));
        self.record(&outcome);
        outcome
    }

    fn record(&mut self, outcome: &Outcome) {
        self.ended = true;
        let mut map = lock(&self.jobs);
        let Some(job) = map.get_mut(&self.job.id) else { return };
        let record = Arc::make_mut(job);
        record.completed_at = Some(Timestamp::now());
        match outcome.clone() {
            Ok(answer) => {
                record.status = JobStatus::Completed;
                record.result = Some(answer);
            }
            Err(failure) => {
                record.status = JobStatus::Failed;
                record.error = Some(failure);
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let outcome = Err(ServiceFailure::new(&self.job.plugin, interruption()));
            self.record(&outcome);
        }
    }
}

fn interruption() -> ExecutorError {
    ExecutorError::new("Interrupted", "the runtime was shut down before the plugin answered")
}

fn lock(jobs: &Jobs) -> MutexGuard<'_, HashMap<JobId, Arc<ServiceJob>>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}
