use ostler_worker::{JobContext, Plugin, PluginError, PluginManifest};

use super::text_request::text_manifest;
use super::{TextRequest, TextResponse};

/// The plugin `text_reverser`: turns a text round, character by character.
///
/// A character is a Unicode scalar value: what a reader sees as one may be several, and falls apart.
pub struct TextReverser;

impl Plugin for TextReverser {
    const NAME: &str = "text_reverser";
    type Config = ();
    type Request = TextRequest;
    type Response = TextResponse;

    fn manifest() -> PluginManifest {
        text_manifest(Self::NAME, "Turns a text round, character by character")
    }

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(&mut self, request: TextRequest, _: &JobContext) -> Result<TextResponse, PluginError> {
        Ok(TextResponse { text: request.text.chars().rev().collect() })
    }
}
