use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::{Health, Input, JobId};
use ostler_wire::{PluginManifest, WorkerReport};
use serde::Serialize;
use serde_json::Value;

use super::{Alive, CancelRequest, JobHandle, JobManagerBuilder, JobRequest};
use crate::caught::say;
use crate::engine::{Core, bounded, plugin_config};
use crate::events::{JobEvents, ManagerEvents};
use crate::integration::{ManagerId, WorkerState};
use crate::{
    BaseJobManager, CancelError, ControlError, Job, JobError, JobResult, JobType, LaunchError, NewJob,
    PluginId, SharedBuffer, ShutdownError, StartError,
};

/// Runs jobs of one type in worker processes. A clone is cheap, and the same manager.
///
/// When the last clone is dropped, the manager shuts down at once, in the background: jobs that have not ended fail
/// as `Interrupted`, and within a second no process of its workers is left.
pub struct JobManager<J: JobType> {
    core: Arc<Core<J>>,
    /// None in what a hook is given: a hook that still runs does not keep a manager alive that nobody holds.
    _alive: Option<Arc<Alive<J>>>,
}

impl<J: JobType> JobManager<J> {
    /// A manager with more than a config; see [`BaseJobManager::launch`] for one without.
    pub fn builder(base: impl BaseJobManager<J>) -> JobManagerBuilder<J> {
        JobManagerBuilder::new(base)
    }

    pub(super) fn first(core: Arc<Core<J>>) -> Self {
        let alive = Arc::new(Alive(Arc::clone(&core)));
        Self { core, _alive: Some(alive) }
    }

    pub(crate) fn for_hook(core: &Arc<Core<J>>) -> Self {
        Self { core: Arc::clone(core), _alive: None }
    }

    pub(crate) fn core(&self) -> &Arc<Core<J>> {
        &self.core
    }

    /// Queues a job for a plugin. Returns once it is accepted.
    ///
    /// # Errors
    /// The plugin is unknown, the request does not fit or cannot be encoded, a hook refused it, the queue is full, or
    /// no worker can be had. Nothing was queued.
    ///
    /// # Cancel safety
    /// If the future is dropped, the job was either accepted or not; nothing is half done.
    pub async fn start_job(&self, plugin: impl Into<PluginId>, spec: J) -> Result<JobHandle<J>, StartError> {
        self.start(NewJob::new(plugin, spec)).await
    }

