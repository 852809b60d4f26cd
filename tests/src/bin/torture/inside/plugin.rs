use std::time::Duration;

use ostler::worker::{JobContext, Plugin, PluginError, PluginManifest, PluginSet};
use serde::Deserialize;

use super::page::Run;
use super::{Task, perform};

pub(crate) const ALPHA: &str = "alpha";
pub(crate) const BETA: &str = "beta";

/// Does what it is told.
struct Alpha(Config);
/// The same under another name, so that there is something to tell apart.
struct Beta(Config);

/// What a plugin is loaded with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    /// A number to tell configurations apart.
    pub(super) number: u64,
    /// How long loading takes, in milliseconds.
    load: u64,
    /// Whether it refuses to load.
    refuse: bool,
}

pub(crate) fn register_all(plugins: &mut PluginSet) {
    plugins.register::<Alpha>();
    plugins.register::<Beta>();
}

impl Plugin for Alpha {
    const NAME: &str = ALPHA;
    type Config = Option<Config>;
    type Request = Task;
    type Response = String;

    fn manifest() -> PluginManifest {
        PluginManifest::new(Self::NAME).streaming(true)
    }

    fn load(config: Option<Config>) -> Result<Self, PluginError> {
        load(config).map(Self)
    }

    fn execute(&mut self, task: Task, job: &JobContext) -> Result<String, PluginError> {
        execute(&self.0, &task, job)
    }
}

impl Plugin for Beta {
    const NAME: &str = BETA;
    type Config = Option<Config>;
    type Request = Task;
    type Response = String;

    fn manifest() -> PluginManifest {
        PluginManifest::new(Self::NAME).streaming(true)
    }

    fn load(config: Option<Config>) -> Result<Self, PluginError> {
        load(config).map(Self)
    }

    fn execute(&mut self, task: Task, job: &JobContext) -> Result<String, PluginError> {
        execute(&self.0, &task, job)
    }
}

fn load(config: Option<Config>) -> Result<Config, PluginError> {
    let config = config.unwrap_or_default();
    if config.refuse {
        return Err(PluginError::input("it was told to refuse"));
    }
    std::thread::sleep(Duration::from_millis(config.load));
    Ok(config)
}

fn execute(config: &Config, task: &Task, job: &JobContext) -> Result<String, PluginError> {
    // A job before this one may have lowered them.
    crate::ordeal::give_limits_back();
    let run = Run::begin(task.number, job.attempt())?;
    let outcome = perform::perform(config, task, job, &run);
    run.end();
    outcome
}
