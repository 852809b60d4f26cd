use std::error::Error;

use ostler_worker::PluginConfig;
use serde::{Deserialize, Serialize};

use crate::PluginId;

/// Knows the plugins of the host, which name each has in a worker, and how each is configured.
///
/// It is asked at launch and when a job starts, on the caller's thread: it should answer from memory.
pub trait PluginRegistry: Send + Sync + 'static {
    /// The plugins of a category, in the order in which they should be loaded.
    fn get_plugins_by_category(&self, category: &str) -> Vec<PluginInfo>;

    /// The plugin of this id.
    fn get_plugin(&self, id: &PluginId) -> Option<PluginInfo>;

    /// The configuration that the plugin is to be loaded with.
    ///
    /// # Errors
    /// If the plugin is unknown, or its configuration cannot be had.
    fn load_plugin_config(&self, id: &PluginId) -> Result<PluginConfig, RegistryError>;
}

/// What a registry knows of a plugin.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PluginInfo {
    /// What jobs call it.
    pub id: PluginId,
    /// What workers call it.
    pub name: String,
    /// Which managers it is for.
    pub category: String,
}

/// Why a registry has no configuration.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry does not know the plugin.
    #[error("the plugin registry does not know {plugin}")]
    UnknownPlugin {
        /// Which one.
        plugin: PluginId,
    },
    /// The plugin is known, and its configuration cannot be had.
    #[error("the plugin registry cannot load the configuration of {plugin}")]
    Config {
        /// Which one.
        plugin: PluginId,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}
