use ostler_worker::PluginConfig;

use super::{PluginInfo, PluginRegistry, RegistryError};
use crate::PluginId;

/// A registry whose plugins are named when it is made.
///
/// ```
/// use ostler::{PluginConfig, PluginRegistry, StaticRegistry};
///
/// let config = PluginConfig::from_iter([("model".into(), "base".into())]);
/// let registry = StaticRegistry::new().plugin("acme-whisper", "whisper", "transcription", config);
/// assert_eq!(registry.get_plugin(&"acme-whisper".into()).unwrap().name, "whisper");
/// ```
#[derive(Clone, Debug, Default)]
pub struct StaticRegistry {
    // A handful: a search is cheaper than a second order beside the one of their naming.
    plugins: Vec<(PluginInfo, PluginConfig)>,
}

impl StaticRegistry {
    /// One without plugins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a plugin; one of the same id is replaced, at its place.
    #[must_use]
    pub fn plugin(
        mut self,
        id: impl Into<PluginId>,
        name: impl Into<String>,
        category: impl Into<String>,
        config: PluginConfig,
    ) -> Self {
        let info = PluginInfo { id: id.into(), name: name.into(), category: category.into() };
        match self.plugins.iter_mut().find(|(known, _)| known.id == info.id) {
            Some(known) => *known = (info, config),
            None => self.plugins.push((info, config)),
        }
        self
    }

    fn find(&self, id: &PluginId) -> Option<&(PluginInfo, PluginConfig)> {
        self.plugins.iter().find(|(info, _)| info.id == *id)
    }
}

impl PluginRegistry for StaticRegistry {
    fn get_plugins_by_category(&self, category: &str) -> Vec<PluginInfo> {
        self.plugins.iter().map(|(info, _)| info).filter(|info| info.category == category).cloned().collect()
    }

    fn get_plugin(&self, id: &PluginId) -> Option<PluginInfo> {
        self.find(id).map(|(info, _)| info.clone())
    }

    fn load_plugin_config(&self, id: &PluginId) -> Result<PluginConfig, RegistryError> {
        let found = self.find(id).map(|(_, config)| config.clone());
        found.ok_or_else(|| RegistryError::UnknownPlugin { plugin: id.clone() })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::*;

    fn config(model: &str) -> PluginConfig {
        PluginConfig::from_iter([("model".into(), model.into())])
    }

    fn registry() -> StaticRegistry {
        StaticRegistry::new()
            .plugin("b", "whisper", "speech", config("base"))
            .plugin("a", "voxtral", "speech", config("mini"))
            .plugin("c", "thumbnail", "image", PluginConfig::new())
    }

    #[test]
    fn a_category_lists_its_plugins_in_the_order_of_their_naming() {
        let names = |category| {
            let plugins = registry().get_plugins_by_category(category);
            plugins.into_iter().map(|info| info.name).collect::<Vec<_>>()
        };
        assert_eq!(names("speech"), ["whisper", "voxtral"]);
        assert!(names("text").is_empty());
    }

    #[test]
    fn an_id_is_replaced_at_its_place() {
        let registry = registry().plugin("b", "whisper2", "speech", config("large"));
        assert_eq!(registry.get_plugins_by_category("speech")[0].name, "whisper2");
        assert_eq!(registry.load_plugin_config(&"b".into()).unwrap(), config("large"));
    }

    #[test]
    fn an_unknown_plugin_is_named() {
        assert_eq!(registry().get_plugin(&"whisper".into()), None);
        let error = registry().load_plugin_config(&"nobody".into()).unwrap_err();
        assert!(error.to_string().contains("nobody"), "{error}");
    }
}