    /// A job with a priority, a timeout, metadata or attachments; end with [`start`](JobRequest::start).
    pub fn job(&self, plugin: impl Into<PluginId>, spec: J) -> JobRequest<'_, J> {
        JobRequest::new(self, NewJob::new(plugin, spec))
    }

    pub(crate) async fn start(&self, new: NewJob<J>) -> Result<JobHandle<J>, StartError> {
        let cell = self.core.start_job(new).await?;
        Ok(JobHandle::new(cell, &self.core))
    }

    /// Runs a job for each of these specs, and answers as they do, in the order of the specs. All are started at once;
    /// one that fails ends none of the others.
    ///
    /// # Errors
    /// One of the jobs was not accepted; those that were are cancelled then.
    ///
    /// # Cancel safety
    /// If the future is dropped, the jobs that were started go on.
    pub async fn map(
        &self,
        plugin: impl Into<PluginId>,
        specs: impl IntoIterator<Item = J>,
    ) -> Result<Vec<Result<J::Output, JobError>>, StartError> {
        let plugin = plugin.into();
        let mut jobs = Vec::new();
        for spec in specs {
            match self.start_job(&plugin, spec).await {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    for job in &jobs {
                        if let Err(error) = job.cancel().await {
                            say!(warn, %error, "a job of a map that was given up goes on");
                        }
                    }
                    return Err(error);
                }
            }
        }
        let mut outputs = Vec::with_capacity(jobs.len());
        for job in jobs {
            outputs.push(job.await);
        }
        Ok(outputs)
    }

    /// Cancels a job. True once it is cancelled, and that is proven: no code of it runs any more. A pending job is
    /// cancelled without killing anything. False if the job is unknown, has ended, or ends otherwise meanwhile.
    /// All callers learn the same outcome.
    ///
    /// # Errors
    /// The job's process was killed and does not die within `kill_timeout`.
    ///
    /// # Cancel safety
    /// The cancel goes on if the future is dropped.
    pub async fn cancel_job(&self, id: JobId) -> Result<bool, CancelError> {
        Ok(self.core.cancel(id, CancelRequest::new()).await?.is_cancelled())
    }

    /// The handle of a job, as [`start_job`](Self::start_job) has returned it: for who knows only the job's id. `None` if
    /// the job is unknown. One that has ended so long ago that its events had to make room has none to read.
    pub fn handle(&self, id: JobId) -> Option<JobHandle<J>> {
        Some(JobHandle::new(self.core.cell(id)?, &self.core))
    }

    /// The record of a job, as it stands now.
    pub fn get_job(&self, id: JobId) -> Option<Arc<Job<J>>> {
        self.core.read(|ledger| ledger.get(id))
    }

    /// The records of all jobs that are still known, oldest first.
    ///
    /// However many there are, nobody is held up meanwhile: a few are read at a time. A job that is known all the time is
    /// in the list once, as it stood when it was read; one that comes or goes meanwhile may be or not. The record of a job
    /// that waits is made when it is first read, and from then on takes some 300 bytes until it has gone.
    pub fn get_all_jobs(&self) -> Vec<Arc<Job<J>>> {
        self.core.all_jobs()
    }

    /// The jobs that run, or are being cancelled.
    pub fn get_running_jobs(&self) -> Vec<Arc<Job<J>>> {
        self.core.read(|ledger| ledger.running())
    }

    /// How a job ended; `None` while it has not, and for an unknown one.
    pub fn get_job_result(&self, id: JobId) -> Option<JobResult<J::Output>> {
        self.core.read(|ledger| ledger.result(id))?.read()
    }

    /// All that happened to a job, from its queueing on: one that has not ended, or one that has and is still known. Its
    /// chunks and what it printed are there however it ended. None if the job is unknown; and for one that ended so long
    /// ago that its events had to make room: those of all ended jobs together take up to 64 MiB.
    pub fn job_events(&self, id: JobId) -> Option<JobEvents> {
        self.core.log(id).map(JobEvents::new)
    }

    /// Forgets the jobs that have ended, with their events, and returns how many they were. One that ends meanwhile may
    /// stay.
    pub fn clear_completed_jobs(&self) -> usize {
        self.core.clear_completed()
    }

    /// Loads a plugin with a new configuration in every worker, each when it is idle. The configuration holds for
    /// workers that come later, too. It is a struct, a map, or what `serde_json::json!` makes.
    ///
    /// # Errors
    /// The plugin is unknown or refuses; no worker is alive and none comes; the last one that could do it died of it; or one
    /// takes longer than `reload_timeout`, and is replaced. The old configuration stays. A pool that rests without workers, as an
    /// `idle_timeout` allows, has nobody to ask whether the plugin takes the new one.
    ///
    /// # Cancel safety
    /// The reload goes on if the future is dropped.
    pub async fn reload_plugin(
        &self,
        plugin: impl Into<PluginId>,
        config: impl Serialize,
    ) -> Result<(), ControlError> {
        let name = self.name_of(&plugin.into())?;
        let config = plugin_config(config).map_err(|error| ControlError::InvalidConfig {
            plugin: name.clone(),
            reason: error.to_string(),
        })?;
        self.core.reload(name, config).await
    }

    /// Drops a plugin in every worker, each when it is idle, so that what it holds is freed. The next job for it loads
    /// it again.
    ///
    /// # Errors
    /// The plugin is unknown; no worker is alive and none comes; the last one that could do it died of it; or one takes longer
    /// than `unload_timeout`, and is replaced.
    ///
    /// # Cancel safety
    /// The unload goes on if the future is dropped.
    pub async fn unload_plugin(&self, plugin: impl Into<PluginId>) -> Result<(), ControlError> {
        let name = self.name_of(&plugin.into())?;
        self.core.unload(name).await
    }

    /// Asks every worker that is ready how it is, also those that run a job.
    ///
    /// # Errors
    /// No worker is ready, or one does not answer within `unload_timeout`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn get_worker_state(&self) -> Result<Vec<WorkerReport>, ControlError> {
        self.core.get_state().await
    }

    /// The workers, as this host sees them; none of them is asked.
    pub fn workers(&self) -> Vec<WorkerState> {
        self.core.workers().to_vec()
    }

    /// Whether the manager has the workers that it should have, and if not, why: as [`ManagerEvent`](crate::ManagerEvent)s
    /// told it last.
    pub fn health(&self) -> Health {
        self.core.health()
    }

    /// Forgets past failures, fills empty slots, and waits until a worker is ready.
    ///
    /// # Errors
    /// The worker ended before it was ready, or the manager is shut down.
    ///
    /// # Cancel safety
    /// The start goes on if the future is dropped.
    pub async fn restart_worker(&self) -> Result<(), LaunchError> {
        self.core.start_workers(Input::RestartWorkers).await
    }

    /// What workers call a plugin; `None` if there is no such plugin, or if the registry panicked, which is logged.
    pub fn get_plugin_name(&self, plugin: impl Into<PluginId>) -> Option<String> {
        self.known_name(&plugin.into()).map(|name| name.to_string())
    }

    /// Whether jobs of this plugin give parts of their result while they run: the plugin can, and the manager wants it.
    /// False if the registry panicked, which is logged.
    pub fn check_streaming_support(&self, plugin: impl Into<PluginId>) -> bool {
        let catalog = self.core.catalog();
        let name = self.known_name(&plugin.into());
        let can = name.and_then(|name| catalog.manifest(&name)).is_some_and(|manifest| manifest.streaming);
        can && self.core.supports_streaming()
    }

    /// The plugins that the workers have loaded; empty until one was ready.
    pub fn plugins(&self) -> Arc<[PluginManifest]> {
        self.core.catalog().manifests()
    }

    /// Hands an event of the host's own to its broadcaster, in order with the manager's. Without one, nothing happens.
    pub fn broadcast_event(&self, event_type: impl Into<String>, data: Value) {
        self.core.notices.broadcast(event_type.into(), data);
    }

    /// All that happens in this manager from now on, or [from an event on](ManagerEvents::starting_at) that an earlier reader
    /// has seen; for any number of readers.
    pub fn events(&self) -> ManagerEvents {
        self.core.events()
    }

    /// Stops the intake, lets jobs finish for `shutdown_timeout`, ends the rest as `Interrupted`, and waits until no
    /// process is left. It also waits until the host's hooks for ended jobs have returned and its integrations were told
    /// everything, though not beyond the same deadline; for those that were called because of the deadline, a second more.
    /// Another call waits for the first.
    ///
    /// It may be awaited anywhere, also outside of a runtime; the work is done on the runtime of the launch.
    ///
    /// # Errors
    /// Processes were killed and do not die.
    ///
    /// # Cancel safety
    /// The shutdown goes on if the future is dropped.
    pub async fn shutdown(&self) -> crate::Result<()> {
        self.core.begin_shutdown();
        self.closed().await
    }

    /// Like [`shutdown`](Self::shutdown), with another deadline. If a shutdown goes on already this can only make it
    /// sooner: what a second Ctrl-C is for.
    ///
    /// # Errors
    /// Processes were killed and do not die.
    ///
    /// # Cancel safety
    /// The shutdown goes on if the future is dropped.
    pub async fn shutdown_within(&self, patience: Duration) -> crate::Result<()> {
        self.core.shut_down_within(bounded(patience));
        self.closed().await
    }

    /// Memory for a large attachment or a raw body, of so many bytes, that is shared with a worker where that is possible:
    /// written in place, it is not copied on its way to that worker. [Frozen](SharedBuffer::freeze), it can be attached to
    /// any job. If the job goes to another worker, or there is no memory to share, it is copied, as all else is. What it
    /// holds at first may be left from an earlier job. Ask for it shortly before the job is started, since it is taken from
    /// a worker that is idle now.
    pub fn buffer(&self, len: usize) -> SharedBuffer {
        self.core.buffer(len)
    }

    async fn closed(&self) -> crate::Result<()> {
        let pids = self.core.closed().await;
        if pids.is_empty() {
            return Ok(());
        }
        let refusal = self.core.kill_refusal(&pids);
        Err(ShutdownError::StillDying { pids, refusal }.into())
    }

    /// This manager's name within the host, as in [`WorkerState::manager`].
    pub fn id(&self) -> ManagerId {
        self.core.id()
    }

    /// The type of the workers, as in event names.
    pub fn worker_type(&self) -> &str {
        self.core.worker_type()
    }

    fn name_of(&self, plugin: &PluginId) -> Result<String, ControlError> {
        let name = self.core.catalog().name_of(plugin)?.map(|name| name.to_string());
        name.ok_or_else(|| ControlError::UnknownPlugin { plugin: plugin.to_string() })
    }

    fn known_name(&self, plugin: &PluginId) -> Option<Arc<str>> {
        self.core.catalog().name_of(plugin).unwrap_or_else(|panic| {
            say!(error, %plugin, "{panic}");
            None
        })
    }
}

impl<J: JobType> Clone for JobManager<J> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), _alive: self._alive.clone() }
    }
}

impl<J: JobType> fmt::Debug for JobManager<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobManager").field("worker_type", &self.worker_type()).finish_non_exhaustive()
    }
}
