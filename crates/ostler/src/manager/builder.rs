use std::fmt;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::Input;
use ostler_process::{Maker, ProcessGroups};
use ostler_wire::env;
use serde::Serialize;
use tokio::net::UnixStream;
use tokio::runtime::Handle;

use super::JobManager;
use crate::caught::say;
use crate::engine::{Catalog, Core, Erased, Host, Notices, Parts, plugin_config};
use crate::integration::{EventBroadcaster, PluginRegistry, ResourceManager};
use crate::{BaseJobManager, InvalidPluginConfig, JobType, LaunchError, PluginConfig, WorkerConfig};

/// What a manager is launched with. Made by [`JobManager::builder`].
#[must_use = "nothing runs before launch()"]
pub struct JobManagerBuilder<J: JobType> {
    host: Arc<dyn Host<J>>,
    maker: Arc<dyn Maker>,
    config: WorkerConfig,
    registry: Option<Arc<dyn PluginRegistry>>,
    resources: Option<Arc<dyn ResourceManager>>,
    broadcaster: Option<Arc<dyn EventBroadcaster>>,
    plugin_configs: Vec<(String, Result<PluginConfig, InvalidPluginConfig>)>,
    lazy: bool,
}

impl<J: JobType> JobManagerBuilder<J> {
    pub(super) fn new(base: impl BaseJobManager<J>) -> Self {
        Self {
            host: Arc::new(Erased::new(base)),
            maker: Arc::new(ProcessGroups),
            config: WorkerConfig::default(),
            registry: None,
            resources: None,
            broadcaster: None,
            plugin_configs: Vec::new(),
            lazy: false,
        }
    }

    /// How workers are kept.
    pub fn config(mut self, config: WorkerConfig) -> Self {
        self.config = config;
        self
    }

    /// Who knows the plugins: with a registry, its ids are what jobs name, and workers load just the plugins that it
    /// has in the manager's category.
    pub fn registry(mut self, registry: impl PluginRegistry) -> Self {
        self.registry = Some(Arc::new(registry));
        self
    }

    /// Who makes the workers' processes, and ends them. Unless set, each is a child of this process.
    pub fn maker(mut self, maker: impl Maker) -> Self {
        self.maker = Arc::new(maker);
        self
    }

    /// Who keeps account of the workers.
    pub fn resource_manager(mut self, resources: impl ResourceManager) -> Self {
        self.resources = Some(Arc::new(resources));
        self
    }

    /// Who passes events on.
    pub fn event_broadcaster(mut self, broadcaster: impl EventBroadcaster) -> Self {
        self.broadcaster = Some(Arc::new(broadcaster));
        self
    }

    /// What a plugin is loaded with: a struct, a map, or what `serde_json::json!` makes. `name` is what workers call the
    /// plugin. It goes before what the registry says. A value that is no object in JSON is an error of the launch.
    pub fn plugin_config(mut self, name: impl Into<String>, config: impl Serialize) -> Self {
        self.plugin_configs.push((name.into(), plugin_config(config)));
        self
    }

    /// Start the first worker with the first job, and not at the launch. What is wrong with the worker then shows in
    /// that job. Until a worker was ready nobody knows its plugins: a job for one that it does not have is accepted,
    /// and fails.
    pub fn lazy(mut self) -> Self {
        self.lazy = true;
        self
    }

    /// Starts the manager, and waits until its first worker is ready.
    ///
    /// # Errors
    /// A value is out of bounds, the worker cannot be started, or ends before it is ready; nothing stays behind.
    ///
    /// # Cancel safety
    /// If the future is dropped, no worker stays behind.
    pub async fn launch(self) -> Result<JobManager<J>, LaunchError> {
        self.config.check()?;
        if self.config.one_job_may_take_all_down() {
            say!(
                warn,
                max_restart_attempts = self.config.max_restart_attempts,
                max_crashes = self.config.retry.max_crashes,
                "a single job that crashes every worker uses up all restarts before it is put into quarantine: allow more \
                 restarts, or fewer crashes"
            );
        }
        if std::env::var_os(env::SOCKET).is_some() {
            return Err(LaunchError::InsideWorker);
        }
        self.maker.check_host()?;
        let runtime = Handle::try_current().map_err(|_| LaunchError::NoRuntime)?;
        if !has_drivers() {
            return Err(LaunchError::NoRuntime);
        }
        let face = self.host.face()?;
        let mut command = face.entry_point.resolve()?;
        command.limits = self.config.limits.clone();
        let given = self.plugin_configs.into_iter().map(|(plugin, config)| match config {
            Ok(config) => Ok((plugin, config)),
            Err(source) => Err(LaunchError::PluginConfig { plugin, source }),
        });
        let given = given.collect::<Result<Vec<_>, _>>()?;
        let host = Arc::clone(&self.host);
        let resource = move |config: &PluginConfig| host.resource(config);
        let catalog = Catalog::new(self.registry, &face.category, given, resource)?;
        catalog.check_size(self.config.max_frame_bytes)?;
        let notices = Notices::start(&face.worker_type, &runtime, self.broadcaster, self.resources)
            .map_err(LaunchError::Thread)?;
        let core = Core::start(Parts {
            host: self.host,
            command_text: face.entry_point.to_string(),
            face,
            catalog,
            notices,
            maker: self.maker,
            command,
            config: self.config,
            runtime,
        });
        let manager = JobManager::first(core);
        if !self.lazy
            && let Err(error) = manager.core().start_workers(Input::Start).await
        {
            let core = Arc::clone(manager.core());
            drop(manager);
            core.closed().await;
            return Err(error);
        }
        manager.core().told_of_launch().await;
        Ok(manager)
    }
}

/// Whether the runtime has I/O and time enabled; it says so only by a panic.
fn has_drivers() -> bool {
    catch_unwind(|| {
        drop(tokio::time::sleep(Duration::ZERO));
        UnixStream::pair().is_ok()
    })
    .unwrap_or(false)
}

impl<J: JobType> fmt::Debug for JobManagerBuilder<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobManagerBuilder")
            .field("config", &self.config)
            .field("lazy", &self.lazy)
            .finish_non_exhaustive()
    }
}
