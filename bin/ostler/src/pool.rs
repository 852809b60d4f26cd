use std::time::Duration;

use ostler::worker::PluginManifest;
use ostler::{ByteSize, JobManager, WorkerConfig, WorkerLimits};

use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::job::{CliJobs, Manager};

use crate::suggest::{did_you_mean, nearest};

/// What all commands ask of their workers: at the end nothing is worth waiting for.
pub(crate) fn config() -> WorkerConfig {
    WorkerConfig { shutdown_timeout: Duration::from_millis(500), ..WorkerConfig::default() }
}

/// Limits of which only memory is given, if any.
pub(crate) fn limits(max_memory: Option<ByteSize>) -> WorkerLimits {
    WorkerLimits { memory: max_memory.map(|size| size.0), ..WorkerLimits::default() }
}

/// Launches a manager, lets `work` use it, and shuts it down again, whatever came of it.
pub(crate) async fn with_manager<T>(
    config: WorkerConfig,
    mut interrupt: Interrupt,
    work: impl AsyncFnOnce(&Manager) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let manager = tokio::select! {
        launched = JobManager::builder(CliJobs).config(config).launch() => launched?,
        _ = interrupt.asked() => return Err(Failure::cancelled()),
    };
    let outcome = work(&manager).await;
    // What it says of processes that do not die, it also logs; the outcome matters more.
    let _ = manager.shutdown().await;
    outcome
}

/// Why there is no such plugin.
#[derive(Debug, thiserror::Error)]
#[error("there is no plugin {name:?}{}; `ostler plugins` lists what there is", did_you_mean(near.as_deref()))]
struct UnknownPlugin {
    name: String,
    near: Option<String>,
}

/// What the plugin of that name says about itself.
pub(crate) fn find_plugin(manager: &Manager, name: &str, command: &str) -> Result<PluginManifest, Failure> {
    let plugins = manager.plugins();
    if let Some(found) = plugins.iter().find(|manifest| manifest.name == name) {
        return Ok(found.clone());
    }
    let near = nearest(name, plugins.iter().map(|manifest| manifest.name.as_str())).map(str::to_owned);
    Err(Failure::usage(command, &UnknownPlugin { name: name.to_owned(), near }))
}
