use std::collections::HashMap;
use std::sync::Arc;

use ostler_wire::{PluginManifest, PluginSetup};
use serde::Serialize;
use serde_json::Value;

use crate::caught::hook;
use crate::integration::PluginRegistry;
use crate::{HookPanicked, InvalidPluginConfig, LaunchError, PluginConfig, PluginId, StartError};

/// More than a frame needs for a configuration besides its text and name, in bytes.
const SETUP_OVERHEAD: usize = 64;

/// The plugins that jobs may name, and how each is configured. Shared as a snapshot, replaced as a whole.
#[derive(Clone)]
pub(crate) struct Catalog {
    registry: Option<Arc<dyn PluginRegistry>>,
    category: String,
    configured: Vec<Configured>,
    /// What a plugin has that has no configuration, and its resource.
    unconfigured: (Arc<PluginConfig>, Arc<str>),
    /// What the workers have loaded; none before the first was ready.
    manifests: Option<Arc<[PluginManifest]>>,
}

#[derive(Clone)]
struct Configured {
    name: String,
    config: Arc<PluginConfig>,
    resource: Arc<str>,
}

impl Catalog {
    /// The registry's plugins of the category first, in its order; then what the host configured itself.
    pub(crate) fn new(
        registry: Option<Arc<dyn PluginRegistry>>,
        category: &str,
        given: Vec<(String, PluginConfig)>,
        resource: impl Fn(&PluginConfig) -> Result<String, HookPanicked>,
    ) -> Result<Self, LaunchError> {
        let unconfigured = Arc::new(PluginConfig::new());
        let unconfigured = (Arc::clone(&unconfigured), resource(&unconfigured)?.into());
        let mut catalog = Self {
            registry,
            category: category.to_owned(),
            configured: Vec::new(),
            unconfigured,
            manifests: None,
        };
        if let Some(registry) = catalog.registry.clone() {
            let mut ids: HashMap<String, PluginId> = HashMap::new();
            for plugin in hook("get_plugins_by_category", || registry.get_plugins_by_category(category))? {
                let config = hook("load_plugin_config", || registry.load_plugin_config(&plugin.id))??;
                if let Some(first) = ids.get(&plugin.name)
                    && *catalog.config(&plugin.name) != config
                {
                    let (name, first, second) = (plugin.name, first.clone(), plugin.id);
                    return Err(LaunchError::TwoConfigs { name, first, second });
                }
                ids.insert(plugin.name.clone(), plugin.id);
                let resource = resource(&config)?;
                catalog.configure(plugin.name, config, resource);
            }
        }
        for (name, config) in given {
            let resource = resource(&config)?;
            catalog.configure(name, config, resource);
        }
        Ok(catalog)
    }

    /// Checks that all configurations together fit into the frame that tells a worker to load its plugins.
    pub(crate) fn check_size(&self, max_frame_bytes: usize) -> Result<(), LaunchError> {
        let sizes = self.setups().into_iter().map(|setup| (setup.config.len(), setup.name));
        let sizes: Vec<(usize, String)> = sizes.collect();
        let size: usize = sizes.iter().map(|(size, name)| size + name.len() + SETUP_OVERHEAD).sum();
        let limit = max_frame_bytes.saturating_sub(SETUP_OVERHEAD);
        if size <= limit {
            return Ok(());
        }
        let plugin = sizes.into_iter().max().map(|(_, name)| name).unwrap_or_default();
        Err(LaunchError::PluginConfigTooLarge { plugin, size, limit })
    }

    /// Sets how a plugin is loaded from now on.
    pub(super) fn configure(&mut self, name: String, config: PluginConfig, resource: String) {
        let new = Configured { name, config: Arc::new(config), resource: resource.into() };
        match self.configured.iter_mut().find(|known| known.name == new.name) {
            Some(known) => *known = new,
            None => self.configured.push(new),
        }
    }

    pub(super) fn set_manifests(&mut self, manifests: Vec<PluginManifest>) {
        self.manifests = Some(manifests.into());
    }

    pub(super) fn are_manifests_known(&self) -> bool {
        self.manifests.is_some()
    }

    pub(crate) fn manifests(&self) -> Arc<[PluginManifest]> {
        self.manifests.clone().unwrap_or_default()
    }

    pub(crate) fn manifest(&self, name: &str) -> Option<&PluginManifest> {
        self.manifests.iter().flat_map(|manifests| manifests.iter()).find(|manifest| manifest.name == name)
    }

    /// What workers call the plugin; `None` if there is no such plugin. Before the first worker was ready, and
    /// without a registry, every name may be one.
    pub(crate) fn name_of(&self, id: &PluginId) -> Result<Option<Arc<str>>, HookPanicked> {
        let name: Arc<str> = match &self.registry {
            Some(registry) => match hook("get_plugin", || registry.get_plugin(id))? {
                Some(plugin) => plugin.name.into(),
                None => return Ok(None),
            },
            None => id.shared(),
        };
        Ok((self.manifests.is_none() || self.manifest(&name).is_some()).then_some(name))
    }

    pub(crate) fn unknown(&self, plugin: &PluginId) -> StartError {
        match self.known() {
            Ok(known) => StartError::UnknownPlugin { plugin: plugin.clone(), known },
            Err(panic) => panic.into(),
        }
    }

    fn known(&self) -> Result<Vec<String>, HookPanicked> {
        Ok(match &self.registry {
            Some(registry) => {
                let plugins =
                    hook("get_plugins_by_category", || registry.get_plugins_by_category(&self.category))?;
                plugins.into_iter().map(|plugin| plugin.id.to_string()).collect()
            }
            None => self.manifests().iter().map(|manifest| manifest.name.clone()).collect(),
        })
    }

    pub(super) fn config(&self, name: &str) -> Arc<PluginConfig> {
        Arc::clone(self.find(name).map_or(&self.unconfigured.0, |found| &found.config))
    }

    pub(super) fn resource(&self, name: &str) -> &Arc<str> {
        self.find(name).map_or(&self.unconfigured.1, |found| &found.resource)
    }

    /// What a worker is to load, in order.
    pub(super) fn setups(&self) -> Vec<PluginSetup> {
        let setup = |plugin: &Configured| PluginSetup {
            name: plugin.name.clone(),
            config: config_text(&plugin.config),
        };
        self.configured.iter().map(setup).collect()
    }

    /// Whether workers load what is configured and nothing else.
    pub(super) fn is_complete(&self) -> bool {
        self.registry.is_some()
    }

    fn find(&self, name: &str) -> Option<&Configured> {
        self.configured.iter().find(|known| known.name == name)
    }
}

/// A value as a plugin's configuration. Null is one without fields, so that `()` can be given.
pub(crate) fn plugin_config(value: impl Serialize) -> Result<PluginConfig, InvalidPluginConfig> {
    match serde_json::to_value(value)? {
        Value::Object(config) => Ok(config),
        Value::Null => Ok(PluginConfig::new()),
        Value::Bool(_) => Err(InvalidPluginConfig::NotAnObject("a truth value")),
        Value::Number(_) => Err(InvalidPluginConfig::NotAnObject("a number")),
        Value::String(_) => Err(InvalidPluginConfig::NotAnObject("a text")),
        Value::Array(_) => Err(InvalidPluginConfig::NotAnObject("a list")),
    }
}

/// A plugin's configuration as it travels.
pub(super) fn config_text(config: &PluginConfig) -> String {
    // A map of JSON values with text keys always is JSON.
    serde_json::to_string(config).unwrap_or_default()
}
