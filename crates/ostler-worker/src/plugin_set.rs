use ostler_wire::{Payload, PluginManifest};

use crate::slot::{Slot, TypedSlot};
use crate::{JobContext, Plugin, PluginConfig, PluginError, PluginManager};

/// Registered [`Plugin`]s by name.
#[derive(Default)]
pub struct PluginSet {
    slots: Vec<Box<dyn Slot>>,
}

impl PluginSet {
    /// A set without plugins.
    pub const fn new() -> Self {
        Self { slots: Vec::new() }
    }

    /// Adds a plugin; it is not loaded by that.
    ///
    /// # Panics
    /// If a plugin of that name is registered already. In a worker the host then sees that the worker
    /// did not start, and the message.
    pub fn register<P: Plugin>(&mut self) {
        assert!(
            self.slots.iter().all(|slot| slot.name() != P::NAME),
            "plugin `{}` is registered twice: give one of them another NAME",
            P::NAME
        );
        self.slots.push(Box::new(TypedSlot::<P>::new()));
    }

    /// The names of all plugins, in the order of registration.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.slots.iter().map(|slot| slot.name())
    }

    fn slot(&mut self, name: &str) -> Result<&mut dyn Slot, PluginError> {
        match self.slots.iter().position(|slot| slot.name() == name) {
            Some(index) => Ok(self.slots[index].as_mut()),
            None => Err(unknown_plugin(name, self.names())),
        }
    }
}

impl PluginManager for PluginSet {
    fn discover_plugins(&self) -> Vec<PluginManifest> {
        self.slots.iter().map(|slot| slot.manifest()).collect()
    }

    fn load_plugin(&mut self, name: &str, config: &PluginConfig) -> Result<(), PluginError> {
        self.slot(name)?.load(config)
    }

    fn execute_plugin(
        &mut self,
        name: &str,
        request: Payload,
        job: &JobContext,
    ) -> Result<Payload, PluginError> {
        self.slot(name)?.execute(&request, job)
    }

    fn reload_plugin(&mut self, name: &str, config: &PluginConfig) -> Result<(), PluginError> {
        self.slot(name)?.load(config)
    }

    fn unload_plugin(&mut self, name: &str) -> Result<(), PluginError> {
        self.slot(name)?.unload();
        Ok(())
    }

    fn check_streaming_support(&self, name: &str) -> bool {
        self.slots.iter().any(|slot| slot.name() == name && slot.manifest().streaming)
    }
}

/// The error for a name that no plugin has.
pub(crate) fn unknown_plugin<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> PluginError {
    let known = known.collect::<Vec<_>>().join(", ");
    let known = if known.is_empty() { "no plugins at all".to_owned() } else { known };
    PluginError::input(format!("this worker has no plugin `{name}`; it has {known}"))
}
