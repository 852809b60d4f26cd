//! The lab's jobs with the hooks that a test brings along.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostler::{
    Admission, BaseJobManager, Encoding, HookError, Job, JobManager, JobManagerBuilder, NewJob, Payload,
    PluginConfig, PluginId, WorkerCommand, WorkerState,
};
use ostler_tests::lab::Task;

use crate::support::{lab_worker, within};

/// Longer than anything takes that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Admit = Box<dyn Fn(&PluginId, &PluginConfig, &[WorkerState]) -> BoxFuture<Admission> + Send + Sync>;
type Ended = Box<dyn Fn(JobManager<Task>, Job<Task>) -> BoxFuture<()> + Send + Sync>;
type Create = Box<dyn Fn(NewJob<Task>) -> Result<NewJob<Task>, HookError> + Send + Sync>;
type Prepare = Box<dyn Fn(&Job<Task>) + Send + Sync>;
type Extract = Box<dyn Fn(&Job<Task>, &str) + Send + Sync>;
type Resource = Box<dyn Fn(&PluginConfig) -> String + Send + Sync>;

pub(crate) struct Hooked {
    admit: Admit,
    completed: Ended,
    failed: Ended,
    cancelled: Ended,
    create: Create,
    prepare: Prepare,
    extract: Extract,
    resource: Resource,
}

impl Hooked {
    pub(crate) fn new() -> Self {
        Self {
            admit: Box::new(|_, _, _| Box::pin(async { Admission::Proceed })),
            completed: Box::new(|_, _| Box::pin(async {})),
            failed: Box::new(|_, _| Box::pin(async {})),
            cancelled: Box::new(|_, _| Box::pin(async {})),
            create: Box::new(Ok),
            prepare: Box::new(|_| {}),
            extract: Box::new(|_, _| {}),
            resource: Box::new(|_| "unknown".to_owned()),
        }
    }

    /// `validate_resources`, answering at once.
    pub(crate) fn admission(
        self,
        answer: impl Fn(&PluginId, &PluginConfig, &[WorkerState]) -> Admission + Send + Sync + 'static,
    ) -> Self {
        self.slow_admission(move |plugin, config, workers| {
            let answer = answer(plugin, config, workers);
            async { answer }
        })
    }

    /// `validate_resources`.
    pub(crate) fn slow_admission<F: Future<Output = Admission> + Send + 'static>(
        mut self,
        answer: impl Fn(&PluginId, &PluginConfig, &[WorkerState]) -> F + Send + Sync + 'static,
    ) -> Self {
        self.admit = Box::new(move |plugin, config, workers| Box::pin(answer(plugin, config, workers)));
        self
    }

    /// `on_job_completed`.
    pub(crate) fn completed<F: Future<Output = ()> + Send + 'static>(
        mut self,
        hook: impl Fn(JobManager<Task>, Job<Task>) -> F + Send + Sync + 'static,
    ) -> Self {
        self.completed = Box::new(move |manager, job| Box::pin(hook(manager, job)));
        self
    }

    /// `on_job_failed`.
    pub(crate) fn failed<F: Future<Output = ()> + Send + 'static>(
        mut self,
        hook: impl Fn(JobManager<Task>, Job<Task>) -> F + Send + Sync + 'static,
    ) -> Self {
        self.failed = Box::new(move |manager, job| Box::pin(hook(manager, job)));
        self
    }

    /// `on_job_cancelled`.
    pub(crate) fn cancelled<F: Future<Output = ()> + Send + 'static>(
        mut self,
        hook: impl Fn(JobManager<Task>, Job<Task>) -> F + Send + Sync + 'static,
    ) -> Self {
        self.cancelled = Box::new(move |manager, job| Box::pin(hook(manager, job)));
        self
    }

    /// Runs before the default of `prepare_execute_request`.
    pub(crate) fn prepare(mut self, hook: impl Fn(&Job<Task>) + Send + Sync + 'static) -> Self {
        self.prepare = Box::new(hook);
        self
    }

    /// Runs in `extract_job_result`, which answers like the default.
    pub(crate) fn extract(mut self, hook: impl Fn(&Job<Task>, &str) + Send + Sync + 'static) -> Self {
        self.extract = Box::new(hook);
        self
    }

    /// `extract_plugin_resource_identifier`.
    pub(crate) fn resource(mut self, hook: impl Fn(&PluginConfig) -> String + Send + Sync + 'static) -> Self {
        self.resource = Box::new(hook);
        self
    }

    /// `create_job`.
    pub(crate) fn create(
        mut self,
        hook: impl Fn(NewJob<Task>) -> Result<NewJob<Task>, HookError> + Send + Sync + 'static,
    ) -> Self {
        self.create = Box::new(hook);
        self
    }

    pub(crate) fn builder(self) -> JobManagerBuilder<Task> {
        JobManager::builder(self)
    }

    pub(crate) async fn start(self) -> JobManager<Task> {
        self.builder().launch().await.unwrap()
    }
}

impl BaseJobManager<Task> for Hooked {
    fn worker_type(&self) -> &str {
        "lab"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        lab_worker()
    }

    fn create_job(&self, new: NewJob<Task>) -> Result<NewJob<Task>, HookError> {
        (self.create)(new)
    }

    fn validate_resources(
        &self,
        plugin: &PluginId,
        config: &PluginConfig,
        workers: &[WorkerState],
    ) -> impl Future<Output = Admission> + Send {
        (self.admit)(plugin, config, workers)
    }

    fn prepare_execute_request(&self, job: &Job<Task>) -> Result<Payload, HookError> {
        (self.prepare)(job);
        Ok(Payload::encode(Encoding::Bincode, &job.spec)?)
    }

    fn extract_job_result(&self, job: &Job<Task>, response: Payload) -> Result<String, HookError> {
        let output: String = response.decode()?;
        (self.extract)(job, &output);
        Ok(output)
    }

    fn extract_plugin_resource_identifier(&self, config: &PluginConfig) -> String {
        (self.resource)(config)
    }

    fn on_job_completed(
        &self,
        manager: &JobManager<Task>,
        job: &Job<Task>,
    ) -> impl Future<Output = ()> + Send {
        (self.completed)(manager.clone(), job.clone())
    }

    fn on_job_failed(&self, manager: &JobManager<Task>, job: &Job<Task>) -> impl Future<Output = ()> + Send {
        (self.failed)(manager.clone(), job.clone())
    }

    fn on_job_cancelled(
        &self,
        manager: &JobManager<Task>,
        job: &Job<Task>,
    ) -> impl Future<Output = ()> + Send {
        (self.cancelled)(manager.clone(), job.clone())
    }
}

/// What was called, in order.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    pub(crate) fn note(&self, call: impl Into<String>) {
        self.0.lock().unwrap().push(call.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until there are so many.
    pub(crate) async fn reach(&self, count: usize) -> Vec<String> {
        assert!(within(PATIENCE, || self.all().len() >= count).await, "only {:?}", self.all());
        self.all()
    }
}
