use ostler_worker::{JobContext, Plugin, PluginError, PluginManifest};

use super::text_request::text_manifest;
use super::{TextRequest, TextResponse};

/// The plugin `uppercase`: puts a text into capitals, as Unicode has them.
pub struct Uppercase;

impl Plugin for Uppercase {
    const NAME: &str = "uppercase";
    type Config = ();
    type Request = TextRequest;
    type Response = TextResponse;

    fn manifest() -> PluginManifest {
        text_manifest(Self::NAME, "Puts a text into capitals")
    }

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(&mut self, request: TextRequest, _: &JobContext) -> Result<TextResponse, PluginError> {
        Ok(TextResponse { text: request.text.to_uppercase() })
    }
}
