use ostler_worker::{Parameter, ParameterKind, PluginManifest};
use serde::{Deserialize, Serialize};

use crate::VERSION;

/// A text to work on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRequest {
    /// The text.
    pub text: String,
}

/// What a text was made into.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TextResponse {
    /// The text.
    pub text: String,
}

/// What the manifests of all plugins for text have in common.
pub(super) fn text_manifest(name: &str, description: &str) -> PluginManifest {
    let text = Parameter::new("text", ParameterKind::String).required().description("The text to work on");
    PluginManifest::new(name).version(VERSION).category("text").description(description).parameter(text)
}
