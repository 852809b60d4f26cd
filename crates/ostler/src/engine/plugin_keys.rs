use std::collections::HashMap;
use std::sync::Arc;

use ostler_lifecycle::PluginKey;

/// The numbers under which the machine knows plugins.
#[derive(Default)]
pub(super) struct PluginKeys(HashMap<Arc<str>, PluginKey>);

impl PluginKeys {
    pub(super) fn of(&mut self, name: &str) -> PluginKey {
        if let Some(&key) = self.0.get(name) {
            return key;
        }
        // Names come from workers and from jobs; nobody has four thousand million plugins.
        let key = PluginKey(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.insert(name.into(), key);
        key
    }
}
