use std::collections::HashMap;
use std::sync::Arc;

use ostler_lifecycle::PluginKey;

use crate::PluginId;

/// The numbers under which the machine knows plugins, and one copy of each name and id: a million jobs share it.
#[derive(Default)]
pub(super) struct PluginKeys {
    keys: HashMap<Arc<str>, PluginKey>,
    names: Vec<Arc<str>>,
    /// What jobs have named so far, each with the number that it had last.
    ids: HashMap<PluginId, PluginKey>,
}

impl PluginKeys {
    pub(super) fn of(&mut self, name: &str) -> PluginKey {
        if let Some(&key) = self.keys.get(name) {
            return key;
        }
        // Names come from workers and from jobs; nobody has four thousand million plugins.
        let key = PluginKey(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        self.keys.insert(Arc::clone(&name), key);
        self.names.push(name);
        key
    }

    /// The copy of a plugin's id that all jobs share, and its number.
    pub(super) fn of_job(&mut self, id: &PluginId, name: &str) -> (PluginId, PluginKey) {
        if let Some((id, &key)) = self.ids.get_key_value(id)
            && self.names.get(key.0 as usize).is_some_and(|known| **known == *name)
        {
            return (id.clone(), key);
        }
        let key = self.of(name);
        self.ids.insert(id.clone(), key);
        (id.clone(), key)
    }

    /// The name of a plugin that has a number.
    pub(super) fn name(&self, key: PluginKey) -> Arc<str> {
        self.names.get(key.0 as usize).cloned().unwrap_or_default()
    }
}
