use ostler_wire::{Payload, PluginManifest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::slot::{FunctionSlot, Slot, TypedSlot};
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
        self.add(Box::new(TypedSlot::<P>::new()));
    }

    /// Adds a function as a plugin: for what needs no configuration, and nothing to be loaded first. `manifest` is its
    /// name, or more. What it captures lives as long as the worker.
    ///
    /// ```
    /// # mod ostler { pub use ostler_worker as worker; }
    /// use ostler::worker::{Bytes, PluginSet};
    ///
    /// let mut plugins = PluginSet::new();
    /// plugins.function("double", |n: u32, _| Ok(n * 2));
    /// plugins.function("reverse", |bytes: Bytes, job| {
    ///     job.info(format!("{} bytes", bytes.len()));
    ///     Ok(bytes.iter().rev().copied().collect::<Bytes>())
    /// });
    /// ```
    ///
    /// # Panics
    /// As [`register`](Self::register).
    pub fn function<F, Request, Response>(&mut self, manifest: impl Into<PluginManifest>, function: F)
    where
        F: FnMut(Request, &JobContext) -> Result<Response, PluginError> + 'static,
        Request: DeserializeOwned + 'static,
        Response: Serialize + 'static,
    {
        self.add(Box::new(FunctionSlot::new(manifest.into(), function)));
    }

    fn add(&mut self, slot: Box<dyn Slot>) {
        assert!(
            self.slots.iter().all(|known| known.name() != slot.name()),
            "plugin `{}` is registered twice: give one of them another name",
            slot.name()
        );
        self.slots.push(slot);
    }

    /// The names of all plugins, in the order of registration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
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
