//! The lab's jobs with the hooks that a test brings along.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostler::{
    Admission, BaseJobManager, HookError, Job, JobManager, JobManagerBuilder, NewJob, PluginConfig, PluginId,
    WorkerCommand, WorkerState,
};
use ostler_tests::lab::Task;

use crate::support::{lab_worker, within};

/// Longer than anything takes that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Admit = Box<dyn Fn(&PluginId, &PluginConfig, &[WorkerState]) -> BoxFuture<Admission> + Send + Sync>;
type Completed = Box<dyn Fn(JobManager<Task>, Job<Task>) -> BoxFuture<()> + Send + Sync>;
type Create = Box<dyn Fn(NewJob<Task>) -> Result<NewJob<Task>, HookError> + Send + Sync>;

pub(crate) struct Hooked {
    admit: Admit,
    completed: Completed,
    create: Create,
}

impl Hooked {
    pub(crate) fn new() -> Self {
        Self {
            admit: Box::new(|_, _, _| Box::pin(async { Admission::Proceed })),
            completed: Box::new(|_, _| Box::pin(async {})),
            create: Box::new(Ok),
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

    fn on_job_completed(
        &self,
        manager: &JobManager<Task>,
        job: &Job<Task>,
    ) -> impl Future<Output = ()> + Send {
        (self.completed)(manager.clone(), job.clone())
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
