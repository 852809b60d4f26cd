use std::future::Future;

use ostler_lifecycle::Admission;
use ostler_wire::Payload;
use serde_json::Value;

use crate::default_hook::{Nothing, Proceed};
use crate::integration::WorkerState;
use crate::{
    HookError, Job, JobManager, JobType, LaunchError, NewJob, PluginConfig, PluginId, WorkerCommand,
    WorkerConfig,
};

/// What a host implements for one type of job: which workers run it, and what happens around it.
///
/// Two methods are required; the others are hooks with a default.
///
/// None of them runs under a lock. A panic in one is an error where there is somebody to tell
/// ([`HookPanicked`](crate::HookPanicked)), else it is logged. Those that are no futures run on the thread that needs
/// their answer, so they should not block.
///
/// ```
/// use ostler::{BaseJobManager, JobType, WorkerCommand};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct CountWords { text: String }
/// impl JobType for CountWords { type Output = u64; }
///
/// struct TextJobs;
/// impl BaseJobManager<CountWords> for TextJobs {
///     fn worker_type(&self) -> &str { "text" }
///     fn get_worker_entry_point(&self) -> WorkerCommand { WorkerCommand::current_exe() }
/// }
/// ```
pub trait BaseJobManager<J: JobType>: Send + Sync + 'static {
    /// The name of this kind of worker, as in event names: "transcription", "thumbnail".
    fn worker_type(&self) -> &str;

    /// How a worker process is started.
    fn get_worker_entry_point(&self) -> WorkerCommand;

    /// Which plugins of the registry are ours. Default: those of the category that is named like the worker type.
    fn category(&self) -> &str {
        self.worker_type()
    }

    /// Whether jobs may give parts of their result while they run. Default: no, and what they emit is dropped in
    /// the worker.
    fn supports_streaming(&self) -> bool {
        false
    }

    /// The factory: fills in and checks a job before it is accepted.
    ///
    /// # Errors
    /// The job is not wanted; `start_job` fails with [`StartError::CreateJob`](crate::StartError::CreateJob).
    fn create_job(&self, new: NewJob<J>) -> Result<NewJob<J>, HookError> {
        Ok(new)
    }

    /// What the plugin gets. Default: the job's spec, in its encoding. The attachments of the
    /// [`NewJob`] are added behind it.
    ///
    /// # Errors
    /// There is no request; `start_job` fails.
    fn prepare_execute_request(&self, job: &Job<J>) -> Result<Payload, HookError> {
        Ok(Payload::encode(J::ENCODING, &job.spec)?)
    }

    /// What the caller gets. Default: the response, decoded.
    ///
    /// It is called for a result that counts, and for no other. From then on nothing that comes meanwhile ends the job
    /// otherwise, no cancel and no timeout; only a shutdown does, if this has not returned within `kill_timeout` of its
    /// deadline. It runs on the runtime, while the worker may have its next job already. A panic fails the job.
    ///
    /// # Errors
    /// The response is not what was expected; the job fails.
    fn extract_job_result(&self, job: &Job<J>, response: Payload) -> Result<J::Output, HookError> {
        let _ = job;
        Ok(response.decode()?)
    }

    /// The name of the resource that a plugin with this configuration holds, such as its model. Default: the
    /// first of `resource_id`, `model_id`, `model` and `model_name` that is there, else "unknown".
    fn extract_plugin_resource_identifier(&self, config: &PluginConfig) -> String {
        let keys = ["resource_id", "model_id", "model", "model_name"];
        match keys.iter().find_map(|key| config.get(*key).filter(|value| !value.is_null())) {
            Some(Value::String(name)) => name.clone(),
            Some(other) => other.to_string(),
            None => "unknown".to_owned(),
        }
    }

    /// Whether there are resources for a job of this plugin now. Asked before a job is accepted, and again when the
    /// turn of a job comes that had to wait. Default: there are.
    ///
    /// It has `hook_timeout` to answer: then a new job is not accepted, and one that had to wait waits on. A shutdown ends
    /// it. Its future may be dropped at any await.
    fn validate_resources(
        &self,
        plugin: &PluginId,
        config: &PluginConfig,
        workers: &[WorkerState],
    ) -> impl Future<Output = Admission> + Send {
        let _ = (plugin, config, workers);
        Proceed::<Self>::new()
    }

    /// Called once when a job has completed, after job and result are visible to everybody, on a task of its own.
    /// A panic in it is logged and changes nothing. A shutdown waits for it, see
    /// [`JobManager::shutdown`].
    fn on_job_completed(&self, manager: &JobManager<J>, job: &Job<J>) -> impl Future<Output = ()> + Send {
        let _ = (manager, job);
        Nothing::<Self>::new()
    }

    /// Like [`on_job_completed`](Self::on_job_completed), for a job that has failed and will not be tried again. Why is
    /// in [`Job::error`].
    fn on_job_failed(&self, manager: &JobManager<J>, job: &Job<J>) -> impl Future<Output = ()> + Send {
        let _ = (manager, job);
        Nothing::<Self>::new()
    }

    /// Like [`on_job_completed`](Self::on_job_completed), for a job that was cancelled, and of which no code runs any
    /// more. How is in [`Job::cancellation`].
    fn on_job_cancelled(&self, manager: &JobManager<J>, job: &Job<J>) -> impl Future<Output = ()> + Send {
        let _ = (manager, job);
        Nothing::<Self>::new()
    }

    /// Starts the manager. Returns when its first worker is ready, so that what is wrong with the worker shows here.
    /// [`JobManager::builder`] takes more than a config.
    ///
    /// # Errors
    /// The config is out of bounds, the worker cannot be started, or does not become ready.
    ///
    /// # Cancel safety
    /// If the future is dropped, no worker stays behind.
    fn launch(self, config: WorkerConfig) -> impl Future<Output = Result<JobManager<J>, LaunchError>> + Send
    where
        Self: Sized,
    {
        JobManager::builder(self).config(config).launch()
    }
}
