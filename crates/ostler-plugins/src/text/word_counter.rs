use std::collections::HashSet;

use ostler_worker::{JobContext, Plugin, PluginError, PluginManifest};
use serde::{Deserialize, Serialize};

use super::TextRequest;
use super::text_request::text_manifest;

/// The plugin `word_counter`: counts words, characters and lines.
pub struct WordCounter;

/// What was counted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WordCount {
    /// Words: what stands between white space.
    pub words: u64,
    /// Different words; capitals make no difference.
    pub unique_words: u64,
    /// Characters (Unicode scalar values), white space included.
    pub characters: u64,
    /// Lines; the last one counts with and without its line break.
    pub lines: u64,
}

impl Plugin for WordCounter {
    const NAME: &str = "word_counter";
    type Config = ();
    type Request = TextRequest;
    type Response = WordCount;

    fn manifest() -> PluginManifest {
        text_manifest(Self::NAME, "Counts words, different words, characters and lines")
    }

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(&mut self, request: TextRequest, _: &JobContext) -> Result<WordCount, PluginError> {
        let text = request.text;
        let unique: HashSet<String> = text.split_whitespace().map(str::to_lowercase).collect();
        Ok(WordCount {
            words: text.split_whitespace().count() as u64,
            unique_words: unique.len() as u64,
            characters: text.chars().count() as u64,
            lines: text.lines().count() as u64,
        })
    }
}
