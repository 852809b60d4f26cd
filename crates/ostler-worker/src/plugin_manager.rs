use ostler_wire::{Payload, PluginManifest};

use crate::{JobContext, PluginError};

/// A plugin's configuration: a JSON object.
pub type PluginConfig = serde_json::Map<String, serde_json::Value>;

/// What a worker needs of a set of plugins: they are known by name, and jobs are payloads.
///
/// A [`PluginSet`](crate::PluginSet) of [`Plugin`](crate::Plugin)s is one. Bring another to run plugins
/// of a different kind, as scripts or dynamic libraries. All calls come from one thread. A panic while a
/// plugin is loaded, executed or unloaded is caught; after one in `execute_plugin` the plugin is unloaded,
/// and loaded again before its next job.
pub trait PluginManager {
    /// All plugins that could be loaded, in the order in which they should be.
    fn discover_plugins(&self) -> Vec<PluginManifest>;

    /// Loads a plugin; one that is loaded is replaced.
    ///
    /// # Errors
    /// If the plugin is not known, or cannot work with this configuration.
    fn load_plugin(&mut self, name: &str, config: &PluginConfig) -> Result<(), PluginError>;

    /// Runs a job and returns its response, in the encoding of the request. What was attached through
    /// the context is added by the caller.
    ///
    /// # Errors
    /// If the job failed.
    fn execute_plugin(
        &mut self,
        name: &str,
        request: Payload,
        job: &JobContext,
    ) -> Result<Payload, PluginError>;

    /// Runs a job whose host wants chunks, if the plugin supports that. Chunks go out by
    /// [`JobContext::emit`] in both cases; this is for plugins that want to know.
    ///
    /// # Errors
    /// If the job failed.
    fn execute_plugin_stream(
        &mut self,
        name: &str,
        request: Payload,
        job: &JobContext,
    ) -> Result<Payload, PluginError> {
        self.execute_plugin(name, request, job)
    }

    /// Drops a plugin and loads it with another configuration. After an error it counts as unloaded, and
    /// the next job loads it with the configuration that it had before.
    ///
    /// # Errors
    /// If the plugin is not known, or cannot work with this configuration.
    fn reload_plugin(&mut self, name: &str, config: &PluginConfig) -> Result<(), PluginError> {
        self.unload_plugin(name)?;
        self.load_plugin(name, config)
    }

    /// Drops a plugin. One that is not loaded is left alone.
    ///
    /// # Errors
    /// If the plugin is not known, or did not let go.
    fn unload_plugin(&mut self, name: &str) -> Result<(), PluginError>;

    /// Whether a plugin can send chunks before its result.
    fn check_streaming_support(&self, name: &str) -> bool {
        self.discover_plugins().iter().any(|plugin| plugin.name == name && plugin.streaming)
    }
}
