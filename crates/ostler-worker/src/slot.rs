use std::marker::PhantomData;

use ostler_wire::Payload;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{JobContext, Plugin, PluginConfig, PluginError, PluginManifest};

/// The place of one registered plugin, whatever its types are.
pub(crate) trait Slot {
    fn name(&self) -> &str;
    fn manifest(&self) -> PluginManifest;
    fn load(&mut self, config: &PluginConfig) -> Result<(), PluginError>;
    fn execute(&mut self, request: &Payload, job: &JobContext) -> Result<Payload, PluginError>;
    fn unload(&mut self);
}

pub(crate) struct TypedSlot<P> {
    plugin: Option<P>,
}

impl<P> TypedSlot<P> {
    pub(crate) const fn new() -> Self {
        Self { plugin: None }
    }
}

impl<P: Plugin> Slot for TypedSlot<P> {
    fn name(&self) -> &str {
        P::NAME
    }

    fn manifest(&self) -> PluginManifest {
        PluginManifest { name: P::NAME.to_owned(), ..P::manifest() }
    }

    fn load(&mut self, config: &PluginConfig) -> Result<(), PluginError> {
        let config = typed_config(config)?;
        // The old one goes first: two models may not fit into memory.
        self.unload();
        self.plugin = Some(P::load(config)?);
        Ok(())
    }

    fn execute(&mut self, request: &Payload, job: &JobContext) -> Result<Payload, PluginError> {
        let Some(plugin) = &mut self.plugin else {
            return Err(PluginError::fatal(format!("plugin `{}` is not loaded", P::NAME)));
        };
        let typed = decode(P::NAME, request)?;
        let response = plugin.execute(typed, job)?;
        let mut response = encode(P::NAME, request, &response)?;
        for attachment in job.take_response_attachments() {
            response.push(attachment);
        }
        Ok(response)
    }

    fn unload(&mut self) {
        // Taken out before it is dropped, so that a panic in its drop leaves an empty slot.
        let plugin = self.plugin.take();
        drop(plugin);
    }
}

/// The place of a function that is a plugin.
pub(crate) struct FunctionSlot<F, Request, Response> {
    manifest: PluginManifest,
    function: F,
    types: PhantomData<fn(Request) -> Response>,
}

impl<F, Request, Response> FunctionSlot<F, Request, Response> {
    pub(crate) const fn new(manifest: PluginManifest, function: F) -> Self {
        Self { manifest, function, types: PhantomData }
    }
}

impl<F, Request, Response> Slot for FunctionSlot<F, Request, Response>
where
    F: FnMut(Request, &JobContext) -> Result<Response, PluginError>,
    Request: DeserializeOwned,
    Response: Serialize,
{
    fn name(&self) -> &str {
        &self.manifest.name
    }

    fn manifest(&self) -> PluginManifest {
        self.manifest.clone()
    }

    fn load(&mut self, config: &PluginConfig) -> Result<(), PluginError> {
        // A configuration that nobody reads would be a setting without an effect.
        typed_config::<()>(config).map_err(|_| {
            PluginError::input(format!(
                "plugin `{}` is a function and takes no configuration: register a Plugin for that",
                self.manifest.name
            ))
        })
    }

    fn execute(&mut self, request: &Payload, job: &JobContext) -> Result<Payload, PluginError> {
        let response = (self.function)(decode(&self.manifest.name, request)?, job)?;
        encode(&self.manifest.name, request, &response)
    }

    fn unload(&mut self) {}
}

fn decode<T: DeserializeOwned>(plugin: &str, request: &Payload) -> Result<T, PluginError> {
    let typed = request.decode();
    typed.map_err(|error| PluginError::input(format!("plugin `{plugin}` cannot read the request: {error}")))
}

/// The response in the encoding of its request.
fn encode<T: Serialize>(plugin: &str, request: &Payload, response: &T) -> Result<Payload, PluginError> {
    Payload::encode(request.encoding(), response)
        .map_err(|error| PluginError::fatal(format!("plugin `{plugin}` cannot answer: {error}")))
}

/// The configuration as the plugin's own type; an error names the field.
fn typed_config<C: DeserializeOwned>(config: &PluginConfig) -> Result<C, PluginError> {
    let typed = serde_path_to_error::deserialize(Value::Object(config.clone()));
    let typed = match typed {
        // So that `()` and `Option` can be configurations.
        Err(error) if config.is_empty() => serde_json::from_value(Value::Null).map_err(|_| error),
        other => other,
    };
    typed.map_err(|error| {
        let field = error.path().to_string();
        let place = if field == "." { String::new() } else { format!(" at `{field}`") };
        PluginError::input(format!(
            "invalid config{place}: {}; the host gives it by plugin_config or by its registry",
            error.inner()
        ))
    })
}
