use std::time::Instant;

use crate::standing::Over;
use crate::{ControlOperation, PluginKey};

/// What a worker has done since its start.
#[derive(Debug, Default)]
pub(crate) struct Life {
    pub(crate) spawned_at: Option<Instant>,
    pub(crate) ready_at: Option<Instant>,
    /// Since when it has had nothing to do, if it is idle. Who takes the place of an old one that had nothing to do counts on
    /// from there.
    pub(crate) idle_since: Option<Instant>,
    pub(crate) jobs_done: u32,
    /// Why it must not go on for ever.
    pub(crate) over: Option<Over>,
    /// Resident memory when it was ready, in bytes; 0 if that is not known.
    pub(crate) baseline: u64,
    /// What it has loaded.
    pub(crate) warm: Vec<PluginKey>,
}

impl Life {
    /// The worker runs a job of this plugin, and has it loaded from then on.
    pub(crate) fn uses(&mut self, plugin: PluginKey) {
        if !self.warm.contains(&plugin) {
            self.warm.push(plugin);
        }
    }

    /// The worker has loaded or dropped a plugin.
    pub(crate) fn carried_out(&mut self, operation: ControlOperation) {
        match operation {
            ControlOperation::Reload(plugin) => self.uses(plugin),
            ControlOperation::Unload(plugin) => self.warm.retain(|&warm| warm != plugin),
            ControlOperation::GetState => {}
        }
    }
}
