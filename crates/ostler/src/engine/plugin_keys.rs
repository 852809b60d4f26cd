use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ostler_lifecycle::PluginKey;

use crate::PluginId;

/// The numbers under which the machine knows plugins, and one copy of each name and id: a million jobs share it.
#[derive(Default)]
pub(super) struct PluginKeys {
    keys: HashMap<Arc<str>, PluginKey>,
    names: Vec<Arc<str>>,
    ids: HashSet<PluginId>,
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

    /// The name of a plugin that has a number.
    pub(super) fn name(&self, key: PluginKey) -> Arc<str> {
        self.names.get(key.0 as usize).cloned().unwrap_or_default()
    }

    /// The copy of an id that all jobs share.
    pub(super) fn id(&mut self, id: PluginId) -> PluginId {
        if let Some(known) = self.ids.get(id.as_str()) {
            return known.clone();
        }
        self.ids.insert(id.clone());
        id
    }
}
