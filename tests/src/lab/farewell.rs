use std::path::PathBuf;

use ostler::worker::{JobContext, Plugin, PluginError};
use serde::Deserialize;

use super::Task;
use super::harm::{for_ever, segfault};

/// Writes a file when it is dropped, as a plugin does that has something to give back.
pub struct Farewell(Config);

/// What it is loaded with.
#[derive(Debug, Deserialize)]
pub struct Config {
    /// What it writes.
    file: PathBuf,
    /// How it goes wrong then.
    #[serde(default)]
    end: Option<BadEnd>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BadEnd {
    Panic,
    Hang,
    Segfault,
}

impl Plugin for Farewell {
    const NAME: &str = "farewell";
    type Config = Config;
    type Request = Task;
    type Response = String;

    fn load(config: Config) -> Result<Self, PluginError> {
        Ok(Self(config))
    }

    fn execute(&mut self, task: Task, _: &JobContext) -> Result<String, PluginError> {
        match task {
            Task::Echo(text) => Ok(text),
            _ => Err(PluginError::input("it can answer with a text, and nothing else")),
        }
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        // Whoever looks for it sees that it is missing.
        let _ = std::fs::write(&self.0.file, "farewell");
        match self.0.end {
            None => {}
            Some(BadEnd::Panic) => panic!("it does not want to go"),
            Some(BadEnd::Hang) => for_ever(),
            Some(BadEnd::Segfault) => segfault(),
        }
    }
}
